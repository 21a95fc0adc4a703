// How messages and flows are shown.
#include "queue/body.h"

namespace queue {

Store::Body::Body(std::function<void(Place, uint32_t)> on_gone, uint64_t hash_seed)
    : gone(std::move(on_gone)),
      index({&messages}),
      turns(messages, hash_seed),
      timers({&messages}),
      keeps({&queues}),
      by_death({&messages}) {}

View Store::Body::view(const Message& m) const {
  return {.number = m.number,
          .queue = turns[m.flow].queue->id,
          .flow = m.flow,
          .standing = {.state = static_cast<State>(m.state),
                       .at = base::time_from(m.at),
                       .delivered = m.delivered,
                       .failed = m.failed,
                       .start = m.is(State::kLeased) ? m.mark : 0},
          .priority = m.priority,
          .expires = base::time_from(m.expires),
          .attempts = m.attempts,
          .cost = m.cost,
          .place = m.place,
          .bytes = m.bytes};
}

Store::Flow Store::Body::show(FlowId id) {
  const queue::Flow& flow = turns[id];
  const Key& key = turns.key_of(id);
  Store::Flow shown{.queue = flow.queue->id,
                    .key = key.name(),
                    .descriptors = {flow.text, flow.text_bytes},
                    .head = 0,
                    .cost = 0,
                    .priority = 0,
                    .turn = key.turn,
                    .messages = 0,
                    .parked = flow.parked,
                    .held_back = turns.held_back(id)};
  if (flow.epoch != flow.queue->epoch || flow.head == kNone) return shown;
  shown.head = flow.head_number;
  shown.cost = messages[flow.head].cost;
  shown.priority = flow.head_priority;
  shown.messages = flow.ready;
  return shown;
}

uint64_t Store::Body::walk(
    uint64_t cursor, size_t most,
    const std::function<void(const View&, const Store::Flow&, bool)>& visit) {
  if (cursor == 0) ++walks;
  auto slot = static_cast<uint32_t>(cursor);
  while (most > 0) {
    slot = messages.seek(slot, most);
    if (most == 0 || slot >= messages.end()) break;
    const Message& m = messages[slot++];
    --most;
    if (!lives(m)) continue;
    queue::Flow& flow = turns[m.flow];
    const bool fresh = flow.walk != walks;
    flow.walk = walks;
    visit(view(m), show(m.flow), fresh);
  }
  return slot < messages.end() ? slot : 0;
}

uint64_t Store::Body::walk_flows(uint64_t cursor, size_t most,
                                 const std::function<void(FlowId, const Store::Flow&)>& visit) {
  auto id = static_cast<FlowId>(cursor);
  while (most > 0) {
    id = turns.seek(id, most);
    if (most == 0 || id >= turns.end()) break;
    visit(id, show(id));
    ++id;
    --most;
  }
  return id < turns.end() ? id : 0;
}

size_t Store::Body::memory_bytes() const {
  return sizeof(Body) + messages.bytes() + index.bytes() + turns.memory_bytes() + queues.bytes() +
         timers.bytes() + keeps.bytes() + dedup.bytes() + graves.size() * sizeof(Grave) +
         (closing.capacity() + rechecks.capacity()) * sizeof(Queue*);
}

}  // namespace queue
