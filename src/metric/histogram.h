// Log-linear histograms: eight buckets for each power of two, so that a value is known to within an
// eighth of itself whatever its size.
//
//   0 1 2 ... 15 | 16-17 18-19 ... 30-31 | 32-35 ... 60-63 | ... | below 2^41, and all above
//
// (2^41 nanoseconds are 36 minutes.) A thread's counts are its own 2.5 KB, made when it records for
// the first time.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "metric/counter.h"

namespace metric {

// Thread: any.
class Histogram {
 public:
  static constexpr unsigned kTopBit = 40;
  static constexpr size_t kBuckets = (kTopBit - 1) * 8;

  Histogram() = default;
  ~Histogram();
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  void record(int64_t value);  // Below 0 counts as 0.

  struct Snapshot {
    std::array<uint64_t, kBuckets> counts{};
    uint64_t count = 0;
    uint64_t sum = 0;  // Of the values as they were recorded.

    // How many values are certainly at most `bound`: the whole buckets up to it.
    uint64_t at_most(int64_t bound) const;
    // The upper end of the bucket that holds the value of rank ceil(share * count); 0 if none.
    int64_t quantile(double share) const;
  };
  Snapshot snapshot() const;

  static size_t bucket_of(int64_t value);
  static int64_t bucket_top(size_t bucket);  // The largest value that is counted there.

 private:
  struct alignas(64) Counts {
    std::array<std::atomic<uint64_t>, kBuckets> buckets{};
    std::atomic<uint64_t> sum{0};
  };
  Counts& counts();

  std::array<std::atomic<Counts*>, kSlots> slots_{};
};

}  // namespace metric
