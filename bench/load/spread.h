// How spans are spread: 64 steps for each doubling, so a percentile is at most 1.6 % too high.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace load {

class Spread {
 public:
  void add(int64_t nanoseconds, uint64_t times = 1) {
    const auto value = static_cast<uint64_t>(std::max<int64_t>(nanoseconds, 0));
    steps_[step_of(value)] += times;
    count_ += times;
    longest_ = std::max(longest_, value);
  }
  uint64_t count() const { return count_; }
  double longest_us() const { return static_cast<double>(longest_) / 1e3; }
  double at_us(double share) const {
    const auto rank = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t passed = 0;
    for (size_t i = 0; i < steps_.size(); ++i) {
      passed += steps_[i];
      if (passed > rank) return static_cast<double>(std::min(end_of(i), longest_)) / 1e3;
    }
    return longest_us();
  }

 private:
  static constexpr uint64_t kSteps = 64;
  static size_t step_of(uint64_t value) {
    if (value < kSteps) return value;
    const auto shift = static_cast<uint64_t>(std::bit_width(value / kSteps)) - 1;
    return kSteps * shift + (value >> shift);
  }
  static uint64_t end_of(size_t step) {
    if (step < 2 * kSteps) return step;
    const uint64_t shift = step / kSteps - 1;
    return ((step % kSteps + kSteps + 1) << shift) - 1;
  }

  std::array<uint64_t, kSteps * 60> steps_{};
  uint64_t count_ = 0, longest_ = 0;
};

}  // namespace load
