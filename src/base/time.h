// Time as values. Nothing below `io/` may ask what time it is; it is told.
//
// There is one time in the process: nanoseconds since the Unix epoch, taken from the wall clock
// once at the start and carried on by the monotonic clock, so that it never runs backwards. An
// instant fits until the year 2262, and every span that a limit may have is bounded below that
// (limit/gcra.h), so sums of an instant and a span do not overflow.
#pragma once
#include <chrono>
#include <cstdint>

namespace base {

using Duration = std::chrono::nanoseconds;

struct ProcessTime {  // A tag in the shape of a std::chrono clock; it cannot be asked for now().
  using rep = int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<ProcessTime>;
  static constexpr bool is_steady = true;
};
using Time = ProcessTime::time_point;

constexpr int64_t nanoseconds(Time t) { return t.time_since_epoch().count(); }
constexpr Time time_from(int64_t nanoseconds) { return Time(Duration(nanoseconds)); }

// Whole milliseconds, rounded up: a hint in milliseconds must never be early.
// REQUIRES: d >= 0.
constexpr int64_t ceil_ms(Duration d) {
  return d.count() / 1'000'000 + (d.count() % 1'000'000 != 0);
}

}  // namespace base
