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
// Time that goes back: the TAT only lies further ahead, so less is allowed, never more.
// State: 16 bytes. An idle state (TAT <= now) equals an absent one.
//
// An instant lies in [0, 2^62) nanoseconds (until the year 2116), also the one that lies a whole
// tolerance ahead: TAT = instant + tolerance fits.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "base/wide.h"
#include "limit/arithmetic.h"
#include "limit/decision.h"
#include "limit/rate.h"

namespace limit {

struct GcraState {
  int64_t tat = 0;    // Nanoseconds since the epoch; 0 is "idle".
  uint64_t part = 0;  // u-ths of a nanosecond, in [0, u).
  friend bool operator==(const GcraState&, const GcraState&) = default;
};

// Thread: any (immutable). One cache line, trivially copyable.
class Gcra {
 public:
  // Errors: field "rate" if count or period is not above 0; "burst" if below 1 or if
  // burst · period / count is over kToleranceMax.
  static base::Result<Gcra> make(Rate rate, int64_t burst);

  static constexpr base::Duration kToleranceMax{int64_t{1} << 61};  // 73 years.

  int64_t burst() const { return burst_; }
  Rate rate() const {
    return {static_cast<int64_t>(u_ * common_), base::Duration(static_cast<int64_t>(v_ * common_))};
  }

  // cost >= 0; 0 is a peek: allowed if nothing is owed beyond the tolerance, charges nothing.
  Proposal<GcraState> check(GcraState state, base::Time now, int64_t cost) const;

  // Charges what check() would refuse: up to `overdraft` units beyond the burst (COMMIT of a cost
  // above the reserved one). Writes how many units were charged: the cost, or as many as fitted
  // (the TAT is never more than kToleranceMax ahead).
  GcraState charge_over(GcraState state, base::Time now, int64_t cost, int64_t overdraft,
                        int64_t& charged) const;

  // Gives back `cost` units that were charged at `charged`, less what has leaked back since:
  // exactly max(0, cost - elapsed · rate) units, fractions included. That is never more than the
  // charge still weighs, so P2 holds with the units counted as never admitted.
  // That is exact if no charge was later than `now`. Where clocks differ and one was, by a time s,
  // at most s · rate units too many return, once for each call.
  GcraState give_back(GcraState state, base::Time charged, int64_t cost, base::Time now) const;

  // An exact charge taken over from another law when a limit changes: `used` units are in use now.
  GcraState with_used(int64_t used, base::Time now) const;
  int64_t used(GcraState state, base::Time now) const;  // Rounded up.

  // The same instant as a state of this law, when the state came from a law that is not known.
  GcraState fitted(GcraState state) const { return {state.tat, std::min(state.part, u_ - 1)}; }

  static bool idle(GcraState state, base::Time now) {
    const int64_t at = base::nanoseconds(now);
    return state.tat < at || (state.tat == at && state.part == 0);
  }

  friend bool operator==(const Gcra&, const Gcra&) = default;

 private:
  struct Span {  // whole + part / u nanoseconds. Unsigned: a sum of two spans may pass 2^63.
    uint64_t whole = 0;
    uint64_t part = 0;
    friend auto operator<=>(const Span&, const Span&) = default;
  };

  Gcra(Rate rate, int64_t burst_units);

  static Span ahead(GcraState state, base::Time now) {
    if (state.tat < base::nanoseconds(now)) return {};
    return {static_cast<uint64_t>(state.tat) - static_cast<uint64_t>(base::nanoseconds(now)),
            state.part};
  }
  static GcraState at(base::Time now, Span span) {
    return {base::nanoseconds(now) + static_cast<int64_t>(span.whole), span.part};
  }
  static base::Duration rounded_up(Span span) {
    return base::Duration(static_cast<int64_t>(span.whole + (span.part != 0)));
  }
  Span sum(Span a, Span b) const {
    const uint64_t part = a.part + b.part;
    const bool carry = part >= u_;
    return {a.whole + b.whole + carry, carry ? part - u_ : part};
  }
  Span difference(Span a, Span b) const {  // REQUIRES: a >= b.
    const bool borrow = a.part < b.part;
    return {a.whole - b.whole - borrow, a.part - b.part + (borrow ? u_ : 0)};
  }
  Span of_units(uint64_t units) const;  // REQUIRES: units · v / u < 2^63.
  uint64_t units_in(Span span) const;   // Rounded down; at most kUnitsMax.
  uint64_t units_max() const;           // How many fit into kToleranceMax.

  int64_t burst_;
  uint64_t u_;  // u units per v nanoseconds, without a common divisor.
  uint64_t v_;
  uint64_t common_;    // rate = u · common / v · common.
  uint64_t per_unit_;  // v / u, rounded down.
  Span tolerance_;
};

inline Gcra::Span Gcra::of_units(uint64_t units) const {
  if (u_ == 1) return {units * v_, 0};
  const uint64_t rest = v_ - per_unit_ * u_;
  if (units == 1) return {per_unit_, rest};
  uint64_t parts = 0;
  if (!__builtin_mul_overflow(units, rest, &parts)) {
    return {units * per_unit_ + parts / u_, parts % u_};
  }
  const base::Uint128 wide = static_cast<base::Uint128>(units) * rest;
  return {units * per_unit_ + static_cast<uint64_t>(wide / u_), static_cast<uint64_t>(wide % u_)};
}

inline uint64_t Gcra::units_in(Span span) const {
  if (u_ == 1) return span.whole / v_;
  const base::Uint128 parts = static_cast<base::Uint128>(span.whole) * u_ + span.part;
  if (static_cast<uint64_t>(parts >> 64) == 0) return static_cast<uint64_t>(parts) / v_;
  return static_cast<uint64_t>(std::min(parts / v_, static_cast<base::Uint128>(kUnitsMax)));
}

inline Proposal<GcraState> Gcra::check(GcraState state, base::Time now, int64_t cost) const {
  const Span before = ahead(state, now);
  const bool fits_ever = cost <= burst_;
  const Span after = fits_ever ? sum(before, of_units(static_cast<uint64_t>(cost))) : before;
  if (fits_ever && after <= tolerance_) [[likely]] {
    const auto remaining = static_cast<int64_t>(units_in(difference(tolerance_, after)));
    return {{true, burst_, remaining, {}, rounded_up(after)}, cost == 0 ? state : at(now, after)};
  }
  const auto remaining = before < tolerance_
                             ? static_cast<int64_t>(units_in(difference(tolerance_, before)))
                             : int64_t{0};
  const base::Duration retry = fits_ever ? rounded_up(difference(after, tolerance_)) : kNever;
  return {{false, burst_, remaining, retry, rounded_up(before)}, state};
}

}  // namespace limit
