// Sliding window log: every charge with its instant; exact.
//
// Bound (P2): never N + 1 units in any interval [t, t + W): a charge at t leaves at t + W.
// State: 16 bytes a charge with an instant of its own (charges of one instant share an entry), at
// most N entries; N is bounded by kCountMax.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/result.h"
#include "base/time.h"
#include "limit/decision.h"
#include "limit/rate.h"

namespace limit {

// Not small: it is changed in place, by the functions of SlidingLog only.
class LogState {
 public:
  size_t bytes() const;  // Heap in use, for the table's memory bound.
};

class SlidingLog {
 public:
  static constexpr int64_t kCountMax = 1'000'000;
  static base::Result<SlidingLog> make(Rate rate);
  int64_t count() const;
  Decision check(const LogState& state, base::Time now, int64_t cost) const;
  // REQUIRES: check() of the same arguments allowed it.
  void charge(LogState& state, base::Time now, int64_t cost) const;
  int64_t charge_over(LogState& state, base::Time now, int64_t cost, int64_t overdraft) const;
  void give_back(LogState& state, base::Time charged, int64_t cost, base::Time now) const;
  LogState with_used(int64_t used, base::Time now) const;  // All of it as used just now.
  int64_t used(const LogState& state, base::Time now) const;
  bool idle(const LogState& state, base::Time now) const;
};

}  // namespace limit
