// What is behind the door: the messages of all queues by number, state and instant.
//
//   index ── number → slot        turns ── who goes next (turns.h)
//   timers ─ instants of messages         lists of each queue: ready, delayed, leased; dead (a
//   tree) keeps ── when each queue's oldest dead letter is over       graves ── what reap() has to
//   do
#pragma once
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "queue/dedup.h"
#include "queue/heap.h"
#include "queue/index.h"
#include "queue/queue.h"
#include "queue/queues.h"
#include "queue/record.h"
#include "queue/slab.h"
#include "queue/tree.h"
#include "queue/turns.h"

namespace queue {

struct Store::Body {
  Body(std::function<void(Place, uint32_t)> gone, uint64_t hash_seed);

  // messages.cc
  FlowId enqueue(const Arrival& arrival);
  bool move(Number number, const Standing& to);
  bool remove(Number number);
  bool relocate(Number number, Place to, uint32_t bytes);
  uint32_t find(Number number) const;  // A slot; kNone: not there, or purged or dropped.
  bool lives(const Message& m) const;
  void enter(Queue& queue, uint32_t slot);  // By its state: list, counts, flow.
  void leave(Queue& queue, uint32_t slot);
  void erase(Queue& queue, uint32_t slot);  // It has left. Calls gone().
  void replace(Number number);

  // time.cc
  base::Time next_due();
  std::optional<Due> due(base::Time now);
  bool ripen(Number number, base::Time now);
  void set_timer(uint32_t slot);
  void set_keep(Queue& queue);
  base::Time oldest(const Queue& queue) const;
  Number next_dead(const Queue& queue, Number after);

  // reap.cc
  void set_queue(QueueId id, std::string_view name, const Settings& settings);
  void drop_queue(Queue& queue);
  void purge(Queue& queue);
  bool reap(base::Time now, size_t most);

  // walk.cc
  View view(const Message& m) const;
  Store::Flow show(FlowId id);
  uint64_t walk(uint64_t cursor, size_t most,
                const std::function<void(const View&, const Store::Flow&, bool)>& visit);
  uint64_t walk_flows(uint64_t cursor, size_t most,
                      const std::function<void(FlowId, const Store::Flow&)>& visit);
  size_t memory_bytes() const;

  struct Links {
    Messages* messages;
    static uint32_t hash_of(Number number);
    uint32_t hash(uint32_t slot) const { return hash_of((*messages)[slot].number); }
    uint32_t& next(uint32_t slot) { return (*messages)[slot].hash_next; }
  };
  struct ByDeath {
    Messages* messages;
    uint32_t& left(uint32_t slot) { return (*messages)[slot].age_prev; }
    uint32_t& right(uint32_t slot) { return (*messages)[slot].age_next; }
    bool before(uint32_t a, uint32_t b) const {
      const Message &x = (*messages)[a], &y = (*messages)[b];
      return x.at != y.at ? x.at < y.at : x.number < y.number;
    }
  };
  struct Timers {
    Messages* messages;
    uint32_t& position(uint32_t slot) { return (*messages)[slot].timer; }
  };
  struct Keeps {
    Queues* queues;
    uint32_t& position(uint32_t slot) { return queues->at(slot).timer; }
  };
  // Messages that are gone but still in memory, of one purge or drop.
  struct Grave {
    Queue* queue;
    AgeList lists[3];
    uint32_t dead;
    bool drop;
  };
  uint32_t exhume(Grave& grave);  // One of its messages, out of its list; kNone: it is empty.
  bool close(Queue& queue);       // A dropped queue whose messages are reaped. False: not yet.

  std::function<void(Place, uint32_t)> gone;
  Messages messages;
  Index<Links> index;
  Turns turns;
  Queues queues;
  Heap<Timers> timers;
  Heap<Keeps> keeps;
  Tree<ByDeath> by_death;
  Dedup dedup;
  std::deque<Grave> graves;
  std::vector<Queue*> closing;   // Dropped; flows of theirs are parked still.
  std::vector<Queue*> rechecks;  // Their held back keys are to be looked at.
  Number highest = 0;            // That ever came.
  uint64_t living = 0;
  uint64_t reaped = 0;
  uint32_t walks = 0;
};

}  // namespace queue
