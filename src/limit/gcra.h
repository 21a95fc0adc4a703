// GCRA, which is also the token bucket and the leaky bucket: one law, one instant of state.
//
// Source: ITU-T I.371 (virtual scheduling). State is the theoretical arrival time (TAT): when the
// key would be exactly on schedule if it sent one unit every `period / count`. A cost is allowed
// while the new TAT is at most `burst · period / count` ahead of now.
//
// Bound (P2): in any interval of length t at most burst + t · count / period units.
// Exact: with the rate reduced to u units per v nanoseconds, the TAT is kept as whole nanoseconds
// and a part in [0, u) that counts u-ths of a nanosecond. Nothing is rounded, so nothing drifts.
// Rounding of answers: remaining down, retry_after and reset_after up.
// State: 16 bytes. An idle state (TAT <= now) equals an absent one.
#pragma once
#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "limit/decision.h"
#include "limit/rate.h"

namespace limit {

struct GcraState {
  int64_t tat = 0;    // Nanoseconds since the epoch; 0 is "idle".
  uint64_t part = 0;  // u-ths of a nanosecond, in [0, u).
};

// Thread: any (immutable).
class Gcra {
 public:
  // Errors: field "rate" if count or period is not above 0; "burst" if below 1 or if
  // burst · period / count is over kToleranceMax.
  static base::Result<Gcra> make(Rate rate, int64_t burst);

  static constexpr base::Duration kToleranceMax{int64_t{1} << 62};  // 146 years.

  int64_t burst() const { return burst_; }
  Rate rate() const { return rate_; }

  // cost >= 0; 0 is a peek: allowed if at least nothing is owed beyond the tolerance, charges nothing.
  Proposal<GcraState> check(GcraState state, base::Time now, int64_t cost) const;

  // Charges what check() would refuse: up to `overdraft` units beyond the burst (COMMIT of a cost
  // above the reserved one). Writes how many units were charged: the cost, or as many as fitted.
  GcraState charge_over(GcraState state, base::Time now, int64_t cost, int64_t overdraft,
                        int64_t& charged) const;

  // Gives back `cost` units that were charged at `charged`, less what has leaked back since:
  // at most max(0, cost - floor(elapsed · rate)), so that P2 still holds.
  GcraState give_back(GcraState state, base::Time charged, int64_t cost, base::Time now) const;

  // An exact charge taken over from another law when a limit changes: `used` units are in use now.
  GcraState with_used(int64_t used, base::Time now) const;
  int64_t used(GcraState state, base::Time now) const;  // Rounded up.

  static bool idle(GcraState state, base::Time now) {
    return state.tat < base::nanoseconds(now) || (state.tat == base::nanoseconds(now) && state.part == 0);
  }
};

}  // namespace limit
