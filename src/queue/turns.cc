#include "queue/turns.h"

#include <algorithm>
#include <limits>

#include "base/wide.h"

namespace queue {
namespace {

constexpr uint64_t kTurnMax = std::numeric_limits<uint64_t>::max();

uint64_t step(int64_t cost, uint32_t weight) {
  const auto units = static_cast<uint64_t>(std::max<int64_t>(cost, 0));
  if (units < uint64_t{1} << 43) return std::max<uint64_t>((units << 20) / weight, 1);
  const base::Uint128 wide = (base::Uint128{units} << 20) / weight;
  return wide > kTurnMax ? kTurnMax : static_cast<uint64_t>(wide);
}

uint64_t saturating_add(uint64_t a, uint64_t b) { return a > kTurnMax - b ? kTurnMax : a + b; }

}  // namespace

bool Turns::ByAge::before(uint32_t a, uint32_t b) const {
  const Message &x = (*messages)[a], &y = (*messages)[b];
  return x.priority != y.priority ? x.priority < y.priority : x.number < y.number;
}

bool Turns::ByHead::before(uint32_t a, uint32_t b) const {
  const Flow &x = (*flows)[a], &y = (*flows)[b];
  return x.head_priority != y.head_priority ? x.head_priority < y.head_priority
                                            : x.head_number < y.head_number;
}

bool Turns::ByTurn::before(uint32_t a, uint32_t b) const {
  const Key &x = (*keys)[a], &y = (*keys)[b];
  if (x.tree_turn != y.tree_turn) return x.tree_turn < y.tree_turn;
  return x.tree_number != y.tree_number ? x.tree_number < y.tree_number : a < b;
}

// The order of messages in a flow.

void Turns::join(uint32_t slot) {
  Message& m = messages_[slot];
  Flow& flow = flows_[m.flow];
  const ByAge order{&messages_};
  ++flow.ready;
  m.stray = false;
  m.prev = m.next = kNone;
  if (flow.line_first == kNone) {
    flow.line_first = flow.line_last = slot;
  } else if (order.before(flow.line_last, slot)) {
    m.prev = flow.line_last;
    messages_[flow.line_last].next = slot;
    flow.line_last = slot;
  } else if (order.before(slot, flow.line_first)) {
    m.next = flow.line_first;
    messages_[flow.line_first].prev = slot;
    flow.line_first = slot;
  } else {
    m.stray = true;
    by_age_.insert(flow.strays, slot);
  }
}

void Turns::leave(uint32_t slot) {
  const Message& m = messages_[slot];
  Flow& flow = flows_[m.flow];
  --flow.ready;
  if (m.stray) {
    by_age_.erase(flow.strays, slot);
    return;
  }
  (m.prev == kNone ? flow.line_first : messages_[m.prev].next) = m.next;
  (m.next == kNone ? flow.line_last : messages_[m.next].prev) = m.prev;
}

uint32_t Turns::head_of(const Flow& flow) {
  if (flow.strays == kNone) return flow.line_first;
  const uint32_t stray = by_age_.first(flow.strays);
  if (flow.line_first == kNone) return stray;
  return ByAge{&messages_}.before(stray, flow.line_first) ? stray : flow.line_first;
}

uint64_t Turns::ahead(uint32_t slot, uint64_t most) {
  const Message& m = messages_[slot];
  const Flow& flow = flows_[m.flow];
  const ByAge order{&messages_};
  uint64_t count = 0;
  if (m.stray) {
    for (uint32_t i = flow.line_first; i != kNone && count < most && order.before(i, slot); ++count)
      i = messages_[i].next;
  } else {
    for (uint32_t i = m.prev; i != kNone && count < most; ++count) i = messages_[i].prev;
  }
  uint32_t stray = by_age_.first(flow.strays);
  for (; stray != kNone && count < most && order.before(stray, slot); ++count)
    stray = by_age_.after(flow.strays, stray);
  return count;
}

// The place of a flow in its key.

void Turns::stand(FlowId id, bool going) {
  Flow& flow = flows_[id];
  if (flow.going == going) return;
  Key& key = keys_[flow.key];
  if (going)
    by_head_.insert(key.going, id);
  else
    by_head_.erase(key.going, id);
  flow.going = going;
}

void Turns::set_head(FlowId id, uint32_t head) {
  Flow& flow = flows_[id];
  stand(id, false);
  flow.head = head;
  flow.head_number = head == kNone ? 0 : messages_[head].number;
  flow.head_priority = head == kNone ? 0 : messages_[head].priority;
  if (!flow.parked) {
    stand(id, head != kNone);
  } else if (!flow.changed) {
    flow.changed = true;
    changed_.push_back(id);
  }
}

void Turns::settle(FlowId id) {
  Flow& flow = flows_[id];
  Queue& queue = *flow.queue;
  const uint32_t head = head_of(flow);
  if (head != flow.head) set_head(id, head);
  settle_key(flow.key);
  if (queue.depths.ready == 0) queue.virtual_time = std::max(queue.virtual_time, queue.turn_max);
  if (flow.messages == 0 && !flow.parked) vanish(id);
}

void Turns::refresh(FlowId id) {
  Flow& flow = flows_[id];
  const uint32_t epoch = flow.queue->epoch;
  if (flow.epoch == epoch) return;
  Key& key = keys_[flow.key];
  if (key.epoch != epoch) {
    key.epoch = epoch;
    key.going = kNone;
    key.returned = 0;
    if (key.where != Key::Where::kIdle) key.where = Key::Where::kNowhere;
  }
  flow.epoch = epoch;
  flow.line_first = flow.line_last = flow.strays = kNone;
  flow.ready = 0;
  flow.going = false;
  if (flow.head != kNone) set_head(id, kNone);
}

void Turns::park(FlowId id) {
  refresh(id);
  CHECK(!flows_[id].parked);
  flows_[id].parked = true;
  stand(id, false);
  settle_key(flows_[id].key);
}

void Turns::unpark(FlowId id) {
  refresh(id);
  Flow& flow = flows_[id];
  flow.parked = flow.changed = false;
  stand(id, flow.head != kNone);
  settle(id);
}

void Turns::changed(std::vector<FlowId>& out) {
  for (const FlowId id : changed_) {  // A flow may have vanished, or another one have its id.
    if (!flows_.holds(id) || !flows_[id].changed) continue;
    flows_[id].changed = false;
    out.push_back(id);
  }
  changed_.clear();
}

// The turns of keys.

bool Turns::held(const Key& key) const {
  const uint32_t cap = key.queue->settings.in_flight_per_key;
  const bool counts_returned = cap == 1 && key.epoch == key.queue->epoch;
  return cap != 0 && key.leased + (counts_returned ? key.returned : 0) >= cap;
}

bool Turns::held_back(FlowId id) const { return held(keys_[flows_[id].key]); }

FlowId Turns::next(Queue& queue) {
  if (queue.settings.paused_out) return kNoFlow;
  while (queue.going != kNone) {
    const uint32_t id = by_turn_.first(queue.going);
    if (!held(keys_[id])) return by_head_.first(keys_[id].going);
    settle_key(id);  // The cap was lowered: once for each key that is over it.
  }
  return kNoFlow;
}

uint32_t Turns::weight_of(Key& key) {
  const Queue& queue = *key.queue;
  if (key.weights_version == queue.weights_version) return key.weight;
  auto found = queue.weights.empty() ? queue.weights.end() : queue.weights.find(key.name());
  if (found == queue.weights.end()) found = queue.weights.find("*");
  key.weight = found == queue.weights.end() ? 1 : std::max<uint32_t>(found->second, 1);
  key.weights_version = queue.weights_version;
  return key.weight;
}

void Turns::charge(FlowId id, int64_t cost) {
  Key& key = key_of(id);
  Queue& queue = *key.queue;
  if (key.where != Key::Where::kGoing) key.turn = std::max(key.turn, queue.virtual_time);
  queue.virtual_time = std::max(queue.virtual_time, key.turn);
  key.turn = saturating_add(key.turn, step(cost, weight_of(key)));
  queue.turn_max = std::max(queue.turn_max, key.turn);
}

void Turns::settle_key(uint32_t id) {
  Key& key = keys_[id];
  if (key.where == Key::Where::kIdle) return;
  const FlowId first = by_head_.first(key.going);
  if (first == kNone) {
    if (key.where != Key::Where::kNowhere) place_key(id, Key::Where::kNowhere, 0);
  } else if (held(key)) {
    if (key.where != Key::Where::kHeld) place_key(id, Key::Where::kHeld, 0);
  } else {
    const Number head = flows_[first].head_number;
    const bool stands = key.where == Key::Where::kGoing && key.tree_turn == key.turn;
    if (!stands || key.tree_number != head) place_key(id, Key::Where::kGoing, head);
  }
}

void Turns::place_key(uint32_t id, Key::Where where, Number head) {
  Key& key = keys_[id];
  Queue& queue = *key.queue;
  const bool stayed = key.where == Key::Where::kGoing;
  take_out(id);
  key.where = where;
  if (where == Key::Where::kGoing) {
    if (!stayed) key.turn = std::max(key.turn, queue.virtual_time);
    key.tree_turn = key.turn;
    key.tree_number = head;
    by_turn_.insert(queue.going, id);
  } else if (where == Key::Where::kHeld) {
    key.left = queue.held_last;
    key.right = kNone;
    (queue.held_last == kNone ? queue.held_first : keys_[queue.held_last].right) = id;
    queue.held_last = id;
    ++queue.held;
  } else if (where == Key::Where::kIdle) {
    key.tree_turn = key.turn;
    key.tree_number = 0;
    by_turn_.insert(queue.idle, id);
    ++queue.idle_keys;
  }
}

void Turns::take_out(uint32_t id) {
  Key& key = keys_[id];
  Queue& queue = *key.queue;
  if (key.where == Key::Where::kGoing) {
    by_turn_.erase(queue.going, id);
  } else if (key.where == Key::Where::kHeld) {
    (key.left == kNone ? queue.held_first : keys_[key.left].right) = key.right;
    (key.right == kNone ? queue.held_last : keys_[key.right].left) = key.left;
    --queue.held;
  } else if (key.where == Key::Where::kIdle) {
    by_turn_.erase(queue.idle, id);
    --queue.idle_keys;
  }
  key.where = Key::Where::kNowhere;
}

void Turns::purged(Queue& queue) {
  queue.going = queue.held_first = queue.held_last = kNone;
  queue.held = queue.recheck = 0;
  queue.virtual_time = std::max(queue.virtual_time, queue.turn_max);
}

bool Turns::recheck(Queue& queue) {
  queue.recheck = std::min(queue.recheck, queue.held);
  if (queue.recheck == 0) return false;
  --queue.recheck;
  const uint32_t id = queue.held_first;
  take_out(id);
  settle_key(id);
  return queue.recheck > 0;
}

}  // namespace queue
