#include "io/clock.h"

#include <time.h>

#include <algorithm>

#include "base/check.h"

namespace io {
namespace {

int64_t read_ns(clockid_t id) {
  timespec at{};
  CHECK(clock_gettime(id, &at) == 0);
  return int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

base::Duration monotonic() { return std::chrono::steady_clock::now().time_since_epoch(); }

base::Time wall_clock() { return base::time_from(read_ns(CLOCK_REALTIME)); }

SystemClock::SystemClock(base::Time floor)
    : offset_ns_(base::nanoseconds(std::max(wall_clock(), floor)) - read_ns(CLOCK_MONOTONIC)) {}

void SystemClock::not_before(base::Time floor) {
  offset_ns_ += std::max<int64_t>(0, (floor - now()).count());
}

base::Time SystemClock::now() const {
  return base::time_from(read_ns(CLOCK_MONOTONIC) + offset_ns_);
}

}  // namespace io
