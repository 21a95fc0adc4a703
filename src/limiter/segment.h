// A segment: up to some two thousand slots, sorted by tag, in a window of addresses of its own.
//
// Open addressing with the slots in order ("Ordered hash tables", O. Amble and D. E. Knuth, The
// Computer Journal 1974). A tag's home is its share of the segment:
//
//   home = tag / 2^64 · homes, rounded down to the start of a cache line (two slots)
//   homes = slots - kTail, so nothing wraps around
//
//   slot    0   1   2   3   4   5   6   7   8   9  10  11
//   tag     3  12  17  18  22   .  40  43  47   .   .   .   (the last slot stays empty)
//   home    0   0   2   2   2       6   6   6
//
// So a search ends at the first greater tag, whether it hits or misses; a segment grows, shrinks
// and splits by one walk from left to right; and nothing ever needs a tombstone.
// The window is reserved whole and used page by page: growing by one page moves no slot to other
// addresses than its own window, and giving back is giving back the last pages. This class knows
// nothing of laws or limits of memory.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/mutex.h"
#include "limiter/region.h"
#include "limiter/slot.h"

namespace limiter {

class alignas(64) Segment {
 public:
  static constexpr uint32_t kPageSlots = Region::kPageBytes / sizeof(Slot);
  // Full: 73 %. Then 46 bytes a key on average, and of a hundred keys 63 lie in their home's cache
  // line, 90 in two and 97 in three. (At 80 %: 42.5 bytes; 48, 78 and 92.)
  static constexpr uint32_t kPageEntries = 94;
  static constexpr uint32_t kPagesMax = 32;
  static constexpr size_t kWindowBytes = kPagesMax * Region::kPageBytes;
  // Slots behind the last home. When they are taken, the segment grows early; it is rare.
  static constexpr uint32_t kTail = 12;
  static_assert(kTail >= 4);  // find() reads four slots from a home on.

  // `window`: kWindowBytes that read as zero. Starts with no pages.
  explicit Segment(std::byte* window) : slots_(reinterpret_cast<Slot*>(window)) {}

  base::SpinLock lock;

  struct Found {
    Slot* at;  // The key's slot, or where it would be inserted.
    bool present;
  };
  Found find(Place place) const REQUIRES_LOCK(lock);
  // `at` as found. Null if the last slots are taken: lay() in more pages first. Moves slots.
  Slot* insert(Slot* at, const Slot& slot) REQUIRES_LOCK(lock);
  void erase(Slot* at) REQUIRES_LOCK(lock);  // Moves slots.

  // May be read without the lock, as a hint.
  uint32_t count() const { return count_.load(std::memory_order_relaxed); }
  const std::byte* line_of(Place place) const;  // For a prefetch.

  uint32_t pages() const REQUIRES_LOCK(lock) { return pages_; }
  bool full() const REQUIRES_LOCK(lock) { return count() >= entries_max(pages_); }
  static constexpr uint32_t entries_max(uint32_t pages) { return pages * kPageEntries; }
  static constexpr uint32_t pages_for(uint32_t entries) {
    return (entries + entries_max(1) - 1) / entries_max(1);
  }

  // Laying anew. pack() moves the slots to the left end of the window; until lay() nothing else may
  // be called than what REQUIRES it packed. Drops the slots for which `dropped(slot)`.
  template <typename Predicate>
  void pack(Predicate&& dropped) REQUIRES_LOCK(lock);
  // REQUIRES: packed. Would the slots fit? And do it; pages that are no longer used go back.
  bool fits(uint32_t pages) const REQUIRES_LOCK(lock);
  void lay(uint32_t pages) REQUIRES_LOCK(lock);
  // REQUIRES: packed. In order, the slots with `bit` in low go over to the empty `to`, packed.
  void split(Segment& to, uint64_t bit) REQUIRES_LOCK(lock, to.lock);
  // REQUIRES: both packed, and their counts fit into kPagesMax pages. `from` ends up empty.
  void merge(Segment& from) REQUIRES_LOCK(lock, from.lock);

  // For each slot that holds a key.
  template <typename Visit>
  void each(Visit&& visit) const REQUIRES_LOCK(lock);

  // Notes of the table about this segment.
  uint32_t counted GUARDED_BY(lock) = 0;      // Its keys in the table's sum.
  int64_t barren_until GUARDED_BY(lock) = 0;  // Before this instant nothing in it was idle.

 private:
  static uint32_t home(uint64_t tag, uint32_t homes) {
    return static_cast<uint32_t>((tag >> 32) * homes >> 32) & ~1u;  // The first of a cache line.
  }
  static constexpr uint32_t homes_of(uint32_t pages) { return pages * kPageSlots - kTail; }
  uint32_t homes() const { return homes_.load(std::memory_order_relaxed); }
  void count(uint32_t n) { count_.store(n, std::memory_order_relaxed); }
  Slot* end() const REQUIRES_LOCK(lock) { return slots_ + size_t{pages_} * kPageSlots; }

  Slot* const slots_;
  std::atomic<uint32_t> homes_{0};  // Written under the lock; read also by prefetches.
  std::atomic<uint32_t> count_{0};
  uint32_t pages_ GUARDED_BY(lock) = 0;
};
static_assert(sizeof(Segment) == 64);

inline Segment::Found Segment::find(Place place) const {
  if (homes() == 0) [[unlikely]]
    return {slots_, false};
  Slot* at = slots_ + home(place.tag, homes());
  // Nine in ten lie in the first two cache lines: counting there mispredicts less than a loop.
  at += (at[0].tag < place.tag) + (at[1].tag < place.tag) + (at[2].tag < place.tag) +
        (at[3].tag < place.tag);
  while (at->tag < place.tag) ++at;
  for (; (at->tag ^ place.tag) < kLabelSpan; ++at) {
    if (at->low == place.low) [[likely]]
      return {at, true};
  }
  return {at, false};
}

inline const std::byte* Segment::line_of(Place place) const {
  return reinterpret_cast<const std::byte*>(slots_ + home(place.tag, homes()));
}

template <typename Predicate>
void Segment::pack(Predicate&& dropped) {
  Slot* to = slots_;
  for (Slot* from = slots_; from != end(); ++from) {
    if (!from->empty() && !dropped(*from)) *to++ = *from;
  }
  count(static_cast<uint32_t>(to - slots_));
}

template <typename Visit>
void Segment::each(Visit&& visit) const {
  for (Slot* at = slots_; at != end(); ++at) {
    if (!at->empty()) visit(*at);
  }
}

}  // namespace limiter
