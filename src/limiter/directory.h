// Which segment a key lives in: linear hashing (W. Litwin, "Linear hashing: a new tool for file and
// table addressing", VLDB 1980). The number of segments grows and shrinks by one:
//
//   n = 2^L + s segments: a hash belongs to the one that its low L + 1 bits name, if there is such,
//   else to the one that its low L bits name. Growing splits segment s into s and n.
//
//   n = 6, L = 2, s = 2       0  1  2  3 | 4  5        next: 2 is split into 2 and 6
//                             ^split     | ^their other halves
//
// Headers and windows of all segments lie in two reserved regions and never move.
//
// Thread: any. The number is read without a lock, so a caller locks the segment and looks again:
// while a segment is locked, no key moves into or out of it.
#pragma once
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/mutex.h"
#include "limiter/region.h"
#include "limiter/segment.h"

namespace limiter {

class Directory {
 public:
  static constexpr size_t kSegmentsMin = 16;

  explicit Directory(size_t segments_max);
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  size_t segments() const { return mapping_.load(std::memory_order_acquire) & kCountMask; }
  size_t segments_max() const { return segments_max_; }
  size_t index(uint64_t low) const { return index(low, mapping_.load(std::memory_order_acquire)); }
  Segment& at(size_t index) const { return segments_[index]; }
  Segment& of(uint64_t low) const { return segments_[index(low)]; }

  // Locks and returns the segment of a key. The analysis cannot name a lock that is returned.
  Segment& lock(uint64_t low) const NO_THREAD_SAFETY_ANALYSIS;

  // The two segments that the next split, or merge, concerns: the lower number first, so that locks
  // are taken in order. REQUIRES of all four: one caller at a time.
  struct Pair {
    Segment& low;
    Segment& high;
    uint64_t bit;  // Keys with this bit of the hash belong to `high` when there are both.
  };
  Pair next_split();  // REQUIRES: segments() < segments_max().
  Pair next_merge();  // REQUIRES: segments() > kSegmentsMin.
  // REQUIRES: both are locked, and the slots are where they belong from now on.
  void publish_split() { publish(segments() + 1); }
  void publish_merge() { publish(segments() - 1); }

 private:
  // One word: mask of L + 1 bits above, number of segments below, so that both are read at once.
  static constexpr uint64_t kCountMask = 0xffff'ffff;

  static size_t index(uint64_t low, uint64_t mapping);
  void construct(size_t segments);
  void publish(size_t segments);

  Region headers_;
  Region windows_;
  Segment* const segments_;
  size_t segments_max_;
  size_t constructed_ = 0;
  std::atomic<uint64_t> mapping_{0};
};

inline size_t Directory::index(uint64_t low, uint64_t mapping) {
  const uint64_t mask = mapping >> 32;
  const uint64_t wide = low & mask;
  return wide < (mapping & kCountMask) ? wide : low & (mask >> 1);
}

inline Segment& Directory::lock(uint64_t low) const {
  for (;;) {
    const uint64_t mapping = mapping_.load(std::memory_order_acquire);
    Segment& segment = segments_[index(low, mapping)];
    segment.lock.lock();
    if (mapping_.load(std::memory_order_acquire) == mapping) [[likely]]
      return segment;
    if (&of(low) == &segment) return segment;
    segment.lock.unlock();
  }
}

}  // namespace limiter
