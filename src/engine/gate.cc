#include "engine/gate.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace engine {
namespace {

constexpr base::Time kLater = base::Time::max();
constexpr uint64_t kDomainSeed = 0x646f6d61696e;  // Of what waits for a domain to be defined.
constexpr base::Duration kRetryMax = std::chrono::hours(24 * 365);
constexpr base::Duration kAskingMax = std::chrono::seconds(1);  // If nobody tells.

// A cost that can never fit waits beside the others, not among them.
base::Hash128 never_key(base::Hash128 key) { return base::salted(key, 0x6e65766572); }

}  // namespace

Gate::Gate(limiter::Taker& taker, queue::Store& store, uint32_t shard, Engine::Metrics& metrics,
           Owner owner)
    : taker_(taker),
      store_(store),
      shard_(shard),
      metrics_(metrics),
      owner_(std::move(owner)),
      queued_([this](base::Hash128 key) {
        const auto found = by_key_.find(key);
        return found != by_key_.end() && found->second != asking_ &&
               states_[found->second].armed.first != kNone;
      }) {}

Gate::~Gate() = default;

// ---- Asking.

// The state to wait at for this obstacle; `fresh`: nobody has watched it so far.
uint32_t Gate::watched(const limiter::Obstacle& obstacle, bool& fresh) {
  const base::Hash128 key =
      obstacle.retry_after == limit::kNever ? never_key(obstacle.state) : obstacle.state;
  const auto [found, added] = by_key_.try_emplace(key, kNone);
  fresh = added;
  if (!added) return found->second;
  uint32_t number = static_cast<uint32_t>(states_.size());
  if (unused_states_.empty()) {
    states_.emplace_back();
  } else {
    number = unused_states_.back();
    unused_states_.pop_back();
  }
  found->second = number;
  State& state = states_[number];
  state = State{};
  state.key = key;
  state.at = kLater;
  state.name = name_of(obstacle.limited_by);
  taker_.watch(key, shard_);
  return number;
}

std::optional<Gate::Refused> Gate::take(const limiter::Ask& ask, limiter::TakeTerms terms,
                                        base::Time now, limiter::Answer* answer) {
  if (terms.promised_to == 0) terms.queued = &queued_;  // A promise is kept whoever waits.
  limiter::Obstacle obstacle;
  auto taken = taker_.take(ask, terms, now, answer);
  if (!taken) {
    if (answer != nullptr) answer->known_domain = false;
    obstacle.state = base::hash128(ask.domain, kDomainSeed);
    obstacle.limited_by = "domain '" + std::string(ask.domain) + "' is not defined";
    obstacle.retry_after = limit::kNever;
  } else if (!*taken) {
    return std::nullopt;
  } else {
    obstacle = std::move(**taken);
  }
  bool fresh = false;
  const uint32_t state = watched(obstacle, fresh);
  if (obstacle.sent_for > 0) {
    states_[state].answers = obstacle.state != terms.waits_at;
  } else if (!obstacle.taken_turn) {
    states_[state].ahead = 0;
  }
  if (!obstacle.asking && !obstacle.taken_turn &&
      names_[states_[state].name] != obstacle.limited_by) {
    states_[state].name = name_of(obstacle.limited_by);
  }
  if (fresh) {  // It may have come free before it was watched.
    const auto again = take(ask, terms, now, answer);
    if (!again || again->state != state) drop_if_unused(state);
    return again;
  }
  base::Time at = kLater;
  if (obstacle.asking) {
    at = now + kAskingMax;
  } else if (obstacle.retry_after != limit::kNever) {
    at = now + std::min(obstacle.retry_after, kRetryMax);
  }
  return Refused{state, at, !obstacle.taken_turn, obstacle.retry_after == limit::kNever,
                 obstacle.sent_for};
}

