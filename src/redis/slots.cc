#include "redis/slots.h"

#include <algorithm>
#include <array>

#include "base/number.h"

namespace redis {
namespace {

// CRC-16/XMODEM: polynomial 0x1021, from 0, most significant bit first.
constexpr std::array<uint16_t, 256> crc_table() {
  std::array<uint16_t, 256> out{};
  for (unsigned i = 0; i < 256; ++i) {
    unsigned crc = i << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021u : 0u);
    out[i] = static_cast<uint16_t>(crc);
  }
  return out;
}
constexpr std::array<uint16_t, 256> kCrc = crc_table();

std::string_view hash_tag(std::string_view key) {
  const size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

bool port_of(int64_t number, uint16_t& port) {
  if (number <= 0 || number > 65535) return false;
  port = static_cast<uint16_t>(number);
  return true;
}

std::string_view word(std::string_view& text) {
  const size_t end = text.find(' ');
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return out;
}

bool is_slot(int64_t number) { return number >= 0 && number < static_cast<int64_t>(kSlots); }

bool is_integer(const Reply& reply) { return reply.kind == Reply::Kind::kInteger; }

// [host, port, id, …]. A host of "" or nil is the one that was asked; "?" is one nobody knows.
std::optional<Node> node_of(const Reply& reply, const Node& from) {
  if (reply.list.size() < 2 || !is_integer(reply.list[1])) return std::nullopt;
  Node out{reply.list[0].text.empty() ? from.host : reply.list[0].text, 0};
  if (out.host == "?" || !port_of(reply.list[1].integer, out.port)) return std::nullopt;
  return out;
}

}  // namespace

uint16_t slot_of(std::string_view key) {
  unsigned crc = 0;
  for (const char c : hash_tag(key)) {
    crc = ((crc << 8) ^ kCrc[((crc >> 8) ^ static_cast<uint8_t>(c)) & 0xff]) & 0xffff;
  }
  return static_cast<uint16_t>(crc % kSlots);
}

std::optional<Redirect> parse_redirect(std::string_view error, const Node& from) {
  const std::string_view kind = word(error);
  if (kind != "MOVED" && kind != "ASK") return std::nullopt;
  const std::optional<int64_t> slot = base::parse_integer(word(error));
  const std::string_view address = word(error);
  const size_t colon = address.rfind(':');  // IPv6 has no brackets here.
  if (!slot || !is_slot(*slot) || colon == std::string_view::npos) return std::nullopt;
  const std::optional<int64_t> port = base::parse_integer(address.substr(colon + 1));
  Redirect out{.ask = kind == "ASK", .slot = static_cast<uint16_t>(*slot), .to = from};
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!host.empty()) out.to.host = host;
  if (!port || !port_of(*port, out.to.port)) return std::nullopt;
  return out;
}

std::optional<SlotMap> SlotMap::of(const Reply& reply, const Node& from) {
  SlotMap out;
  for (const Reply& range : reply.list) {
    if (range.list.size() < 3 || !is_integer(range.list[0]) || !is_integer(range.list[1])) {
      return std::nullopt;
    }
    const int64_t first = range.list[0].integer, last = range.list[1].integer;
    if (!is_slot(first) || !is_slot(last) || first > last) return std::nullopt;
    const std::optional<Node> master = node_of(range.list[2], from);
    if (!master) continue;
    const uint16_t index = out.index_of(*master);
    std::fill(out.owners_.begin() + first, out.owners_.begin() + last + 1, index);
  }
  if (out.masters_.empty()) return std::nullopt;
  return out;
}

const Node* SlotMap::owner(uint16_t slot) const {
  const uint16_t index = owners_[slot];
  return index == kNobody ? nullptr : &masters_[index];
}

void SlotMap::move(uint16_t slot, const Node& to) { owners_[slot] = index_of(to); }

uint16_t SlotMap::index_of(const Node& node) {
  const auto found = std::ranges::find(masters_, node);
  const auto index = static_cast<uint16_t>(found - masters_.begin());
  if (found == masters_.end()) masters_.push_back(node);
  return index;
}

}  // namespace redis
