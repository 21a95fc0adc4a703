// Lines, states and their lists: the bookkeeping of gate.cc.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/gate.h"

namespace engine {
namespace {

constexpr uint32_t kPlace = (1u << 28) - 1;  // Of a flow's second note: its place in the heap.
constexpr uint32_t kFewLines = 4;            // More, and a state's lines are found by hash.

}  // namespace

// ---- Flows in lines.

void Gate::place(Line& line, size_t at, const Entry& entry) {
  line.flows[at] = entry;
  uint32_t& note = store_.note(entry.flow, 1);
  note = (note & ~kPlace) | static_cast<uint32_t>(at);
}

void Gate::sift(Line& line, size_t at) {
  const Entry entry = line.flows[at];
  while (at > 0 && entry.before(line.flows[(at - 1) / 2])) {
    place(line, at, line.flows[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= line.flows.size()) break;
    if (child + 1 < line.flows.size() && line.flows[child + 1].before(line.flows[child])) ++child;
    if (!line.flows[child].before(entry)) break;
    place(line, at, line.flows[child]);
    at = child;
  }
  place(line, at, entry);
}

void Gate::push(uint32_t number, queue::FlowId flow) {
  Line& line = lines_[number];
  const queue::Store::Flow head = store_.flow(flow);
  line.flows.push_back({head.turn, head.priority, flow});
  CHECK(line.flows.size() < kPlace);
  store_.note(flow, 0) = number + 1;
  sift(line, line.flows.size() - 1);
}

void Gate::pull(queue::FlowId flow) {
  const uint32_t number = line_with(flow);
  Line& line = lines_[number];
  const size_t at = store_.note(flow, 1) & kPlace;
  CHECK(at < line.flows.size() && line.flows[at].flow == flow);
  if (at == 0) next_may_go(number);
  store_.note(flow, 0) = 0;
  const Entry last = line.flows.back();
  line.flows.pop_back();
  if (at < line.flows.size()) {
    place(line, at, last);
    sift(line, at);
  }
  if (line.flows.empty() && line.flows.capacity() > 64) line.flows.shrink_to_fit();
}

// Whoever was first there goes: the instant that was named is not that of the next one.
void Gate::next_may_go(uint32_t number) {
  const Line& line = lines_[number];
  if (!line.free && states_[line.state].armed.first == number) wake(line.state, {}, false);
}

void Gate::release(queue::FlowId flow) {
  const uint32_t line = line_with(flow);
  await_no_more(flow);
  pull(flow);
  store_.note(flow, 1) = 0;
  store_.unpark(flow);
  if (lines_[line].flows.empty()) {
    drop_if_empty(line);
  } else if (lines_[line].free) {  // The queue's other free lines have their turn.
    unlink(line);
    link(lines_, free_[lines_[line].queue], line, false);
  }
}

// Its first flow that may go; kNoFlow: none is left. Flows that their key holds back leave it.
queue::FlowId Gate::first_of(uint32_t number) {
  for (;;) {
    Line& line = lines_[number];
    if (line.flows.empty()) return queue::kNoFlow;
    const Entry entry = line.flows.front();
    const queue::Store::Flow flow = store_.flow(entry.flow);
    if (flow.head == 0 || flow.held_back) {
      await_no_more(entry.flow);
      pull(entry.flow);
      store_.note(entry.flow, 1) = 0;
      store_.unpark(entry.flow);
    } else if (flow.turn > entry.turn) {  // Its key has been served from elsewhere.
      line.flows.front().turn = flow.turn;
      sift(line, 0);
    } else {
      return entry.flow;
    }
  }
}

// ---- Lines of states.

uint32_t Gate::find_line(uint32_t state, queue::QueueId queue) const {
  if (states_[state].lines > kFewLines) {
    const auto found = many_.find({state, queue});
    return found == many_.end() ? kNone : found->second;
  }
  for (uint32_t at = states_[state].armed.first; at != kNone; at = lines_[at].next) {
    if (lines_[at].check == nullptr && lines_[at].queue == queue) return at;
  }
  const auto found = free_.find(queue);
  if (found == free_.end()) return kNone;
  const auto other = many_.find({state, queue});  // Free lines of few: they are in the map.
  return other == many_.end() ? kNone : other->second;
}

uint32_t Gate::line_of(uint32_t state, queue::QueueId queue) {
  const uint32_t found = find_line(state, queue);
  if (found != kNone) return found;
  const uint32_t line = new_line(state, queue, nullptr);
  arm(line, false);
  return line;
}

uint32_t Gate::new_line(uint32_t state, queue::QueueId queue, CheckLine* check) {
  uint32_t number = static_cast<uint32_t>(lines_.size());
  if (unused_lines_.empty()) {
    lines_.emplace_back();
  } else {
    number = unused_lines_.back();
    unused_lines_.pop_back();
  }
  Line& line = lines_[number];
  line = Line{};
  line.state = state;
  line.queue = queue;
  line.check = check;
  ++lines_in_use_;
  State& at = states_[state];
  if (++at.lines == kFewLines + 1) {  // From now on they are found by hash.
    for (uint32_t each = at.armed.first; each != kNone; each = lines_[each].next) {
      if (lines_[each].check == nullptr) many_[{state, lines_[each].queue}] = each;
    }
  }
  if (at.lines > kFewLines && check == nullptr) many_[{state, queue}] = number;
  return number;
}

void Gate::drop_line(uint32_t number) {
  Line& line = lines_[number];
  CHECK(line.flows.empty());
  next_may_go(number);
  unlink(number);
  const uint32_t state = line.state;
  if (line.check == nullptr) {
    many_.erase({state, line.queue});
  } else {
    line.check->line = kNone;
  }
  line = Line{};
  unused_lines_.push_back(number);
  --lines_in_use_;
  --states_[state].lines;
  drop_if_unused(state);
}

void Gate::drop_if_empty(uint32_t number) {
  if (lines_[number].flows.empty()) drop_line(number);
}

void Gate::drop_if_unused(uint32_t number) {
  State& state = states_[number];
  if (state.lines > 0 || number == asking_ || state.key == base::Hash128{}) return;
  heap_remove(number);
  by_key_.erase(state.key);
  taker_.unwatch(state.key, shard_);
  state = State{};
  unused_states_.push_back(number);
}

Gate::Ends& Gate::ends_of(const Line& line) {
  return line.free ? free_[line.queue] : states_[line.state].armed;
}

void Gate::link(std::deque<Line>& lines, Ends& ends, uint32_t number, bool at_front) {
  Line& line = lines[number];
  line.next = at_front ? ends.first : kNone;
  line.previous = at_front ? kNone : ends.last;
  if (line.next != kNone) lines[line.next].previous = number;
  if (line.previous != kNone) lines[line.previous].next = number;
  if (at_front || ends.first == kNone) ends.first = number;
  if (!at_front || ends.last == kNone) ends.last = number;
}

void Gate::unlink(uint32_t number) {
  Line& line = lines_[number];
  Ends& ends = ends_of(line);
  if (ends.first != number && line.previous == kNone) return;  // Not linked yet.
  (line.previous == kNone ? ends.first : lines_[line.previous].next) = line.next;
  (line.next == kNone ? ends.last : lines_[line.next].previous) = line.previous;
  line.next = line.previous = kNone;
  if (line.free && ends.first == kNone) free_.erase(line.queue);
}

// REQUIRES: not linked.
void Gate::arm(uint32_t number, bool at_front) {
  Line& line = lines_[number];
  line.free = false;
  link(lines_, states_[line.state].armed, number, at_front);
  if (states_[line.state].lines <= kFewLines) many_.erase({line.state, line.queue});
}

void Gate::set_free(uint32_t number) {
  unlink(number);
  Line& line = lines_[number];
  line.free = true;
  line.took = false;
  many_[{line.state, line.queue}] = number;
  link(lines_, free_[line.queue], number, false);
}

void Gate::refused_here(uint32_t number, base::Time at, base::Time now) {
  Line& line = lines_[number];
  unlink(number);
  const bool took = std::exchange(line.took, false);
  arm(number, !took);
  const bool first = states_[line.state].armed.first == number;
  wake(line.state, first ? at : now, first);
}

uint32_t Gate::name_of(const std::string& name) {
  const auto [found, added] = name_numbers_.try_emplace(name, names_.size());
  if (added) names_.push_back(name);
  return found->second;
}

// ---- The heap of states.

void Gate::heap_place(size_t at, uint32_t state) {
  heap_[at] = state;
  states_[state].heap = static_cast<uint32_t>(at);
}

void Gate::heap_sift(size_t at) {
  const uint32_t state = heap_[at];
  const base::Time when = states_[state].at;
  while (at > 0 && when < states_[heap_[(at - 1) / 2]].at) {
    heap_place(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && states_[heap_[child + 1]].at < states_[heap_[child]].at)
      ++child;
    if (states_[heap_[child]].at >= when) break;
    heap_place(at, heap_[child]);
    at = child;
  }
  heap_place(at, state);
}

void Gate::heap_remove(uint32_t state) {
  const uint32_t at = states_[state].heap;
  if (at == kNone) return;
  states_[state].heap = kNone;
  const uint32_t last = heap_.back();
  heap_.pop_back();
  if (last == state) return;
  heap_place(at, last);
  heap_sift(at);
}

void Gate::wake(uint32_t number, base::Time at, bool timed) {
  State& state = states_[number];
  state.at = at;
  state.timed = timed;
  if (at == base::Time::max()) return heap_remove(number);
  if (state.heap == kNone) {
    heap_.push_back(number);
    state.heap = static_cast<uint32_t>(heap_.size() - 1);
  }
  heap_sift(state.heap);
}

}  // namespace engine