bool Gate::ask(queue::FlowId flow, const Hold& hold, base::Time now) {
  const queue::Store::Flow head = store_.flow(flow);
  const limiter::Ask ask = owner_.ask_of(head);
  const uint32_t line = line_with(flow);
  if (asks_nothing(ask)) {
    break_promise(flow);
    if (line != kNone) go_from(line, flow);
    return true;
  }
  await_no_more(flow);
  asking_ = line == kNone ? kNone : lines_[line].state;
  const bool promised = !promised_.empty() && promised_.contains(flow);
  const std::optional<Refused> refused = take(ask,
                                              {.hold_id = hold.id,
                                               .ttl = hold.ttl,
                                               .promised_to = promised ? owner_of(flow) : 0,
                                               .waits_at = waits_at(),
                                               .wanted = std::min(hold.wanted, head.messages),
                                               .uncharged = &uncharged_},
                                              now);
  if (!refused) {
    if (asking_ != kNone) {
      uint32_t& ahead = states_[asking_].ahead;
      ahead = std::min(2 * ahead + 1, kAheadMax);
    }
    asking_ = kNone;
    if (promised) break_promise(flow);
    if (line != kNone) go_from(line, flow);
    return true;
  }
  const bool here = line != kNone && refused->state == asking_;
  asking_ = kNone;
  if (refused->sent_for > 0) {
    const uint64_t more = here ? look_ahead(line, flow, hold, now) : 0;
    await(flow, head.queue, refused->sent_for + more);
  } else if (line != kNone) {
    passed_over(flow, ask, now);
  }
  if (here) {
    refused_here(line, refused->at, now);
  } else {
    if (line != kNone) pull(flow);
    park(flow, *refused, now);
  }
  return false;
}

void Gate::go_from(uint32_t line, queue::FlowId flow) {
  lines_[line].took = true;
  release(flow);
  store_.note(flow, 1) = 0;
}

void Gate::untake(queue::FlowId flow, const Hold& hold, base::Time now) {
  const queue::Store::Flow head = store_.flow(flow);
  const limiter::Ask ask = owner_.ask_of(head);
  if (asks_nothing(ask)) return;
  taker_.untake(ask, {.hold_id = hold.id, .ttl = hold.ttl, .uncharged = &uncharged_}, now);
}

void Gate::park(queue::FlowId flow, const Refused& refused, base::Time now) {
  const queue::Store::Flow head = store_.flow(flow);
  if (!head.parked) store_.park(flow);
  const uint32_t line = line_of(refused.state, head.queue);
  push(line, flow);
  State& state = states_[refused.state];
  const bool alone = state.armed.first == kNone;
  if (lines_[line].free) {
    lines_[line].took = false;
    unlink(line);
    arm(line, false);
  }
  if (alone) {
    wake(refused.state, refused.asked ? refused.at : now, refused.asked);
  } else if (refused.asked && state.armed.first == line && first_of(line) == flow) {
    wake(refused.state, refused.at, true);
  }
}

// Its turn had come, and it was refused.
void Gate::passed_over(queue::FlowId flow, const limiter::Ask& ask, base::Time now) {
  constexpr uint32_t kOne = 1u << 28;
  uint32_t& note = store_.note(flow, 1);
  if (note >> 28 < kPassedOverMax) note += kOne;
  if (note >> 28 < kPassedOverMax || promised_.contains(flow)) return;
  const base::Result<base::Time> at = taker_.promise(ask, owner_of(flow), now);
  if (!at) return;
  metrics_.promises.add(1);
  promised_[flow] = *at;
  promises_.emplace(*at, flow);
}

void Gate::break_promise(queue::FlowId flow) {
  const auto found = promised_.find(flow);
  if (found == promised_.end()) return;
  const auto [begin, end] = promises_.equal_range(found->second);
  for (auto at = begin; at != end; ++at) {
    if (at->second == flow) {
      promises_.erase(at);
      break;
    }
  }
  promised_.erase(found);
  taker_.withdraw(owner_of(flow));
}

