#include "limit/sliding_log.h"

#include <algorithm>

#include "limit/arithmetic.h"

namespace limit {

base::Result<SlidingLog> SlidingLog::make(Rate rate) {
  if (const base::Status status = check_window_rate(rate); !status) return status.error();
  if (rate.count > kCountMax) {
    return base::invalid("a sliding log remembers at most " + std::to_string(kCountMax) +
                             " units; take a sliding counter or GCRA for " + to_string(rate),
                         "rate");
  }
  return SlidingLog(rate);
}

int64_t SlidingLog::at(const LogState& state, base::Time now) const {
  const int64_t at = base::nanoseconds(now);
  return state.empty() ? at : std::max(at, state.last().at);
}

size_t SlidingLog::first_live(const LogState& state, base::Time now) const {
  return state.first_after(at(state, now) - rate_.period.count());
}

Decision SlidingLog::check(const LogState& state, base::Time now, int64_t cost) const {
  const int64_t gone = state.units_before(first_live(state, now));
  const int64_t free = rate_.count - (state.units() - gone);
  Decision decision{.allowed = rate_.count > 0 && cost <= free, .limit = rate_.count};
  decision.remaining = std::max(decision.allowed ? free - cost : free, int64_t{0});
  const auto leaves = [&](int64_t charged) {
    return base::time_from(charged) + rate_.period - now;
  };
  if (!decision.allowed) {
    const bool never = rate_.count == 0 || cost > rate_.count;
    decision.retry_after =
        never ? kNever : leaves(state.entry(state.first_freeing(gone + (cost - free))).at);
  }
  if (decision.allowed && cost > 0) {
    decision.reset_after = leaves(at(state, now));
  } else if (free < rate_.count) {
    decision.reset_after = leaves(state.last().at);
  }
  return decision;
}

void SlidingLog::charge(LogState& state, base::Time now, int64_t cost) const {
  if (cost == 0) return;
  const int64_t instant = at(state, now);
  state.drop_before(first_live(state, now));
  state.add(instant, cost);
}

size_t SlidingLog::growth(const LogState& state, base::Time now) const {
  if (state.empty()) return sizeof(LogState::Entry);
  const bool shares = state.last().at == at(state, now);
  if (shares || first_live(state, now) > 0 || state.size_ < state.ring_.size()) return 0;
  return state.bytes();
}

int64_t SlidingLog::charge_over(LogState& state, base::Time now, int64_t cost,
                                int64_t overdraft) const {
  const int64_t room = saturated_sum(rate_.count, overdraft) - used(state, now);
  const int64_t charged = std::clamp(cost, int64_t{0}, std::max(room, int64_t{0}));
  charge(state, now, charged);
  return charged;
}

void SlidingLog::give_back(LogState& state, base::Time charged, int64_t cost,
                           base::Time now) const {
  const int64_t instant = base::nanoseconds(charged);
  const size_t next = state.first_after(instant);
  if (cost <= 0 || next == 0 || next <= first_live(state, now)) return;
  if (state.entry(next - 1).at != instant) return;
  const int64_t there = state.units_through(next - 1) - state.units_before(next - 1);
  state.take_from(next - 1, std::min(cost, there));
}

LogState SlidingLog::with_used(int64_t used, base::Time now) const {
  LogState state;
  if (used > 0) state.add(base::nanoseconds(now), used);
  return state;
}

int64_t SlidingLog::used(const LogState& state, base::Time now) const {
  return state.units() - state.units_before(first_live(state, now));
}

}  // namespace limit
