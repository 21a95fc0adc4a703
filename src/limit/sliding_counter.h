// Sliding window counter: two aligned windows; the older one counts with the share of it that the
// sliding window still covers. Source: Cloudflare 2017, "How we built rate limiting capable of
// scaling to millions of domains".
//
// Estimate at e into the window: previous · (W - e) / W + current; allowed while estimate + cost
// <= N, compared exactly (products in 128 bits).
// Bound (P2): N in every aligned window; below 2 N in any interval of length W, about N when
// arrivals are even. It is an estimate: who needs "never N + 1 in any W" takes the sliding log.
// Rounding of answers: remaining down, retry_after up.
// Time that goes back: never before the start of the state's window; within it the older window
// only weighs more.
// State: 24 bytes. A state of windows that are over equals an absent one.
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
  friend bool operator==(const CounterState&, const CounterState&) = default;
};

// Thread: any (immutable).
class SlidingCounter {
 public:
  // Errors: field "rate" if the count is below 0 or the period is not in (0, kWindowMax].
  // rate.count 0: always over the limit, a peek included.
  static base::Result<SlidingCounter> make(Rate rate);
  int64_t count() const { return rate_.count; }
  Rate rate() const { return rate_; }

  // cost >= 0; 0 is a peek: allowed unless an overdraft went beyond N; charges nothing.
  Proposal<CounterState> check(CounterState state, base::Time now, int64_t cost) const;

  // Charges what check() would refuse, up to an estimate of N + overdraft.
  CounterState charge_over(CounterState state, base::Time now, int64_t cost, int64_t overdraft,
                           int64_t& charged) const;

  // Gives units back to the window they were charged in, if it is the current or the previous one.
  CounterState give_back(CounterState state, base::Time charged, int64_t cost,
                         base::Time now) const;
  CounterState with_used(int64_t used, base::Time now) const;  // As used in the current window.
  int64_t used(CounterState state, base::Time now) const;      // The estimate, rounded up.
  bool idle(CounterState state, base::Time now) const;

  friend bool operator==(const SlidingCounter&, const SlidingCounter&) = default;

 private:
  explicit SlidingCounter(Rate rate) : rate_(rate) {}
  int64_t window() const { return rate_.period.count(); }
  CounterState moved(CounterState state, base::Time now) const;       // Brought up to now.
  int64_t estimate(const CounterState& moved, base::Time now) const;  // Rounded up.
  base::Duration wait(const CounterState& moved, base::Time now, int64_t cost) const;
  base::Duration until_idle(const CounterState& moved, base::Time now) const;

  Rate rate_;
};

}  // namespace limit