void Gate::keep_promise(queue::FlowId flow, base::Time) {
  const queue::Store::Flow head = store_.flow(flow);
  const queue::QueueId queue = head.queue;
  if (!head.held_back && owner_.in_demand(queue)) {
    urgent_ = flow;
    owner_.serve(queue);
    urgent_ = queue::kNoFlow;
  }
  break_promise(flow);
}

// ---- Checks.

void Gate::fill(Check& check, const limiter::Answer& answer) {
  check.known_domain = answer.known_domain;
  check.allowed = answer.allowed;
  check.matched = answer.matched;
  check.limited_by = answer.limited_by;
  check.nearest = answer.nearest;
  check.numbers = answer.numbers;
  check.decided_by = answer.decided_by;
  check.rows.clear();
  for (const limiter::LimitAnswer& each : answer.limits) {
    check.rows.push_back({each.limit->name, limiter::to_string(each.descriptor), each.decision,
                          each.limit->spec.shadow});
  }
}

bool Gate::check(Request& request, base::Time now) {
  Check& asked = std::get<Check>(request.what);
  std::string encoded = encode_ask(asked.domain, asked.descriptors);
  const auto standing = checks_.find(encoded);
  if (standing == checks_.end()) {
    limiter::Answer answer;
    const limiter::Ask ask{
        .domain = asked.domain, .descriptors = asked.descriptors, .cost = asked.cost};
    const auto refused = take(ask, {.holds = false}, now, &answer);
    if (!refused || refused->never) {
      fill(asked, answer);
      if (refused) drop_if_unused(refused->state);
      return true;
    }
    CheckLine& line = checks_[encoded];
    line.ask = std::move(encoded);
    line.waiting.push_back(&request);
    check_of_[&request] = &line;
    stand(line, *refused, now);
    return false;
  }
  standing->second.waiting.push_back(&request);
  check_of_[&request] = &standing->second;
  return false;
}

// Puts the line of a check where it was refused.
void Gate::stand(CheckLine& check, const Refused& refused, base::Time now) {
  if (check.line != kNone && lines_[check.line].state == refused.state)
    return refused_here(check.line, refused.at, now);
  if (check.line != kNone) drop_line(check.line);
  check.line = new_line(refused.state, 0, &check);
  arm(check.line, false);
  if (states_[refused.state].armed.first == check.line)
    wake(refused.state, refused.asked ? refused.at : now, refused.asked);
}

// Its turn: as many of its requests as may go. True: its line is gone, or nobody waits in it.
bool Gate::ask_check(CheckLine& check, base::Time now) {
  while (!check.waiting.empty()) {
    Request& request = *check.waiting.front();
    Check& asked = std::get<Check>(request.what);
    asking_ = lines_[check.line].state;
    limiter::Answer answer;
    const limiter::Ask ask{
        .domain = asked.domain, .descriptors = asked.descriptors, .cost = asked.cost};
    const auto refused =
        take(ask, {.holds = false, .waits_at = waits_at(), .wanted = check.waiting.size()}, now,
             &answer);
    asking_ = kNone;
    if (refused && !refused->never) {
      stand(check, *refused, now);
      return false;
    }
    if (refused) drop_if_unused(refused->state);
    lines_[check.line].took = true;
    fill(asked, answer);
    check.waiting.pop_front();
    check_of_.erase(&request);
    owner_.answer(request);
  }
  drop_line(check.line);
  checks_.erase(std::string(check.ask));
  return true;
}

void Gate::leave(Request& request, base::Time now) {
  const auto found = check_of_.find(&request);
  if (found == check_of_.end()) return;
  CheckLine& line = *found->second;
  check_of_.erase(found);
  std::erase(line.waiting, &request);
  Check& asked = std::get<Check>(request.what);
  fill(asked,
       taker_.look({.domain = asked.domain, .descriptors = asked.descriptors, .cost = asked.cost},
                   now));
  if (asked.allowed && asked.matched) {  // There is room, but others stand before it.
    asked.allowed = false;
    asked.limited_by = asked.nearest;
  }
  if (!line.waiting.empty()) return next_may_go(line.line);
  drop_line(line.line);
  checks_.erase(std::string(line.ask));
}

