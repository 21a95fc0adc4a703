// For the tests of this room: random histories, and the bounds counted by brute force over every
// interval that begins and ends at a charge (no other interval can hold more).
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include <rapidcheck.h>

#include "base/time.h"
#include "base/wide.h"
#include "limit/decision.h"
#include "limit/rate.h"

namespace limit {

inline constexpr int64_t kStart = 1'750'000'000'123'456'789;  // An instant in June 2025.

struct Charge {
  int64_t at = 0;
  int64_t units = 0;
};
using History = std::vector<Charge>;

inline History by_time(History history) {
  std::ranges::stable_sort(history, {}, &Charge::at);
  return history;
}

// Never more than burst + rate · t in an interval of length t.
inline bool keeps(const History& unsorted, Rate rate, base::Int128 burst) {
  const History history = by_time(unsorted);
  for (size_t first = 0; first < history.size(); ++first) {
    base::Int128 units = 0;
    for (size_t last = first; last < history.size(); ++last) {
      units += history[last].units;
      const base::Int128 length = history[last].at - history[first].at;
      if ((units - burst) * rate.period.count() > length * rate.count) return false;
    }
  }
  return true;
}

// The most units in any half-open interval [t, t + length).
inline int64_t most_within(const History& unsorted, base::Duration length) {
  const History history = by_time(unsorted);
  int64_t most = 0;
  for (size_t first = 0; first < history.size(); ++first) {
    int64_t units = 0;
    for (size_t last = first; last < history.size(); ++last) {
      if (history[last].at - history[first].at >= length.count()) break;
      units += history[last].units;
    }
    most = std::max(most, units);
  }
  return most;
}

struct Step {
  int64_t wait = 0;  // Since the step before.
  int64_t cost = 0;
  uint8_t choice = 0;  // What else a test may do in a step.
};

inline void showValue(const Step& step, std::ostream& os) {  // RapidCheck's name.
  os << "{wait " << step.wait << ", cost " << step.cost << ", choice " << int{step.choice} << "}";
}

// Waits of nothing, of a few nanoseconds and of up to `wait_max`.
inline rc::Gen<std::vector<Step>> steps(int64_t wait_max, int64_t cost_max) {
  using rc::gen::inRange;
  const auto wait = rc::gen::oneOf(rc::gen::just<int64_t>(0), inRange<int64_t>(0, 4),
                                   inRange<int64_t>(0, wait_max + 1));
  return rc::gen::container<std::vector<Step>>(rc::gen::construct<Step>(
      wait, inRange<int64_t>(0, cost_max + 1), rc::gen::arbitrary<uint8_t>()));
}

inline rc::Gen<Rate> rates(int64_t count_min) {
  using rc::gen::inRange;
  const auto count =
      rc::gen::oneOf(inRange<int64_t>(count_min, 20), inRange<int64_t>(count_min, 1'000'000));
  const auto period =
      rc::gen::oneOf(inRange<int64_t>(1, 50), inRange<int64_t>(1, 2'000'000'000),
                     rc::gen::elementOf(std::vector<int64_t>{1'000'000'000, 10'000'000'000}));
  return rc::gen::apply(
      [](int64_t n, int64_t p) {
        return Rate{n, base::Duration(p)};
      },
      count, period);
}

}  // namespace limit
