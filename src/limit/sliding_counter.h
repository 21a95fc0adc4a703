// Sliding window counter: two aligned windows; the older one counts with the share of it that the
// sliding window still covers. Source: Cloudflare 2017, "How we built rate limiting capable of
// scaling to millions of domains".
//
// Estimate at e into the window: previous · (W - e) / W + current; allowed while estimate + cost
// <= N, compared exactly (products in 128 bits).
// Bound (P2): N in every aligned window; below 2 N in any interval of length W, about N when
// arrivals are even. It is an estimate: who needs "never N + 1 in any W" takes the sliding log.
// State: 24 bytes.
#pragma once
#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "limit/decision.h"
#include "limit/rate.h"

namespace limit {

struct CounterState {
  int64_t start = 0;     // Of the current window.
  int64_t current = 0;   // Units in it.
  int64_t previous = 0;  // Units in the window before it.
};

class SlidingCounter {
 public:
  static base::Result<SlidingCounter> make(Rate rate);
  int64_t count() const;
  Proposal<CounterState> check(CounterState state, base::Time now, int64_t cost) const;
  CounterState charge_over(CounterState state, base::Time now, int64_t cost, int64_t overdraft,
                           int64_t& charged) const;
  CounterState give_back(CounterState state, base::Time charged, int64_t cost,
                         base::Time now) const;
  CounterState with_used(int64_t used, base::Time now) const;
  int64_t used(CounterState state, base::Time now) const;
  bool idle(CounterState state, base::Time now) const;
};

}  // namespace limit
