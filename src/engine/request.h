// What is asked of a shard, and what it answers: one struct a verb, with its answer inside.
//
// Views point into what the asker keeps (Run::text) until the answer is there. `status` refuses the
// request as a whole: kNotFound, kStale, kFull, kReadOnly, kInvalid (field), kUnknown (in doubt),
// kShutdown, kNoPerm, kIo (the shard has stopped; `what` says why).
#pragma once
#include <atomic>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engine/id.h"
#include "limit/limit.h"
#include "limiter/ask.h"
#include "queue/queue.h"

namespace engine {

struct Header {
  std::string_view name, value;
};

// A message as a producer gives it, and as its record holds it.
struct Message {
  std::string_view body;
  std::string_view key;
  std::span<const Header> headers;
  std::string_view dedup;  // Empty: none.
  std::optional<uint32_t> priority;
  base::Duration delay{};
  std::optional<base::Duration> ttl;  // Nothing: the queue's.
  std::optional<uint16_t> attempts;   // Nothing: the queue's.
  int64_t cost = 1;
};

// All of them or none.
struct Enqueue {
  std::string_view queue;
  std::span<const Message> messages;
  boost::container::small_vector<queue::Number, 1> numbers;  // Out: as many; the first one's of a
                                                             // deduplicated one.
};

// Of a DEQUEUE that waits in several shards: the first that has something takes it.
struct Claim {
  std::atomic<bool> taken{false};
};

struct Delivery {
  queue::Number number = 0;
  uint16_t attempt = 0;
  uint32_t start = 0;
  base::Time lease_until{};
  std::string record;  // The message, to be read with record.h's decode_message().
  std::string queue;
};

struct Dequeue {
  std::span<const std::string_view> queues;  // All of this shard; served in this order.
  uint32_t count = 1;
  base::Duration wait{};
  std::optional<base::Duration> lease;  // Nothing: the queue's. 0: ends with the connection.
  std::shared_ptr<Claim> claim;         // Shared by the shards that it waits in. Null: it waits in
                                        // this one only.
  bool unsynced = false;  // The receipts never leave the process, so the answer waits for no sync
                          // (but for bodies that are still to be read). Of the dispatcher; such a
                          // request may wait longer than Bounds::wait_max.
  std::vector<Delivery> deliveries;  // Out.
};

struct Ack {
  std::span<const Receipt> receipts;
  std::vector<bool> done;  // Out: as many; false: stale.
};

struct Nack {
  Receipt receipt;
  std::optional<base::Duration> delay;  // Nothing: the queue's back-off.
  std::string_view reason;
  bool dead = false;
};

struct Requeue {
  Receipt receipt;
  base::Duration delay{};
};

struct Extend {
  Receipt receipt;
  base::Duration lease{};    // From now on.
  base::Time lease_until{};  // Out.
};

struct Remove {
  queue::Number number = 0;
  bool removed = false;  // Out.
};

// A message as SHOW and DEAD tell of it.
struct Shown {
  queue::Number number = 0;
  std::string queue;
  queue::Standing standing;
  base::Time expires{};
  uint16_t attempts = 0;
  std::string reason;  // Of its death, or of its last failure; may be empty.
  std::string record;  // As Delivery's.
};

struct Show {
  queue::Number number = 0;
  Shown shown;  // Out. kNotFound: it is not there (any more).
};

enum class Waiting : uint8_t {  // Why a message is not being worked on.
  kReady,
  kDelayed,
  kLeased,
  kLimited,
  kPaused,
  kNoConsumer,
  kDead,
  kExpired
};
std::string_view to_string(Waiting reason);

struct Why {
  queue::Number number = 0;
  // Out:
  queue::State state = queue::State::kReady;
  Waiting reason = Waiting::kReady;
  std::string limited_by;  // Empty: nobody.
  base::Time until{};      // The epoch: not known.
  uint64_t ahead = 0;      // Messages of its flow that stand before it.
  bool estimate = false;   // Is `until` one?
};

struct QueueRow {
  std::string name;
  queue::Depths depths;
  base::Time oldest{};  // The epoch: none waits.
  queue::Settings settings;
  bool declared = false;  // In the configuration file.
};

// In the order of names, from behind `after` on.
struct ListQueues {
  std::string_view after;
  uint32_t count = 1000;
  std::vector<QueueRow> rows;  // Out; fewer than count: the last ones.
};

struct Stats {
  std::string_view queue;
  QueueRow row;  // Out.
  struct Totals {
    uint64_t enqueued = 0, deduplicated = 0, delivered = 0, acked = 0, failed = 0, requeued = 0,
             lease_over = 0, expired = 0, dead = 0, redriven = 0, removed = 0, purged = 0;
  } totals;  // Out: since the queue was made.
};

// Creates the queue if it is not there. kNoPerm: declared in the file.
struct SetQueue {
  std::string_view queue;
  std::function<base::Status(queue::Settings&)> change;
  bool create = true;    // false: kNotFound if it is not there.
  bool pausing = false;  // Of a declared queue too; survives as every other setting.
};

struct Purge {
  std::string_view queue;
  uint64_t purged = 0;  // Out.
};

struct DeleteQueue {
  std::string_view queue;
};

struct ListDead {
  std::string_view queue;
  uint32_t count = 10;
  queue::Number after = 0;   // kNotFound if that is not a dead letter (any more).
  std::vector<Shown> shown;  // Out.
};

struct Redrive {
  std::string_view queue;
  std::optional<uint64_t> count;    // Nothing: all that are dead now.
  std::optional<limit::Rate> rate;  // Nothing: at once (in slices).
  uint64_t will_move = 0;           // Out.
};

// CHECK … WAIT: a decision that stands in line. Also for durable limits that wait for their
// journal.
struct Check {
  std::string_view domain;
  std::span<const limiter::Descriptor> descriptors;
  int64_t cost = 1;
  base::Duration wait{};
  // Out: as limiter::Answer, but it owns its names.
  bool known_domain = true, allowed = false, matched = false;
  std::string limited_by, nearest;
  limit::Decision numbers;
  limiter::DecidedBy decided_by = limiter::DecidedBy::kMemory;
  struct Row {
    std::string name, descriptor;
    limit::Decision decision;
    bool shadow = false;
  };
  std::vector<Row> rows;
};

// Where the ready messages of push queues want to go, and why they wait: a walk over all flows in
// slices, so the answer may take some ticks. kFull: too many have asked and wait for theirs.
struct Targets {
  std::string_view host;  // Of this one only; empty: all.
  uint32_t hosts_max = 10'000;
  struct Row {
    std::string host;
    uint64_t waiting = 0;    // Messages that are ready.
    std::string limited_by;  // Of the flow whose head is oldest; empty: nobody.
    base::Time until{};      // As Why::until.
    base::Time oldest{};     // Since when the oldest has been ready, where known.
  };
  std::vector<Row> rows;                                  // Out: by messages waiting, most first.
  std::vector<std::pair<std::string, uint64_t>> reasons;  // Out: messages by what limits them.
};

// A shard has taken the claim: whoever waits with it here waits no more.
struct Cancel {
  std::shared_ptr<Claim> claim;
};

// The connection has gone: what it waits for is dropped, leases of `LEASE 0` end (no failure).
struct Leave {};

struct Request {
  using What = std::variant<Enqueue, Dequeue, Ack, Nack, Requeue, Extend, Remove, Show, Why,
                            ListQueues, Stats, SetQueue, Purge, DeleteQueue, ListDead, Redrive,
                            Check, Targets, Cancel, Leave>;
  What what;
  uint32_t shard = 0;
  uint64_t connection = 0;    // Who asks; 0: nobody that could leave.
  base::Status status;        // Out.
  bool reading = false;       // The engine's: what it answers is still to be read from the log.
  struct Run* run = nullptr;  // Whose part it is; the engine does not look at it.
};

// What one connection asks in one go: it travels to the shards and comes back whole. Requests of
// one run and one shard are run in order.
struct Run {
  std::string text;  // What the requests' views point to; or keep below.
  std::vector<std::shared_ptr<void>> keep;
  std::vector<Request> requests;
  std::function<void(Run&)> done;  // On the thread that submitted it, once.
  std::atomic<uint32_t> open{0};   // The shards' business: requests not yet answered.
  uint32_t origin = 0;             // The shards' business: the thread to come back to.
};

}  // namespace engine
