// Sliding window log: every charge with its instant; exact.
//
// Bound (P2): never N + 1 units in any interval [t, t + W): a charge at t leaves at t + W.
// Rounding: none; retry_after and reset_after are exact.
// Time that goes back: the law stays at the instant of the last charge.
// State: 16 bytes a charge with an instant of its own (charges of one instant share an entry), at
// most N entries in a ring of at most twice that; N is bounded by kCountMax.
// Cost: check() two binary searches, charge() amortised constant, give_back() the entries after it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "limit/decision.h"
#include "limit/log_state.h"
#include "limit/rate.h"

namespace limit {

// Thread: any (immutable); a state is its owner's.
class SlidingLog {
 public:
  // A ring that grows is copied whole while others wait for its lock: 1.6 MB at this count, well
  // under a millisecond. Above it, a counter or GCRA is as good an answer.
  static constexpr int64_t kCountMax = 100'000;
  // Errors: field "rate" if the count is not in [0, kCountMax] or the period not in
  // (0, kWindowMax]. rate.count 0: always over the limit, a peek included.
  static base::Result<SlidingLog> make(Rate rate);
  int64_t count() const { return rate_.count; }
  Rate rate() const { return rate_; }

  // cost >= 0; 0 is a peek: allowed unless an overdraft went beyond N.
  Decision check(const LogState& state, base::Time now, int64_t cost) const;
  // REQUIRES: check() of the same arguments allowed it. What has left the window is dropped here.
  void charge(LogState& state, base::Time now, int64_t cost) const;
  // Bytes that a charge at `now` would add to state.bytes().
  size_t growth(const LogState& state, base::Time now) const;
  // Charges what check() would refuse, up to N + overdraft in the window. Returns how many units.
  int64_t charge_over(LogState& state, base::Time now, int64_t cost, int64_t overdraft) const;
  // Gives units back to the charge of that instant, while it is in the window; else nothing.
  void give_back(LogState& state, base::Time charged, int64_t cost, base::Time now) const;
  LogState with_used(int64_t used, base::Time now) const;  // All of it as used just now.
  int64_t used(const LogState& state, base::Time now) const;
  bool idle(const LogState& state, base::Time now) const { return used(state, now) == 0; }

  friend bool operator==(const SlidingLog&, const SlidingLog&) = default;

 private:
  explicit SlidingLog(Rate rate) : rate_(rate) {}
  int64_t at(const LogState& state, base::Time now) const;         // max(now, last charge).
  size_t first_live(const LogState& state, base::Time now) const;  // The first in the window.

  Rate rate_;
};

}  // namespace limit
