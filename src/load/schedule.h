// When requests of an open loop are due: at a steady rate from the beginning on, whatever has been
// answered. A latency counts from the instant when its request was due, not from when it was sent:
// if the server (or this client) stalls, the requests that had to wait show it. Counting from the
// send would omit them (coordinated omission).
#pragma once
#include <cstdint>

#include "base/time.h"
#include "base/wide.h"

namespace load {

class Schedule {
 public:
  Schedule() = default;
  // `per_second` > 0 requests, `batch` > 0 of them at a time.
  Schedule(base::Time begin, uint64_t per_second, uint64_t batch)
      : begin_(begin), per_second_(per_second), batch_(batch) {}
  // Of the batch of this number. Exact to the nanosecond, rounded down: nothing drifts.
  base::Time due(uint64_t number) const {
    const base::Uint128 ns = base::Uint128{number} * batch_ * 1'000'000'000u / per_second_;
    return begin_ + base::Duration(static_cast<int64_t>(ns));
  }

 private:
  base::Time begin_{};
  uint64_t per_second_ = 1, batch_ = 1;
};

}  // namespace load
