#include "engine/host.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ascii.h"
#include "base/number.h"

namespace engine {
namespace {

constexpr size_t kHostBytesMax = 253;  // RFC 1035, without the last dot.

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool name_byte(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_';
}

bool hex_byte(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool number_like(std::string_view label) {
  if (label.starts_with("0x")) return std::ranges::all_of(label.substr(2), hex_byte);
  return !label.empty() && std::ranges::all_of(label, is_digit);
}

// One part of an address: decimal, octal with a 0 before it, hexadecimal with 0x.
std::optional<uint64_t> part_of(std::string_view text) {
  uint64_t base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    const uint64_t digit = static_cast<uint64_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
    if (!hex_byte(c) || digit >= base) return std::nullopt;
    value = value * base + digit;
    if (value > UINT32_MAX) return std::nullopt;
  }
  return value;
}

// "127.1", "2130706433" …: up to four parts, the last fills what is left.
std::optional<uint32_t> ip4_of(std::string_view text) {
  uint64_t address = 0;
  for (unsigned left = 4; left > 0; --left) {
    const size_t dot = text.find('.');
    const bool last = dot == std::string_view::npos;
    const auto part = part_of(text.substr(0, dot));
    const unsigned bits = last ? 8 * left : 8;
    if (!part || *part >> bits != 0) return std::nullopt;
    address = address << bits | *part;
    if (last) return static_cast<uint32_t>(address);
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

std::string text_of(uint32_t ip4) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += std::to_string(ip4 >> shift & 255) + (shift == 0 ? "" : ".");
  return out;
}

// In brackets, but an IPv4 address within an IPv6 one is itself. Empty: it is none.
std::string ip6_of(std::string_view text) {
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, std::string(text).c_str(), bytes.data()) != 1) return {};
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool four = std::ranges::equal(kMapped, std::span(bytes).first(12));
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(four ? AF_INET : AF_INET6, bytes.data() + (four ? 12 : 0), out.data(), out.size());
  return four ? std::string(out.data()) : "[" + std::string(out.data()) + "]";
}

std::string name_of(std::string_view text) {
  std::string name = base::lower_case(text);
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name.size() > kHostBytesMax || !std::ranges::all_of(name, name_byte) ||
      name.front() == '.' || name.back() == '.' || name.find("..") != std::string::npos)
    return {};
  if (!number_like(std::string_view(name).substr(name.rfind('.') + 1))) return name;
  const std::optional<uint32_t> address = ip4_of(name);
  return address ? text_of(*address) : std::string();
}

}  // namespace

std::string host_of(std::string_view url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return {};
  const std::string scheme = base::lower_case(url.substr(0, scheme_end));
  url.remove_prefix(scheme_end + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const size_t at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  const bool bracket = url.starts_with('[');
  const size_t host_end =
      bracket ? std::min(url.find(']'), url.size() - 1) + 1 : std::min(url.find(':'), url.size());
  const std::string_view text = url.substr(0, host_end);
  std::string host =
      bracket ? (text.ends_with(']') ? ip6_of(text.substr(1, text.size() - 2)) : std::string())
              : name_of(text);
  std::string_view port = url.substr(host_end);
  if (host.empty() || port.empty() || port == ":") return host;
  port.remove_prefix(1);
  const bool plain = url[host_end] == ':' && std::ranges::all_of(port, is_digit);
  const auto number = plain ? base::parse_integer(port) : std::nullopt;
  if (!number || *number < 1 || *number > 65'535) return {};
  if (*number == (scheme == "https" ? 443 : scheme == "http" ? 80 : 0)) return host;
  return host + ":" + std::to_string(*number);
}

}  // namespace engine
