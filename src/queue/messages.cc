// How messages come, move between states and go.
#include "base/check.h"
#include "queue/body.h"

namespace queue {

// Sixteen numbers that follow each other share a cache line of the index; which lines, and the
// order within each, are mixed, so that no pattern of numbers that stay makes long chains.
uint32_t Store::Body::Links::hash_of(Number number) {
  uint64_t h = (number >> 4) * 0x9e3779b97f4a7c15u;
  h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93u;
  h ^= h >> 32;
  return static_cast<uint32_t>(h << 4) | (static_cast<uint32_t>(number ^ (h >> 40)) & 15);
}

bool Store::Body::lives(const Message& m) const {
  const Queue& queue = *turns[m.flow].queue;
  return !queue.dropped && (!m.waiting() || m.mark == queue.epoch);
}

uint32_t Store::Body::find(Number number) const {
  const uint32_t slot =
      index.find(Links::hash_of(number), [&](uint32_t s) { return messages[s].number == number; });
  return slot != kNone && lives(messages[slot]) ? slot : kNone;
}

void Store::Body::replace(Number number) {
  if (remove(number)) return;
  const uint32_t slot =
      index.find(Links::hash_of(number), [&](uint32_t s) { return messages[s].number == number; });
  if (slot == kNone) return;
  index.erase(slot);  // Purged: it stays in its grave without a number.
  messages[slot].number = 0;
}

FlowId Store::Body::enqueue(const Arrival& arrival) {
  Queue* const queue = queues.find(arrival.queue);
  CHECK(queue != nullptr && arrival.number != 0);
  if (arrival.number <= highest) replace(arrival.number);
  highest = std::max(highest, arrival.number);
  const uint32_t slot = messages.take();
  const FlowId flow = turns.open(*queue, arrival.key, arrival.descriptors);
  const bool delayed = arrival.due > arrival.enqueued;
  Message& m = messages[slot];
  m.number = arrival.number;
  m.place = arrival.place;
  m.at = base::nanoseconds(delayed ? arrival.due : arrival.enqueued);
  m.expires = base::nanoseconds(arrival.expires);
  m.cost = arrival.cost;
  m.bytes = arrival.bytes;
  m.priority = arrival.priority;
  m.flow = flow;
  m.attempts = arrival.attempts;
  m.state = static_cast<uint8_t>(delayed ? State::kDelayed : State::kReady);
  ++turns[flow].messages;
  ++queue->slots;
  ++living;
  queue->depths.bytes += m.bytes;
  index.insert(slot);
  enter(*queue, slot);
  set_timer(slot);
  turns.settle(flow);
  return flow;
}

bool Store::Body::move(Number number, const Standing& to) {
  const uint32_t slot = find(number);
  if (slot == kNone) return false;
  Message& m = messages[slot];
  turns.refresh(m.flow);
  Queue& queue = *turns[m.flow].queue;
  const bool stays = m.is(to.state) && (to.state == State::kReady || to.state == State::kLeased);
  if (!stays) {
    if (to.state == State::kLeased && m.waiting()) turns.charge(m.flow, m.cost);
    leave(queue, slot);
    m.state = static_cast<uint8_t>(to.state);
  }
  m.at = base::nanoseconds(to.at);
  m.delivered = to.delivered;
  m.failed = to.failed;
  if (to.state == State::kLeased) m.mark = to.start;
  if (!stays) enter(queue, slot);
  set_timer(slot);
  if (!stays) turns.settle(m.flow);
  return true;
}

bool Store::Body::remove(Number number) {
  const uint32_t slot = find(number);
  if (slot == kNone) return false;
  const FlowId flow = messages[slot].flow;
  turns.refresh(flow);
  Queue& queue = *turns[flow].queue;
  leave(queue, slot);
  queue.depths.bytes -= messages[slot].bytes;
  --living;
  erase(queue, slot);
  turns.settle(flow);
  return true;
}

bool Store::Body::relocate(Number number, Place to, uint32_t bytes) {
  const uint32_t slot = find(number);
  if (slot == kNone) return false;
  Message& m = messages[slot];
  Queue& queue = *turns[m.flow].queue;
  queue.depths.bytes += uint64_t{bytes} - m.bytes;
  if (m.waiting()) queue.waiting_bytes += uint64_t{bytes} - m.bytes;
  m.place = to;
  m.bytes = bytes;
  return true;
}

void Store::Body::enter(Queue& queue, uint32_t slot) {
  Message& m = messages[slot];
  if (m.waiting()) {
    m.mark = queue.epoch;
    queue.waiting_bytes += m.bytes;
  }
  switch (static_cast<State>(m.state)) {
    case State::kReady:
      queue.ready.enter(messages, slot);
      turns.join(slot);
      ++queue.depths.ready;
      break;
    case State::kDelayed:
      queue.delayed.append(messages, slot);
      if (m.returned()) ++turns.key_of(m.flow).returned;
      ++queue.depths.delayed;
      break;
    case State::kLeased:
      queue.leased.append(messages, slot);
      ++turns.key_of(m.flow).leased;
      ++queue.depths.leased;
      break;
    case State::kDead:
      by_death.insert(queue.dead, slot);
      ++queue.depths.dead;
      set_keep(queue);
      break;
  }
}

void Store::Body::leave(Queue& queue, uint32_t slot) {
  const Message& m = messages[slot];
  if (m.waiting()) queue.waiting_bytes -= m.bytes;
  switch (static_cast<State>(m.state)) {
    case State::kReady:
      queue.ready.erase(messages, slot);
      turns.leave(slot);
      --queue.depths.ready;
      break;
    case State::kDelayed:
      queue.delayed.erase(messages, slot);
      if (m.returned()) --turns.key_of(m.flow).returned;
      --queue.depths.delayed;
      break;
    case State::kLeased:
      queue.leased.erase(messages, slot);
      --turns.key_of(m.flow).leased;
      --queue.depths.leased;
      break;
    case State::kDead:
      by_death.erase(queue.dead, slot);
      --queue.depths.dead;
      set_keep(queue);
      break;
  }
}

void Store::Body::erase(Queue& queue, uint32_t slot) {
  Message& m = messages[slot];
  timers.erase(slot);
  if (m.number != 0) index.erase(slot);
  --turns[m.flow].messages;
  --queue.slots;
  const Place place = m.place;
  const uint32_t bytes = m.bytes;
  messages.give(slot);
  gone(place, bytes);
}

}  // namespace queue
