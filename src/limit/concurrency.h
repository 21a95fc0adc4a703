// Concurrency: at most `cap` holds at a time. A hold is one unit, has an id, and ends when it is
// released or when its time is over, whichever is first; so a holder that vanished leaks nothing.
//
// Bound (P2): at no instant more than `cap` holds.
// State: 16 bytes a hold.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "limit/decision.h"

namespace limit {

class HoldState {
 public:
  size_t bytes() const;
};

class Concurrency {
 public:
  static constexpr int64_t kCapMax = 1'000'000;
  // `ttl_max` bounds the time of one hold (> 0).
  static base::Result<Concurrency> make(int64_t cap, base::Duration ttl_max);
  int64_t cap() const;
  base::Duration ttl_max() const;

  // Would `holds` more fit? retry_after: when enough of them end by themselves.
  Decision check(const HoldState& state, base::Time now, int64_t holds) const;
  // REQUIRES: check() allowed it. A hold that has the id already counts once.
  void take(HoldState& state, base::Time now, uint64_t id, base::Time until) const;
  bool renew(HoldState& state, base::Time now, uint64_t id, base::Time until) const;  // False: ended.
  bool release(HoldState& state, base::Time now, uint64_t id) const;
  int64_t used(const HoldState& state, base::Time now) const;
  bool idle(const HoldState& state, base::Time now) const;
};

}  // namespace limit
