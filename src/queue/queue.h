// The door of the room: the queues of one shard, in memory. A plain object: it does not log, does
// not ask limits, is told the time and every decision, and replaying the same calls gives the same
// state.
//
//                    due                     lease over, nack, requeue
//   enqueue ─► delayed ─► ready ─► leased ──────────────────────────► ready or delayed
//                │          │        ├─ ack, remove ─► gone
//                └─ expired ┴► gone  └─ last attempt, nack DEAD ─► dead ─ redrive ─► ready
//                              or dead                              └─ keep over ─► gone
//
// Order. A *flow* is the messages of one queue that share key and descriptors (opaque text here),
// ordered by (priority, number). A *key* has a heap of its ready flows by (head's priority, head's
// number); the keys of a queue stand in a heap by virtual time (start-time fair queueing: P. Goyal,
// H. M. Vin, H. Cheng, 1996): a delivery moves its key on by cost / weight, a key that comes back
// enters at max(its own, the queue's). So between two keys that both have work all the time,
// |served_i / weight_i - served_j / weight_j| <= cost_max / weight_i + cost_max / weight_j.
// A *parked* flow is left out: its owner has asked a limit for it and was refused.
//
// Cost: every call is O(log n) at most, with n the keys or flows that can go (or timers that run),
// never the messages that wait; purge() and drop_queue() are O(1), reap() does their work in
// slices. No call copies a large array: all storage grows in chunks. A waiting message costs
// kMessageBytes and 4 to 8 bytes of its index; a key with one flow at most 300 bytes in all; a
// deduplication id at most 60.
//
// Purging begins a new epoch of the queue: what waits with an older one is gone at once for every
// call and is freed by reap(). Keys live on, so what they have in flight still counts.
//
// Thread: one owner. Time: instants are the shard's, never going back.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "queue/settings.h"

namespace queue {

// A message's number: ascending with age within a shard, never used again (start << 40 | count).
using Number = uint64_t;
using QueueId = uint32_t;  // Given by the owner; never used again within a data directory.
using FlowId = uint32_t;   // An index; may be used again once the flow has vanished.
inline constexpr FlowId kNoFlow = ~FlowId{0};
inline constexpr size_t kMessageBytes = 88;

enum class State : uint8_t { kReady, kDelayed, kLeased, kDead };
std::string_view to_string(State state);

// Where the body is: the owner's business (a position in the log, or a pointer).
using Place = uint64_t;

struct Arrival {
  QueueId queue = 0;
  Number number = 0;  // Higher than all before it, but while replaying (see enqueue()).
  std::string_view key;
  std::string_view descriptors;  // Opaque; part of the flow's identity.
  uint32_t priority = kPriorityDefault;
  base::Time enqueued{};
  base::Time due{};      // <= enqueued: ready.
  base::Time expires{};  // The epoch: never.
  uint16_t attempts = 16;
  int64_t cost = 1;
  Place place = 0;
  uint32_t bytes = 0;  // What `place` holds, for the sum of the queue.
};

// All that a move may change; absolute, so that applying it twice is applying it once.
struct Standing {
  State state = State::kReady;
  base::Time at{};  // ready: since; delayed: due; leased: until; dead: since.
  uint16_t delivered = 0;
  uint16_t failed = 0;
  uint32_t start = 0;  // leased: the log's start number when it was leased (fencing).
  friend bool operator==(const Standing&, const Standing&) = default;
};

// One message as others may look at it. References live until the next change.
struct View {
  Number number;
  QueueId queue;
  FlowId flow;
  Standing standing;
  uint32_t priority;
  base::Time expires;
  uint16_t attempts;
  int64_t cost;
  Place place;
  uint32_t bytes;
};

struct Depths {
  uint64_t ready = 0, delayed = 0, leased = 0, dead = 0;
  uint64_t bytes = 0;  // Of all of them.
  uint64_t waiting() const { return ready + delayed; }
};

// What is due at an instant. For kRipe the owner calls ripen(); the others it decides and moves.
struct Due {
  enum class What : uint8_t { kRipe, kExpired, kLeaseOver, kKeepOver } what;
  Number number;
};

// A queue as others may look at it; lives until drop_queue().
struct QueueView {
  QueueId id;
  std::string_view name;
  const Settings& settings;
  const Depths& depths;
};

class Store {
 public:
  // `gone(place, bytes)` is called for every message that vanishes, in whichever way.
  // `hash_seed` should be secret: it changes no answer, only how names spread over the tables.
  explicit Store(std::function<void(Place place, uint32_t bytes)> gone, uint64_t hash_seed = 0);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Queues. Names are distinct. set_queue() adds it or changes its settings.
  void set_queue(QueueId id, std::string_view name, const Settings& settings);
  void drop_queue(QueueId id);  // With all its messages, leased and dead ones too. If it is there.
  void purge(QueueId id);       // Ready and delayed messages; leased and dead ones stay.
  std::optional<QueueView> find(std::string_view name) const;
  std::optional<QueueView> find(QueueId id) const;
  void each_queue(const std::function<void(const QueueView&)>& visit) const;  // By name.
  // By name from behind `after` on, at most `count`: for listings in slices.
  void queues_after(std::string_view after, size_t count,
                    const std::function<void(const QueueView&)>& visit) const;
  size_t queues() const;

