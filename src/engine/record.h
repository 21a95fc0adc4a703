// The records of a shard's log and snapshot (docs/formats/shard.md): bytes to values and back.
// Integers are little-endian; texts are length-prefixed. One apply() runs them, live and in replay.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "engine/request.h"
#include "queue/queue.h"

namespace engine {

enum class Kind : uint8_t {
  kQueue = 1,      // A queue's name and settings; new or changed.
  kQueueGone = 2,  // With all that was in it.
  kPurge = 3,
  kMessage = 4,  // An enqueued message, body and all.
  kCopy = 5,     // The same bytes again, elsewhere: compaction. The older place is free.
  kMove = 6,     // A message is in another state: lease, nack, extend, death, redrive …
  kDone = 7,     // A message is gone: acked, removed, expired.
  kRedrive = 8,  // How many dead letters of a queue are still to be put back, at which rate.
  kSync = 9,     // Says nothing: it has the log synced.
  // Only in snapshots:
  kFlow = 16,    // Number → queue, key, descriptors; for the messages behind it.
  kIndex = 17,   // A message without its bytes: where they are, its flow, its standing.
  kSeen = 18,    // A deduplication id.
  kTotals = 19,  // A queue's totals.
  kShard = 20,   // The next queue id, the last instant; the last record of a snapshot.
};

// Why a message moved or is gone. In metrics and in SHOW.
enum class Cause : uint8_t {
  kNone,
  kLeased,
  kExtended,
  kNacked,
  kRequeued,
  kLeaseOver,
  kLeft,
  kRedriven,
  kAttempts,
  kNackedDead,
  kExpired,  // Of a death, too.
  kAcked,
  kRemoved,
  kKeepOver,
};
std::string_view to_string(Cause cause);

// A stored message. Views point into the record.
struct Stored {
  queue::QueueId queue = 0;
  queue::Number number = 0;
  base::Time enqueued{}, due{}, expires{};
  uint32_t priority = 0;
  uint16_t attempts = 0;
  int64_t cost = 1;
  base::Hash128 dedup{};  // {0, 0}: none.
  base::Time dedup_until{};
  std::string_view descriptors;  // As the gate encodes them (gate.h).
  std::string_view key;
  std::vector<Header> headers;
  std::string_view body;
};

// kMessage and kCopy: what stands before the body, and the body behind it.
void encode_message(const Stored& message, std::string& head);  // Clears head; the body follows it.
base::Result<Stored> decode_message(std::string_view record);

struct Move {
  queue::Number number = 0;
  queue::Standing to;
  Cause cause = Cause::kNone;
  std::string_view reason;  // The consumer's words; at most kReasonBytesMax.
};
std::string_view encode_move(const Move& move, std::string& to);
base::Result<Move> decode_move(std::string_view record);

struct Done {
  queue::Number number = 0;
  Cause cause = Cause::kNone;
};
std::string_view encode_done(const Done& done, std::string& to);
base::Result<Done> decode_done(std::string_view record);

struct QueueRecord {
  queue::QueueId id = 0;
  std::string name;
  queue::Settings settings;
};
std::string encode_queue(const QueueRecord& queue);
base::Result<QueueRecord> decode_queue(std::string_view record);

struct RedriveRecord {
  queue::QueueId id = 0;
  uint64_t left = 0;
  limit::Rate rate{};  // count 0: at once.
  base::Time next{};   // When the next one may move.
};
std::string encode_redrive(const RedriveRecord& redrive);
base::Result<RedriveRecord> decode_redrive(std::string_view record);

std::string encode_queue_id(queue::QueueId id);  // kQueueGone, kPurge.
base::Result<queue::QueueId> decode_queue_id(std::string_view record);

}  // namespace engine
