// What a sliding log remembers: charges by instant, oldest first, in one ring that grows and
// shrinks with them.
//
// An entry holds the sum of all charges up to and with its own (modulo 2^64), so that the units in
// any run of entries are one difference, and "when are k units free?" is a binary search.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace limit {

// Not small: it is changed in place, by the functions of SlidingLog only. Copying copies the ring.
class LogState {
 public:
  size_t bytes() const { return ring_.capacity() * sizeof(Entry); }  // Heap in use.

 private:
  friend class SlidingLog;

  struct Entry {
    int64_t at;
    uint64_t sum;
  };
  static_assert(sizeof(Entry) == 16);

  bool empty() const { return size_ == 0; }
  const Entry& entry(size_t i) const { return ring_[(head_ + i) & (ring_.size() - 1)]; }
  Entry& entry(size_t i) { return ring_[(head_ + i) & (ring_.size() - 1)]; }
  const Entry& last() const { return entry(size_ - 1); }

  // Units of the entries in [0, i].
  int64_t units_through(size_t i) const { return static_cast<int64_t>(entry(i).sum - base_); }
  int64_t units_before(size_t i) const { return i == 0 ? 0 : units_through(i - 1); }
  int64_t units() const { return units_before(size_); }

  size_t first_after(int64_t at) const;       // The first entry later than `at`, or size_.
  size_t first_freeing(int64_t units) const;  // The first with units_through() >= units.
  void add(int64_t at, int64_t units);        // REQUIRES: at >= last().at.
  void take_from(size_t i, int64_t units);    // REQUIRES: entry i has that many.
  void drop_before(size_t i);
  void resize(size_t capacity);  // A power of two >= size_, or 0.

  std::vector<Entry> ring_;  // Its size is a power of two, or 0.
  size_t head_ = 0;
  size_t size_ = 0;
  uint64_t base_ = 0;  // The sum before the first entry.
};

}  // namespace limit