// ---- What is due.

queue::FlowId Gate::next(queue::QueueId id) {
  if (urgent_ != queue::kNoFlow) return std::exchange(urgent_, queue::kNoFlow);
  const queue::FlowId ready = store_.next(id);
  const auto found = free_.find(id);
  if (found == free_.end()) return ready;
  for (;;) {
    const auto free = free_.find(id);  // Dropping a line may drop the list.
    if (free == free_.end()) return ready;
    const uint32_t line = free->second.first;
    const queue::FlowId first = first_of(line);
    if (first == queue::kNoFlow) {
      drop_line(line);
      continue;
    }
    if (ready == queue::kNoFlow) return first;
    const queue::Store::Flow a = store_.flow(ready), b = store_.flow(first);
    // Whose units are there goes before others with an equal turn are asked for.
    if (a.turn == b.turn && states_[lines_[line].state].answers) return first;
    return a.turn <= b.turn ? ready : first;
  }
}

void Gate::step(uint32_t number, base::Time now) {
  const uint32_t line = states_[number].armed.first;
  if (line == kNone) {
    wake(number, kLater, false);
    return drop_if_unused(number);
  }
  wake(number, now, false);  // Until somebody is refused.
  if (lines_[line].check != nullptr) {
    ask_check(*lines_[line].check, now);
    return;
  }
  set_free(line);
  const queue::QueueId queue = lines_[line].queue;
  if (owner_.in_demand(queue)) owner_.serve(queue);
}

void Gate::advance(base::Time now) {
  settle(now);
  if (!answered_.empty()) answer_all(now);
  for (size_t n = 0; n < kSlice && !promises_.empty() && promises_.begin()->first <= now; ++n)
    keep_promise(promises_.begin()->second, now);
  for (size_t n = 0; n < kSlice && recheck_ != kNone; ++n) {
    if (recheck_ >= states_.size()) {
      recheck_ = kNone;
    } else {
      if (states_[recheck_].lines > 0) wake(recheck_, now, false);
      ++recheck_;
    }
  }
  for (size_t n = 0; n < kSlice && !heap_.empty() && states_[heap_.front()].at <= now; ++n) {
    const State& state = states_[heap_.front()];
    if (state.timed) metrics_.lateness_ns.record((now - state.at).count());
    step(heap_.front(), now);
  }
}

base::Time Gate::due() const {
  if (recheck_ != kNone || !answered_.empty()) return {};
  base::Time at = heap_.empty() ? kLater : states_[heap_.front()].at;
  if (!promises_.empty()) at = std::min(at, promises_.begin()->first);
  return at;
}

void Gate::freed(base::Hash128 key, base::Time now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || states_[found->second].armed.first == kNone) return;
  if (states_[found->second].answers) return answered_.push_back(found->second);
  wake(found->second, now, false);
}

void Gate::recheck() {
  recheck_ = 0;
  // A reload ends all promises.
  for (const auto& [flow, at] : promised_) taker_.withdraw(owner_of(flow));
  promised_.clear();
  promises_.clear();
}

void Gate::settle(base::Time now) {
  changed_.clear();
  store_.changed(changed_);
  for (const queue::FlowId flow : changed_) {
    const uint32_t line = line_with(flow);
    if (line == kNone) continue;
    if (store_.flow(flow).head == 0) {
      break_promise(flow);
      release(flow);
      continue;
    }
    pull(flow);
    const uint32_t again = line_of(lines_[line].state, store_.flow(flow).queue);
    push(again, flow);
    const Line& at = lines_[again];
    if (!at.free && states_[at.state].armed.first == again && first_of(again) == flow)
      wake(at.state, now, false);
  }
}

Gate::Wait Gate::waits(queue::FlowId flow) {
  const uint32_t line = line_with(flow);
  if (line == kNone) return {{}, kLater};
  const State& state = states_[lines_[line].state];
  return {names_[state.name], state.at};
}

}  // namespace engine
