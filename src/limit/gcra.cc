#include "limit/gcra.h"

#include <numeric>
#include <type_traits>

namespace limit {

static_assert(sizeof(GcraState) == 16);
static_assert(sizeof(Gcra) <= 64 && std::is_trivially_copyable_v<Gcra>);

base::Result<Gcra> Gcra::make(Rate rate, int64_t burst) {
  if (rate.count <= 0) return base::invalid("the count of a rate must be above 0", "rate");
  if (rate.period.count() <= 0)
    return base::invalid("the period of a rate must be above 0", "rate");
  if (burst < 1) return base::invalid("burst must be at least 1", "burst");
  // In whole numbers: burst · period <= kToleranceMax · count.
  if (base::Int128{burst} * rate.period.count() >
      base::Int128{kToleranceMax.count()} * rate.count) {
    return base::invalid("burst " + std::to_string(burst) + " at " + to_string(rate) +
                             " would take over 73 years to leak away",
                         "burst");
  }
  return Gcra(rate, burst);
}

Gcra::Gcra(Rate rate, int64_t burst_units) : burst_(burst_units) {
  common_ = static_cast<uint64_t>(std::gcd(rate.count, rate.period.count()));
  u_ = static_cast<uint64_t>(rate.count) / common_;
  v_ = static_cast<uint64_t>(rate.period.count()) / common_;
  per_unit_ = v_ / u_;
  tolerance_ = of_units(static_cast<uint64_t>(burst_));
}

uint64_t Gcra::units_max() const {
  return scaled_down(static_cast<uint64_t>(kToleranceMax.count()), u_, v_);
}

GcraState Gcra::charge_over(GcraState state, base::Time now, int64_t cost, int64_t overdraft,
                            int64_t& charged) const {
  const Span before = ahead(state, now);
  const auto most = static_cast<uint64_t>(saturated_sum(burst_, overdraft));
  const Span bound = of_units(std::min(most, units_max()));
  const uint64_t room = before < bound ? units_in(difference(bound, before)) : 0;
  charged = static_cast<int64_t>(std::min(static_cast<uint64_t>(cost), room));
  if (charged == 0) return state;
  return at(now, sum(before, of_units(static_cast<uint64_t>(charged))));
}

GcraState Gcra::give_back(GcraState state, base::Time charged, int64_t cost, base::Time now) const {
  const Span elapsed{now > charged ? static_cast<uint64_t>((now - charged).count()) : 0, 0};
  const Span weight = of_units(std::min(static_cast<uint64_t>(cost), units_max()));
  if (weight <= elapsed) return state;
  // Without the charge the TAT would be lower by its weight, less the time for which that lower TAT
  // would have been pulled along by now; that is at most the time elapsed.
  const Span back = difference(weight, elapsed);
  const Span before = ahead(state, now);
  if (before <= back) return {};
  return at(now, difference(before, back));
}

GcraState Gcra::with_used(int64_t used, base::Time now) const {
  if (used <= 0) return {};
  return at(now, of_units(std::min(static_cast<uint64_t>(used), units_max())));
}

int64_t Gcra::used(GcraState state, base::Time now) const {
  const Span span = ahead(state, now);
  const uint64_t whole = units_in(span);
  if (whole == static_cast<uint64_t>(kUnitsMax)) return kUnitsMax;
  const bool exact = span <= of_units(whole);
  return static_cast<int64_t>(whole + !exact);
}

}  // namespace limit
