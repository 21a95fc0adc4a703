// Exact integer arithmetic that more than one law needs. Private to the room.
#pragma once
#include <cstdint>
#include <limits>

#include "base/wide.h"

namespace limit {

inline constexpr int64_t kUnitsMax = std::numeric_limits<int64_t>::max();

// REQUIRES: a, b >= 0.
constexpr int64_t saturated_sum(int64_t a, int64_t b) {
  return a > kUnitsMax - b ? kUnitsMax : a + b;
}

// The largest multiple of `step` that is at most `value`; also below zero.
constexpr int64_t floor_to(int64_t value, int64_t step) {
  const int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

// a · b / c, rounded down or up, at most kUnitsMax. REQUIRES: c > 0.
constexpr uint64_t scaled_down(uint64_t a, uint64_t b, uint64_t c) {
  const base::Uint128 product = static_cast<base::Uint128>(a) * b;
  if (static_cast<uint64_t>(product >> 64) == 0) return static_cast<uint64_t>(product) / c;
  const base::Uint128 quotient = product / c;
  return quotient > static_cast<uint64_t>(kUnitsMax) ? static_cast<uint64_t>(kUnitsMax)
                                                     : static_cast<uint64_t>(quotient);
}
constexpr uint64_t scaled_up(uint64_t a, uint64_t b, uint64_t c) {
  const base::Uint128 product = static_cast<base::Uint128>(a) * b + (c - 1);
  if (static_cast<uint64_t>(product >> 64) == 0) return static_cast<uint64_t>(product) / c;
  const base::Uint128 quotient = product / c;
  return quotient > static_cast<uint64_t>(kUnitsMax) ? static_cast<uint64_t>(kUnitsMax)
                                                     : static_cast<uint64_t>(quotient);
}

}  // namespace limit
