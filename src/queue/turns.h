// Who goes next: the flows, keys and turns of all queues. Knows ready messages and counts the
// others; states, timers and lists are store.h's.
//
//   queue ── tree of turns: keys by (virtual time, head's number)
//              └─ key ── tree of its flows that can go, by (head's priority, head's number)
//                          └─ flow ── line of those that came in order, tree of strays
//
// A message that comes at either end of its flow's order joins the line; else it is a stray. The
// head is the lesser of both firsts.
//
// A key without messages is remembered as idle while its virtual time is ahead of the queue's, or
// it would come back with less than it has used up. More idle keys than `kIdleMin` and one for each
// live key are not kept: the queue's virtual time moves on to those that are forgotten.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "queue/index.h"
#include "queue/record.h"
#include "queue/slab.h"
#include "queue/tree.h"

namespace queue {

class Turns {
 public:
  static constexpr uint64_t kIdleMin = 16;

  Turns(Messages& messages, uint64_t hash_seed);
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  Flow& operator[](FlowId id) { return flows_[id]; }
  const Flow& operator[](FlowId id) const { return flows_[id]; }
  Key& key_of(FlowId id) { return keys_[flows_[id].key]; }

  // The flow, made if it is not there; the caller must settle() it.
  FlowId open(Queue& queue, std::string_view key, std::string_view descriptors);
  void refresh(FlowId id);      // Forgets what a purge took. Before any of the calls below.
  void join(uint32_t message);  // A ready message enters its flow's order, or leaves it.
  void leave(uint32_t message);
  void charge(FlowId id, int64_t cost);  // Its key has been served.
  // After changes of its messages or counts: puts the flow and its key where they belong, or lets
  // them vanish. The flow's id is void afterwards if it has no messages and is not parked.
  void settle(FlowId id);

  void park(FlowId id);
  void unpark(FlowId id);
  void changed(std::vector<FlowId>& out);
  FlowId next(Queue& queue);
  bool held_back(FlowId id) const;
  uint64_t ahead(uint32_t message, uint64_t most);

  // For walks, as Slab's.
  FlowId end() const { return flows_.end(); }
  FlowId seek(FlowId id, size_t& budget) const { return flows_.seek(id, budget); }

  void purged(Queue& queue);       // In the call that begins a new epoch.
  bool recheck(Queue& queue);      // One held back key is looked at. False: none is left.
  bool forget_idle(Queue& queue);  // Of a dropped queue. False: none is left.

  size_t memory_bytes() const;
  uint64_t moved() const { return flow_index_.moved() + key_index_.moved(); }

 private:
  using Flows = Slab<Flow, 10>;
  using Keys = Slab<Key, 10>;

  template <typename Items>
  struct Links {
    Items* items;
    uint32_t hash(uint32_t slot) const { return (*items)[slot].hash; }
    uint32_t& next(uint32_t slot) { return (*items)[slot].hash_next; }
  };
  struct ByAge {  // Messages of a flow.
    Messages* messages;
    uint32_t& left(uint32_t slot) { return (*messages)[slot].prev; }
    uint32_t& right(uint32_t slot) { return (*messages)[slot].next; }
    bool before(uint32_t a, uint32_t b) const;
  };
  struct ByHead {  // Flows of a key.
    Flows* flows;
    uint32_t& left(uint32_t slot) { return (*flows)[slot].left; }
    uint32_t& right(uint32_t slot) { return (*flows)[slot].right; }
    bool before(uint32_t a, uint32_t b) const;
  };
  struct ByTurn {  // Keys of a queue.
    Keys* keys;
    uint32_t& left(uint32_t slot) { return (*keys)[slot].left; }
    uint32_t& right(uint32_t slot) { return (*keys)[slot].right; }
    bool before(uint32_t a, uint32_t b) const;
  };

  uint32_t open_key(Queue& queue, std::string_view text);
  uint32_t make_key(Queue& queue, std::string_view text, uint32_t hash);
  FlowId make_flow(uint32_t key, std::string_view descriptors, uint32_t hash);
  char* keep_text(std::string_view text);
  void drop_text(char* text, size_t bytes);
  uint32_t hash_of(std::string_view text, uint64_t under) const;

  uint32_t head_of(const Flow& flow);
  void set_head(FlowId id, uint32_t head);
  void stand(FlowId id, bool going);  // Among the flows of its key that can go.
  void settle_key(uint32_t id);
  void place_key(uint32_t id, Key::Where where, Number head);
  void take_out(uint32_t id);
  bool held(const Key& key) const;
  uint32_t weight_of(Key& key);
  void vanish(FlowId id);
  void retire_key(uint32_t id);
  void free_key(uint32_t id);
  void forget_some(Queue& queue);

  Messages& messages_;
  const uint64_t seed_;
  Flows flows_;
  Keys keys_;
  Index<Links<Flows>> flow_index_;  // Those with descriptors.
  Index<Links<Keys>> key_index_;    // Those with a text.
  Tree<ByAge> by_age_;
  Tree<ByHead> by_head_;
  Tree<ByTurn> by_turn_;
  std::vector<FlowId> changed_;
  size_t text_bytes_ = 0;
};

}  // namespace queue
