// Queues: how they are set, purged and dropped, and the work that this leaves behind.
#include <algorithm>

#include "queue/body.h"

namespace queue {

void Store::Body::set_queue(QueueId id, std::string_view name, const Settings& settings) {
  Queue* queue = queues.find(id);
  if (queue == nullptr) queue = &queues.add(id, name);
  const bool cap_changed = queue->settings.in_flight_per_key != settings.in_flight_per_key;
  queues.apply(*queue, settings);
  set_keep(*queue);
  if (!cap_changed || queue->held == 0) return;
  if (queue->recheck == 0) rechecks.push_back(queue);
  queue->recheck = queue->held;
}

void Store::Body::purge(Queue& queue) {
  if (queue.depths.waiting() == 0) return;
  graves.push_back({&queue, {queue.ready, queue.delayed, {}}, kNone, false});
  queue.ready = queue.delayed = {};
  living -= queue.depths.waiting();
  queue.depths.bytes -= queue.waiting_bytes;
  queue.depths.ready = queue.depths.delayed = queue.waiting_bytes = 0;
  ++queue.epoch;
  turns.purged(queue);
}

void Store::Body::drop_queue(Queue& queue) {
  graves.push_back({&queue, {queue.ready, queue.delayed, queue.leased}, queue.dead, true});
  living -= queue.depths.waiting() + queue.depths.leased + queue.depths.dead;
  queue.depths = {};
  queue.ready = queue.delayed = queue.leased = {};
  queue.dead = kNone;
  queue.dropped = true;
  ++queue.epoch;
  turns.purged(queue);
  keeps.erase(queue.slot);
  std::erase(rechecks, &queue);
  queues.hide(queue);
}

uint32_t Store::Body::exhume(Grave& grave) {
  for (AgeList& list : grave.lists) {
    const uint32_t slot = list.first;
    if (slot == kNone) continue;
    list.erase(messages, slot);
    return slot;
  }
  const uint32_t slot = grave.dead;
  if (slot != kNone) by_death.erase(grave.dead, slot);
  return slot;
}

bool Store::Body::close(Queue& queue) {
  if (queue.keys > 0) return false;  // Parked flows, until they are unparked.
  queues.free(queue);
  return true;
}

bool Store::Body::reap(base::Time now, size_t most) {
  std::erase_if(closing, [&](Queue* queue) { return close(*queue); });
  for (; most > 0 && dedup.expire(now); --most) ++reaped;
  for (; most > 0 && !rechecks.empty(); --most)
    if (!turns.recheck(*rechecks.back())) rechecks.pop_back();
  for (; most > 0 && !graves.empty(); --most, ++reaped) {
    Grave& grave = graves.front();
    Queue& queue = *grave.queue;
    const uint32_t slot = exhume(grave);
    if (slot != kNone) {
      const FlowId flow = messages[slot].flow;
      turns.refresh(flow);
      erase(queue, slot);
      turns.settle(flow);
      continue;
    }
    if (grave.drop && turns.forget_idle(queue)) continue;
    if (grave.drop && !close(queue)) closing.push_back(&queue);
    graves.pop_front();
  }
  return dedup.over(now) || !rechecks.empty() || !graves.empty();
}

}  // namespace queue
