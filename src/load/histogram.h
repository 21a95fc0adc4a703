// How spans are spread: a log-linear (HDR) histogram of nanoseconds.
//
//   0 1 2 … 511 | 512-513 514-515 … | 1024-1027 … | … | below 2^42 (73 minutes), and all above
//
// Values below 512 are exact; above, 256 steps for each doubling, so that a quantile is never below
// the true one and above it by less than 1/256 (0.4 %). Memory: 70 KB.
//
// Thread: one owner.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace load {

class Histogram {
 public:
  static constexpr unsigned kStepBits = 8;
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
  static constexpr unsigned kTopBits = 42;
  static constexpr size_t kBuckets = (kTopBits - kStepBits + 1) * kSteps;

  // Below 0 counts as 0.
  void add(int64_t value, uint64_t times = 1) {
    const auto positive = static_cast<uint64_t>(std::max<int64_t>(value, 0));
    buckets_[bucket_of(positive)] += times;
    count_ += times;
    sum_ += static_cast<double>(positive) * static_cast<double>(times);
    least_ = std::min(least_, positive);
    most_ = std::max(most_, positive);
  }
  void merge(const Histogram& other);

  uint64_t count() const { return count_; }
  int64_t least() const { return count_ == 0 ? 0 : static_cast<int64_t>(least_); }
  int64_t most() const { return static_cast<int64_t>(most_); }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  // The least value that at least this share (0 … 1) of all are at most, as the upper end of its
  // step; 0 if there is none.
  int64_t at(double share) const;

  static size_t bucket_of(uint64_t value);
  static uint64_t bucket_top(size_t bucket);  // The greatest value that is counted there.

 private:
  std::vector<uint64_t> buckets_ = std::vector<uint64_t>(kBuckets);
  uint64_t count_ = 0, least_ = ~uint64_t{0}, most_ = 0;
  double sum_ = 0;
};

}  // namespace load
