// Ids and receipts as the outside spells them: opaque ASCII that begins with a letter, and never
// the same again.
//
//   m SSSS NNNNNNNNNNNNN              id: shard, number, in Crockford's base 32 without case
//   r SSSS NNNNNNNNNNNNN AAAA TTTTTTT receipt: shard, number, attempt, start
//
// A number carries the start of the log that gave it (queue/queue.h), a receipt the start in which
// its lease was given: whatever a power loss took, no later lease can have this receipt (P6).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "queue/queue.h"

namespace engine {

struct MessageId {
  uint32_t shard = 0;  // Below 2^20.
  queue::Number number = 0;
  friend bool operator==(const MessageId&, const MessageId&) = default;
};

struct Receipt {
  uint32_t shard = 0;
  queue::Number number = 0;
  uint16_t attempt = 0;  // How often it had been delivered, this delivery included.
  uint32_t start = 0;
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

inline constexpr size_t kIdBytes = 1 + 4 + 13;
inline constexpr size_t kReceiptBytes = 1 + 4 + 13 + 4 + 7;

// As texts that need no memory of their own.
template <size_t n>
struct Spelt {
  char bytes[n];
  operator std::string_view() const { return {bytes, n}; }
};
Spelt<kIdBytes> spell(const MessageId& id);
Spelt<kReceiptBytes> spell(const Receipt& receipt);

std::string to_string(const MessageId& id);
std::string to_string(const Receipt& receipt);
std::optional<MessageId> parse_id(std::string_view text);  // Nothing: it is none.
std::optional<Receipt> parse_receipt(std::string_view text);

// Which shard a queue lives in. For ever: the number of shards is fixed with the data directory.
uint32_t shard_of(std::string_view queue, uint32_t shards);

}  // namespace engine
