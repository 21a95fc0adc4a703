#include "limit/sliding_counter.h"

#include <algorithm>

#include "limit/arithmetic.h"

namespace limit {

base::Result<SlidingCounter> SlidingCounter::make(Rate rate) {
  if (const base::Status status = check_window_rate(rate); !status) return status.error();
  return SlidingCounter(rate);
}

CounterState SlidingCounter::moved(CounterState state, base::Time now) const {
  const bool idle = state.current == 0 && state.previous == 0;
  const int64_t at = base::nanoseconds(now);
  if (!idle && at - state.start < window()) return state;  // Also where time went back.
  const int64_t start = floor_to(at, window());
  if (start == state.start) return state;
  if (start - window() == state.start) return {start, 0, state.current};
  return {start, 0, 0};
}

int64_t SlidingCounter::estimate(const CounterState& moved, base::Time now) const {
  if (moved.previous == 0) return moved.current;
  const int64_t into = std::max(base::nanoseconds(now) - moved.start, int64_t{0});
  const auto left = static_cast<uint64_t>(window() - into);
  const uint64_t older =
      scaled_up(static_cast<uint64_t>(moved.previous), left, static_cast<uint64_t>(window()));
  return saturated_sum(moved.current, static_cast<int64_t>(older));
}

// In the current window the estimate falls as the previous one slides out; if that does not do, the
// current one has to slide out of the next. Both are the same question: when is
// older · (W - e) / W <= room?
base::Duration SlidingCounter::wait(const CounterState& moved, base::Time now, int64_t cost) const {
  if (rate_.count == 0 || cost > rate_.count) return kNever;
  const bool next_window = moved.current > rate_.count - cost;
  const int64_t older = next_window ? moved.current : moved.previous;
  const int64_t room = rate_.count - cost - (next_window ? 0 : moved.current);
  const int64_t start = moved.start + (next_window ? window() : 0);
  const uint64_t left = scaled_down(static_cast<uint64_t>(room), static_cast<uint64_t>(window()),
                                    static_cast<uint64_t>(older));
  return base::time_from(start + window() - static_cast<int64_t>(left)) - now;
}

base::Duration SlidingCounter::until_idle(const CounterState& moved, base::Time now) const {
  const base::Time end = base::time_from(moved.start) + rate_.period;
  if (moved.current > 0) return end + rate_.period - now;
  return moved.previous > 0 ? end - now : base::Duration{};
}

Proposal<CounterState> SlidingCounter::check(CounterState state, base::Time now,
                                             int64_t cost) const {
  CounterState next = moved(state, now);
  const int64_t free = rate_.count - estimate(next, now);
  Decision decision{.allowed = rate_.count > 0 && cost <= free, .limit = rate_.count};
  if (decision.allowed) {
    next.current += cost;
  } else {
    decision.retry_after = wait(next, now, cost);
  }
  decision.remaining = std::max(decision.allowed ? free - cost : free, int64_t{0});
  decision.reset_after = until_idle(next, now);
  return {decision, cost == 0 || !decision.allowed ? state : next};
}

CounterState SlidingCounter::charge_over(CounterState state, base::Time now, int64_t cost,
                                         int64_t overdraft, int64_t& charged) const {
  CounterState next = moved(state, now);
  const int64_t room = saturated_sum(rate_.count, overdraft) - estimate(next, now);
  charged = std::clamp(cost, int64_t{0}, std::max(room, int64_t{0}));
  if (charged == 0) return state;
  next.current += charged;
  return next;
}

CounterState SlidingCounter::give_back(CounterState state, base::Time charged, int64_t cost,
                                       base::Time now) const {
  CounterState next = moved(state, now);
  const int64_t at = base::nanoseconds(charged);
  const int64_t window_of_charge = floor_to(at, window());
  if (window_of_charge == next.start) {
    next.current -= std::min(cost, next.current);
  } else if (window_of_charge == next.start - window()) {
    next.previous -= std::min(cost, next.previous);
  } else {
    return state;
  }
  return next.current == 0 && next.previous == 0 ? CounterState{} : next;
}

CounterState SlidingCounter::with_used(int64_t used, base::Time now) const {
  if (used <= 0) return {};
  return {floor_to(base::nanoseconds(now), window()), used, 0};
}

int64_t SlidingCounter::used(CounterState state, base::Time now) const {
  return estimate(moved(state, now), now);
}

bool SlidingCounter::idle(CounterState state, base::Time now) const {
  const CounterState at = moved(state, now);
  return at.current == 0 && at.previous == 0;
}

}  // namespace limit
