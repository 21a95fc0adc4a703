// How much of a load is still to be asked for, and which number each request has. One object for
// all threads.
//
// Thread: any.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

namespace load {

class Claims {
 public:
  // `count` 0: without end. `by_done`: what was done counts, not what was asked for.
  Claims(uint64_t count, bool by_done) : count_(count), by_done_(by_done) {}

  struct Range {
    uint64_t first = 0, size = 0;
  };
  Range take(uint64_t wanted) {  // Empty: no more.
    if (exhausted()) return {};
    const uint64_t first = next_.fetch_add(wanted, std::memory_order_relaxed);
    if (count_ == 0 || by_done_) return {first, wanted};
    return {first, first >= count_ ? 0 : std::min(wanted, count_ - first)};
  }
  void done(uint64_t operations) { done_.fetch_add(operations, std::memory_order_relaxed); }
  bool exhausted() const {
    if (count_ == 0) return false;
    return (by_done_ ? done_ : next_).load(std::memory_order_relaxed) >= count_;
  }

 private:
  const uint64_t count_;
  const bool by_done_;
  std::atomic<uint64_t> next_{0}, done_{0};
};

}  // namespace load
