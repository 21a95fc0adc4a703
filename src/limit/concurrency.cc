#include "limit/concurrency.h"

#include <algorithm>
#include <iterator>

namespace limit {

HoldState::Position HoldState::first_live(base::Time now) const {
  if (holds_.empty() || holds_.front().until > base::nanoseconds(now)) return holds_.begin();
  return std::ranges::upper_bound(holds_, base::nanoseconds(now), {}, &Hold::until);
}

HoldState::Position HoldState::find(uint64_t id, base::Time now) const {
  return std::ranges::find(first_live(now), holds_.end(), id, &Hold::id);
}

void HoldState::insert(Hold hold) {
  holds_.insert(std::ranges::upper_bound(holds_, hold.until, {}, &Hold::until), hold);
}

void HoldState::erase(Position hold) {
  holds_.erase(hold);
  if (holds_.size() <= holds_.capacity() / 4) holds_.shrink_to_fit();
}

// Ended holds are dropped when they are half of all, so that dropping one costs constant time on
// average and the vector stays within twice what is held.
void HoldState::drop_ended(base::Time now) {
  const Position live = first_live(now);
  const auto ended = std::distance(holds_.cbegin(), live);
  if (ended == 0 || ended < std::distance(live, holds_.cend())) return;
  holds_.erase(holds_.cbegin(), live);
  if (holds_.size() <= holds_.capacity() / 4) holds_.shrink_to_fit();
}

base::Result<Concurrency> Concurrency::make(int64_t cap, base::Duration ttl_max) {
  if (cap < 1 || cap > kCapMax) {
    return base::invalid("concurrency must be between 1 and " + std::to_string(kCapMax),
                         "concurrency");
  }
  if (ttl_max <= base::Duration{} || ttl_max > kTtlMax) {
    return base::invalid("the ttl of a hold must be above 0 and at most 73 years", "ttl");
  }
  return Concurrency(cap, ttl_max);
}

Decision Concurrency::check(const HoldState& state, base::Time now, int64_t holds) const {
  const auto live = state.first_live(now);
  const int64_t held = std::distance(live, state.holds_.cend());
  const int64_t free = cap_ - held;
  Decision decision{.allowed = holds <= free, .limit = cap_};
  decision.remaining = std::max(decision.allowed ? free - holds : free, int64_t{0});
  if (!decision.allowed) {
    const auto enough = [&] { return base::time_from(live[holds - free - 1].until) - now; };
    decision.retry_after = holds > cap_ ? kNever : enough();
  }
  if (held > 0) decision.reset_after = base::time_from(state.holds_.back().until) - now;
  return decision;
}

void Concurrency::take(HoldState& state, base::Time now, uint64_t id, base::Time until) const {
  hold(state, now, id, std::min(until, now + ttl_max_));
}

void Concurrency::hold(HoldState& state, base::Time now, uint64_t id, base::Time until) const {
  state.drop_ended(now);
  release(state, now, id);
  if (until > now) state.insert({base::nanoseconds(until), id});
}

size_t Concurrency::growth(const HoldState& state, base::Time now, int64_t holds) const {
  // As drop_ended() does: fewer than half are ended, and stay.
  const auto live = static_cast<size_t>(used(state, now));
  const size_t there = state.holds_.size();
  const size_t needed = (there - live < live ? there : live) + static_cast<size_t>(holds);
  const size_t room = state.holds_.capacity();
  return needed <= room ? 0 : (std::max(needed, 2 * there) - room) * sizeof(HoldState::Hold);
}

bool Concurrency::renew(HoldState& state, base::Time now, uint64_t id, base::Time until) const {
  const auto hold = state.find(id, now);
  if (hold == state.holds_.cend()) return false;
  state.erase(hold);
  const base::Time end = std::min(until, now + ttl_max_);
  if (end > now) state.insert({base::nanoseconds(end), id});
  return true;
}

bool Concurrency::release(HoldState& state, base::Time now, uint64_t id) const {
  const auto hold = state.find(id, now);
  if (hold == state.holds_.cend()) return false;
  state.erase(hold);
  state.drop_ended(now);
  return true;
}

int64_t Concurrency::used(const HoldState& state, base::Time now) const {
  return std::distance(state.first_live(now), state.holds_.cend());
}

}  // namespace limit
