#include "engine/id.h"

#include <array>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace engine {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";

constexpr std::array<int8_t, 256> values() {
  std::array<int8_t, 256> value{};
  for (auto& each : value) each = -1;
  for (size_t i = 0; i < kDigits.size(); ++i) {
    value[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  }
  return value;
}
constexpr std::array<int8_t, 256> kValues = values();

void put(char*& to, uint64_t value, size_t digits) {
  for (size_t i = digits; i-- > 0; value >>= 5) to[i] = kDigits[value & 31];
  to += digits;
}

// False: not a digit, or above what `digits` of `bits` may hold.
bool get(std::string_view& from, size_t digits, int bits, uint64_t& value) {
  value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const int8_t digit = kValues[static_cast<uint8_t>(from[i])];
    if (digit < 0) return false;
    if (i == 0 && digits * 5 > static_cast<size_t>(bits) &&
        (digit >> (bits - 5 * (static_cast<int>(digits) - 1))) != 0) {
      return false;
    }
    value = value << 5 | static_cast<uint64_t>(digit);
  }
  from.remove_prefix(digits);
  return true;
}

constexpr uint64_t kSeed = 0x5ba4'd001;  // Of the choice of shards: fixed for ever.

}  // namespace

Spelt<kIdBytes> spell(const MessageId& id) {
  Spelt<kIdBytes> text;
  char* to = text.bytes;
  *to++ = 'm';
  put(to, id.shard, 4);
  put(to, id.number, 13);
  return text;
}

Spelt<kReceiptBytes> spell(const Receipt& receipt) {
  Spelt<kReceiptBytes> text;
  char* to = text.bytes;
  *to++ = 'r';
  put(to, receipt.shard, 4);
  put(to, receipt.number, 13);
  put(to, receipt.attempt, 4);
  put(to, receipt.start, 7);
  return text;
}

std::string to_string(const MessageId& id) { return std::string(std::string_view(spell(id))); }

std::string to_string(const Receipt& receipt) {
  return std::string(std::string_view(spell(receipt)));
}

std::optional<MessageId> parse_id(std::string_view text) {
  if (text.size() != kIdBytes || text.front() != 'm') return std::nullopt;
  text.remove_prefix(1);
  uint64_t shard = 0, number = 0;
  if (!get(text, 4, 20, shard) || !get(text, 13, 64, number)) return std::nullopt;
  return MessageId{static_cast<uint32_t>(shard), number};
}

std::optional<Receipt> parse_receipt(std::string_view text) {
  if (text.size() != kReceiptBytes || text.front() != 'r') return std::nullopt;
  text.remove_prefix(1);
  uint64_t shard = 0, number = 0, attempt = 0, start = 0;
  if (!get(text, 4, 20, shard) || !get(text, 13, 64, number) || !get(text, 4, 16, attempt) ||
      !get(text, 7, 32, start)) {
    return std::nullopt;
  }
  return Receipt{static_cast<uint32_t>(shard), number, static_cast<uint16_t>(attempt),
                 static_cast<uint32_t>(start)};
}

uint32_t shard_of(std::string_view queue, uint32_t shards) {
  if (shards <= 1) return 0;
  return static_cast<uint32_t>(XXH3_64bits_withSeed(queue.data(), queue.size(), kSeed) % shards);
}

}  // namespace engine
