#include "limiter/promises.h"

#include <utility>

namespace limiter {

std::optional<Promises::Promise> Promises::find(base::Hash128 state, uint64_t but_of,
                                                base::Time now) const {
  const Stripe& stripe = stripe_of(state);
  base::Guard guard(stripe.lock);
  const auto found = stripe.by_state.find(state);
  if (found == stripe.by_state.end()) return std::nullopt;
  const Promise& promise = found->second;
  if (promise.owner == but_of || promise.over() <= now) return std::nullopt;
  return promise;
}

void Promises::put(std::span<const Hit> hits, uint64_t owner, base::Time at) {
  base::Guard guard(mutex_);
  Owned& owned = by_owner_[owner];
  owned.over = at + kStays;
  for (const Hit& hit : hits) {
    Stripe& stripe = stripe_of(hit.key);
    base::Guard stripe_guard(stripe.lock);
    const auto [place, is_new] =
        stripe.by_state.insert_or_assign(hit.key, Promise{owner, hit.cost, at});
    if (is_new) count_.fetch_add(1, std::memory_order_relaxed);
    owned.states.push_back(hit.key);
  }
}

// One that was over may have made way for another's.
void Promises::remove(base::Hash128 state, uint64_t owner) {
  Stripe& stripe = stripe_of(state);
  base::Guard guard(stripe.lock);
  const auto found = stripe.by_state.find(state);
  if (found == stripe.by_state.end() || found->second.owner != owner) return;
  stripe.by_state.erase(found);
  count_.fetch_sub(1, std::memory_order_relaxed);
}

std::vector<base::Hash128> Promises::withdraw(uint64_t owner) {
  base::Guard guard(mutex_);
  const auto found = by_owner_.find(owner);
  if (found == by_owner_.end()) return {};
  std::vector<base::Hash128> states = std::move(found->second.states);
  by_owner_.erase(found);
  for (const base::Hash128 state : states) remove(state, owner);
  return states;
}

std::vector<base::Hash128> Promises::withdraw_all() {
  std::vector<base::Hash128> all;
  base::Guard guard(mutex_);
  for (const auto& [owner, owned] : by_owner_) {
    for (const base::Hash128 state : owned.states) remove(state, owner);
    all.insert(all.end(), owned.states.begin(), owned.states.end());
  }
  by_owner_.clear();
  return all;
}

void Promises::end_due(base::Time now) {
  if (!any()) return;
  base::Guard guard(mutex_);
  for (auto it = by_owner_.begin(); it != by_owner_.end();) {
    if (it->second.over > now) {
      ++it;
      continue;
    }
    for (const base::Hash128 state : it->second.states) remove(state, it->first);
    it = by_owner_.erase(it);
  }
}

}  // namespace limiter
