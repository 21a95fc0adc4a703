#include "limiter/watchers.h"

#include <bit>

#include "base/check.h"

namespace limiter {

void Watchers::watch(base::Hash128 state, uint32_t watcher) {
  CHECK(watcher < kMax);
  Stripe& stripe = stripe_of(state);
  base::Guard guard(stripe.lock);
  uint64_t& mask = stripe.masks[state];
  if (mask == 0) count_.fetch_add(1, std::memory_order_relaxed);
  mask |= uint64_t{1} << watcher;
}

void Watchers::unwatch(base::Hash128 state, uint32_t watcher) {
  CHECK(watcher < kMax);
  Stripe& stripe = stripe_of(state);
  base::Guard guard(stripe.lock);
  const auto found = stripe.masks.find(state);
  if (found == stripe.masks.end()) return;
  found->second &= ~(uint64_t{1} << watcher);
  if (found->second != 0) return;
  stripe.masks.erase(found);
  count_.fetch_sub(1, std::memory_order_relaxed);
}

void Watchers::tell_all(base::Hash128 state) const {
  uint64_t mask = 0;
  {
    const Stripe& stripe = stripe_of(state);
    base::Guard guard(stripe.lock);
    const auto found = stripe.masks.find(state);
    if (found != stripe.masks.end()) mask = found->second;
  }
  if (!freed_) return;
  for (; mask != 0; mask &= mask - 1) freed_(static_cast<uint32_t>(std::countr_zero(mask)), state);
}

}  // namespace limiter
