// The events of a history (docs/formats/history.md), as values.
//
// A text is kept as a 64-bit hash of its word: what a checker asks is only whether two are equal.
// Instants of clients are nanoseconds of their common monotonic clock, those of the server
// nanoseconds since the epoch.
#pragma once
#include <cstdint>
#include <vector>

namespace history {

using Name = uint64_t;  // 0: absent.
using Instant = int64_t;

inline constexpr uint32_t kNone = ~uint32_t{0};  // Of indices.
inline constexpr int64_t kMillisecond = 1'000'000;
inline constexpr Instant kNever = int64_t{1} << 62;

struct Where {  // Counted from 0 (files) and from 1 (lines).
  uint32_t file = 0, line = 0;
  friend auto operator<=>(const Where&, const Where&) = default;
};

struct Span {  // From the invocation to the outcome.
  Instant from = 0, to = 0;
};

enum class Outcome : uint8_t { kOk, kFail, kInfo };

struct Enqueue {
  Where where;
  Span span;
  Name queue = 0, payload = 0, id = 0, key = 0, tag = 0, dedup = 0;
  int64_t delay = 0, ttl = 0, within = 0;  // Nanoseconds; 0: none.
  int64_t cost = 1;
  uint32_t priority = 1024;
  uint16_t attempts = 0;  // 0: not known.
  Outcome outcome = Outcome::kOk;
};

struct Deliver {
  Where where;
  Span span;
  Name queue = 0, id = 0, receipt = 0, payload = 0, key = 0, conn = 0;
  Instant until = 0, enqueued = 0, granted = 0;  // By the server; 0: not known.
  int64_t lease = 0;                             // Nanoseconds; 0: tied to the connection.
  uint32_t attempt = 0, priority = kNone;        // 0, kNone: not known.
  // The ledger's: indices of its tables.
  uint32_t message = kNone, source = kNone, settles_begin = 0, settles_end = 0;
};

enum class Settling : uint8_t { kAck, kNack, kNackDead, kRequeue, kExtend };

// A verb with a receipt.
struct Settle {
  Where where;
  Span span;
  Name receipt = 0;
  int64_t delay = -1;  // Nanoseconds; -1: not given.
  Instant until = 0;   // Of an extension.
  Settling verb = Settling::kAck;
  Outcome outcome = Outcome::kOk;
  uint32_t delivery = kNone;  // The ledger's.
};

// A verb with a queue, an id or a connection.
struct Act {
  Where where;
  Span span;
  Name name = 0;
  Outcome outcome = Outcome::kOk;
};

struct Check {
  Where where;
  Span span;
  Name limit = 0, value = 0;
  int64_t cost = 1;
  Outcome outcome = Outcome::kOk;
};

struct Present {
  Where where;
  Instant at = 0;
  Name queue = 0, id = 0;
};

struct ClockSample {
  Where where;
  Span span;
  Instant server = 0;
};

struct Counts {
  Where where;
  Span span;
  Name queue = 0;
  int64_t enqueued = 0, ready = 0, delayed = 0, leased = 0, dead = 0, gone = 0;
};

struct QueueRule {
  Where where;
  Name queue = 0;
  uint32_t in_flight_per_key = 0;  // 0: no cap.
  int64_t dedup_window = 0;        // Nanoseconds; 0: not known.
  bool in_memory = false;          // Nothing survives the process.
};

enum class Law : uint8_t { kGcra, kSliding, kFixed, kConcurrency };
enum class By : uint8_t { kAll, kQueue, kKey, kTag };

struct Limit {
  Where where;
  Span since;  // It came into force between the two.
  Name name = 0;
  Law law = Law::kGcra;
  By by = By::kAll;
  int64_t count = 0, period = 1, burst = 0;  // Concurrency: count only.
  int64_t excess = 0;  // Units beyond the law that several nodes may let through, at any time.
  std::vector<Name> queues;
  bool requests = false;  // Counts requests, not their cost.
  bool durable = false;
};

struct Sample {  // What the server told of one count of a limit: units held, or left.
  Where where;
  Span span;
  Name limit = 0, value = 0;
  int64_t number = 0;
};

struct Promise {  // Of the writer: something is delivered until from + within.
  Where where;
  Instant from = 0;
  int64_t within = 0;
  Name queue = 0;         // 0: of any.
  bool recovery = false;  // Of a start.
};

struct Busy {
  Where where;
  Span span;
  Name limit = 0, value = 0;
};

struct Backlog {
  Where where;
  Span span;
  Name queue = 0, key = 0;
  int64_t weight = 1;
};

struct History {
  std::vector<Enqueue> enqueues;
  std::vector<Deliver> deliveries;
  std::vector<Settle> settles;
  std::vector<Check> checks;
  std::vector<Act> removals, purges, redrives, closes;
  std::vector<Act> unanswered;    // Dequeues without an answer, one for each queue they named.
  std::vector<Act> starts, ends;  // Ends: kills and stops.
  std::vector<Act> drained;       // Name 0: all queues.
  std::vector<Present> present;
  std::vector<ClockSample> clocks;
  std::vector<Counts> counts;
  std::vector<QueueRule> queues;
  std::vector<Limit> limits;
  std::vector<Sample> samples;
  std::vector<Promise> promises;
  std::vector<Busy> busy;
  std::vector<Backlog> backlogs;
  uint64_t events = 0;
};

}  // namespace history
