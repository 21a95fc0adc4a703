// Instants of the steady clock, in nanoseconds, and when batches at a steady rate are due.
#pragma once
#include <chrono>
#include <cstdint>

namespace load {

inline int64_t steady_now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

struct Schedule {
  int64_t begin;
  double each_ns;  // Between two batches.
  int64_t due(uint64_t batch) const {
    return begin + static_cast<int64_t>(each_ns * static_cast<double>(batch));
  }
};

}  // namespace load
