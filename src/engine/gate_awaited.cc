// Units on their way: asks that somebody far away decides, and is to tell.
#include <algorithm>
#include <utility>

#include "engine/gate.h"

namespace engine {

// The state whose turn the present ask is, if it is a limit's.
std::optional<base::Hash128> Gate::waits_at() const {
  if (asking_ == kNone || states_[asking_].answers) return std::nullopt;
  return states_[asking_].key;
}

void Gate::await(queue::FlowId flow, queue::QueueId queue, uint64_t units) {
  awaited_[flow] = {queue, units};
  awaited_of_[queue] += units;
}

void Gate::await_no_more(queue::FlowId flow) {
  if (awaited_.empty()) return;
  const auto found = awaited_.find(flow);
  if (found == awaited_.end()) return;
  const auto all = awaited_of_.find(found->second.queue);
  if ((all->second -= found->second.units) == 0) awaited_of_.erase(all);
  awaited_.erase(found);
}

uint64_t Gate::awaited(queue::QueueId id) const {
  const auto found = awaited_of_.find(id);
  return found == awaited_of_.end() ? 0 : found->second;
}

uint64_t Gate::awaited_beside(queue::FlowId flow, queue::QueueId id) const {
  if (awaited_.empty()) return 0;
  const auto found = awaited_.find(flow);
  return awaited(id) - (found == awaited_.end() ? 0 : found->second.units);
}

// While the first one of a limit's line is asked for far away, so are some behind it: turns are
// strict, but a limit need not wait for one answer after the other. As many as went before in a
// row, so that a limit that refuses is asked for one at a time.
uint64_t Gate::look_ahead(uint32_t number, queue::FlowId first, const Hold& hold, base::Time now) {
  const State& state = states_[lines_[number].state];
  const uint64_t most = std::min<uint64_t>(state.ahead, hold.wanted - 1);
  uint64_t sent = 0;
  size_t looked = 0;
  for (const Entry& entry : lines_[number].flows) {
    if (sent >= most || looked++ > kAheadMax) break;
    const queue::Store::Flow head = store_.flow(entry.flow);
    if (entry.flow == first || head.head == 0 || head.held_back) continue;
    const limiter::Ask ask = owner_.ask_of(head);
    if (asks_nothing(ask)) continue;
    sent += taker_.expect(ask, {.hold_id = owner_.hold_of(head.head), .ttl = hold.ttl}, now);
  }
  return sent;
}

// All that was told goes before anybody is served, so that who wants many gets what came together.
void Gate::answer_all(base::Time now) {
  std::vector<queue::QueueId> queues;
  for (const uint32_t number : std::exchange(answered_, {})) {
    if (!states_[number].answers) continue;  // It is another one meanwhile.
    while (states_[number].armed.first != kNone) {
      const uint32_t line = states_[number].armed.first;
      if (lines_[line].check != nullptr) {
        wake(number, now, false);
        break;
      }
      for (const Entry& entry : lines_[line].flows) await_no_more(entry.flow);
      set_free(line);
      queues.push_back(lines_[line].queue);
    }
    if (states_[number].armed.first == kNone) wake(number, base::Time::max(), false);
  }
  for (const queue::QueueId queue : queues) {
    if (owner_.in_demand(queue)) owner_.serve(queue);
  }
}

}  // namespace engine
