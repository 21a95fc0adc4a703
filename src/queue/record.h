// What the room keeps: messages, flows, keys and queues, as their tables see them. Each is in as
// few bytes as will do; links are slots.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "queue/queue.h"
#include "queue/slab.h"

namespace queue {

inline constexpr uint8_t kVacant = 0xff;

// Through `prev` and `next` runs the line of its flow, or the tree of the flow's strays; through
// `age_prev` and `age_next` the list of its queue's messages of that state, or the tree of its dead
// letters. `mark` is the log's start number while it is leased, and the queue's epoch while it
// waits: a waiting message of an older epoch has been purged.
struct Message {
  Number number = 0;  // 0: purged, and its number was used again by a replay.
  Place place = 0;
  int64_t at = 0;
  int64_t expires = 0;
  int64_t cost = 0;
  uint32_t bytes = 0;
  uint32_t priority = 0;
  FlowId flow = kNone;
  uint32_t prev = kNone, next = kNone;
  uint32_t timer = kNone;
  uint32_t hash_next = kNone;
  uint32_t age_prev = kNone, age_next = kNone;
  uint32_t mark = 0;
  uint16_t delivered = 0, failed = 0, attempts = 0;
  uint8_t state = 0;  // A State, or kVacant.
  bool stray = false;

  bool in_use() const { return state != kVacant; }
  void vacate() { state = kVacant; }
  bool is(State s) const { return state == static_cast<uint8_t>(s); }
  bool waiting() const { return is(State::kReady) || is(State::kDelayed); }
  // It was delivered before and waits for its delay: with in_flight_per_key 1 its key waits too.
  bool returned() const { return is(State::kDelayed) && delivered > 0; }
};
static_assert(sizeof(Message) == kMessageBytes);
using Messages = Slab<Message, 14>;

struct Queue;

struct Flow {
  Queue* queue = nullptr;
  char* text = nullptr;    // The descriptors.
  Number head_number = 0;  // Of `head`.
  uint32_t text_bytes = 0;
  uint32_t key = kNone;
  uint32_t hash = 0, hash_next = kNone;
  uint32_t left = kNone, right = kNone;  // Among the flows of its key that can go.
  uint32_t head = kNone;                 // The first of its ready messages.
  uint32_t head_priority = 0;
  uint32_t line_first = kNone, line_last = kNone;  // Those that came in order.
  uint32_t strays = kNone;                         // The others.
  uint32_t ready = 0;
  uint32_t messages = 0;  // In any state, purged ones too until they are reaped.
  uint32_t epoch = 0;     // Older than the queue's: all that waits here has been purged.
  uint32_t walk = 0;      // The last walk that saw it.
  uint32_t notes[2] = {0, 0};
  bool parked = false, changed = false, going = false, vacant = false;

  bool in_use() const { return !vacant; }
  void vacate() { vacant = true; }
};

struct Key {
  // kGoing: in the tree of turns. kHeld: it has as many in flight as it may. kIdle: it has no
  // messages, and is remembered until the queue's virtual time has reached its own.
  enum class Where : uint8_t { kNowhere, kGoing, kHeld, kIdle };

  Queue* queue = nullptr;
  char* text = nullptr;
  uint64_t turn = 0;       // Its virtual time.
  uint64_t tree_turn = 0;  // In the tree of turns it stands at (tree_turn, tree_number).
  Number tree_number = 0;
  uint32_t hash = 0, hash_next = kNone;
  uint32_t left = kNone, right = kNone;  // As `where` says.
  uint32_t going = kNone;                // The tree of its flows that can go.
  uint32_t plain = kNone;                // Its flow without descriptors.
  uint32_t flows = 0;
  uint32_t leased = 0, returned = 0;  // Messages.
  uint32_t weight = 1, weights_version = 0;
  uint32_t epoch = 0;  // As a flow's.
  uint16_t text_bytes = 0;
  Where where = Where::kNowhere;
  bool vacant = false;

  bool in_use() const { return !vacant; }
  void vacate() { vacant = true; }
  std::string_view name() const { return {text, text_bytes}; }
};
static_assert(kKeyBytesMax <= UINT16_MAX);

// A list through age_prev and age_next.
struct AgeList {
  uint32_t first = kNone, last = kNone;

  void append(Messages& messages, uint32_t slot) {
    Message& m = messages[slot];
    m.age_prev = last;
    m.age_next = kNone;
    (last == kNone ? first : messages[last].age_next) = slot;
    last = slot;
  }
  // By instant as far as a look at both ends tells.
  void enter(Messages& messages, uint32_t slot) {
    Message& m = messages[slot];
    if (last == kNone || m.at >= messages[last].at || m.at >= messages[first].at) {
      append(messages, slot);
      return;
    }
    m.age_prev = kNone;
    m.age_next = first;
    messages[first].age_prev = slot;
    first = slot;
  }
  void erase(Messages& messages, uint32_t slot) {
    const Message& m = messages[slot];
    (m.age_prev == kNone ? first : messages[m.age_prev].age_next) = m.age_next;
    (m.age_next == kNone ? last : messages[m.age_next].age_prev) = m.age_prev;
  }
};

struct Queue {
  QueueId id = 0;
  uint32_t slot = 0, hash_next = kNone;
  std::string name;
  Settings settings;
  std::map<std::string, uint32_t, std::less<>> weights;
  uint32_t weights_version = 1;
  bool dropped = false;
  uint32_t epoch = 0;
  uint32_t timer = kNone;  // For its oldest dead letter.

  Depths depths;
  uint64_t waiting_bytes = 0;
  uint64_t slots = 0;  // Messages in memory, purged ones too.
  AgeList ready, delayed, leased;
  uint32_t dead = kNone;  // A tree by (since, number).

  uint64_t virtual_time = 0;
  uint64_t turn_max = 0;   // The furthest that any key has come.
  uint32_t going = kNone;  // The tree of turns.
  uint32_t held_first = kNone, held_last = kNone;
  uint64_t held = 0;
  uint64_t recheck = 0;  // So many held ones are to be looked at: the cap has changed.
  uint32_t idle = kNone;
  uint64_t idle_keys = 0;
  uint64_t keys = 0;       // That are not idle.
  uint32_t plain = kNone;  // The empty key.
};

}  // namespace queue