  // Messages. A number that is there already is replaced (a snapshot and the log overlap).
  // REQUIRES: the queue is there. Returns its flow.
  FlowId enqueue(const Arrival& arrival);
  // The one function that moves a message between states; false: the number is not there.
  bool move(Number number, const Standing& to);
  bool remove(Number number);                              // From any state; false: not there.
  bool relocate(Number number, Place to, uint32_t bytes);  // Compaction; calls nothing.
  std::optional<View> find(Number number) const;           // Purged and dropped ones are not there.
  size_t messages() const;

  // Deduplication, by the owner's hash of (queue, id).
  std::optional<Number> seen(base::Hash128 id, base::Time now) const;
  void remember(base::Hash128 id, Number number, base::Time until);
  size_t remembered() const;

  // Time.
  base::Time next_due() const;                // Time::max(): nothing is.
  std::optional<Due> due(base::Time now);     // The earliest that is due; again until nothing.
  bool ripen(Number number, base::Time now);  // delayed → ready; no decision, so no record.

  // Turns. next(): the flow whose head goes next among those that are not parked; kNoFlow: none,
  // or the queue is paused_out. Looks at no blocked flow.
  FlowId next(QueueId id) const;
  struct Flow {
    QueueId queue;
    std::string_view key;
    std::string_view descriptors;
    Number head;        // Of its ready messages; 0: it has none.
    int64_t cost;       // Of the head.
    uint32_t priority;  // Of the head.
    uint64_t turn;      // Its key's virtual time: the lower goes first within a queue.
    uint64_t messages;  // Ready ones.
    bool parked;
    bool held_back;  // Its key has in_flight_per_key messages in flight.
  };
  Flow flow(FlowId id) const;  // REQUIRES: it has not vanished.
  void park(FlowId id);  // REQUIRES: not parked. A parked flow does not vanish, even if empty.
  void unpark(FlowId id);
  // Parked flows whose head is another than before, or gone, since the last call. Clears.
  void changed(std::vector<FlowId>& out);
  // Two words that the owner of parked flows keeps with each of them.
  uint32_t& note(FlowId id, size_t which);  // which: 0 or 1.

  // How many ready messages of its flow stand before it, counted up to `most`.
  // REQUIRES: it is ready.
  uint64_t ahead(Number number, uint64_t most) const;
  // When the oldest ready message became ready (the epoch: there is none). May look at a bounded
  // number of messages only, and then says the oldest of those.
  base::Time oldest(QueueId id) const;
  // Dead letters in the order of their death, behind `after` (0: from the first).
  Number next_dead(QueueId id, Number after) const;  // 0: no more. `after` must still be dead.

  // Work of purge() and drop_queue(), and of deduplication ids that are over: about so many
  // messages. False: nothing is left to do.
  bool reap(base::Time now, size_t most);

  // Walks all flows in slices, as walk() does messages: from `cursor` (0 first) it looks at `most`
  // places, used or not, and returns the next cursor (0: done).
  uint64_t walk_flows(uint64_t cursor, size_t most,
                      const std::function<void(FlowId, const Flow&)>& visit);

  // Walks all messages, for a snapshot that is written in slices: from `cursor` (0 first) about
  // `most` of them, and returns the next cursor (0: done). What changes meanwhile may be seen or
  // not. `visit(view, flow, fresh)`: `fresh` is true at the first message of this flow in this walk
  // (a flow's id may come again, fresh, as another flow's).
  uint64_t walk(uint64_t cursor, size_t most,
                const std::function<void(const View&, const Flow&, bool fresh)>& visit);
  void each_remembered(uint64_t& cursor, size_t most,
                       const std::function<void(base::Hash128, Number, base::Time until)>& visit);

  size_t memory_bytes() const;  // Allocated, by our own count.
  uint64_t steps() const;       // Table entries moved and messages reaped, ever: what calls cost.

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace queue
