// Counters that threads add to without sharing a cache line, in little memory.
//
// A counter that had a line of its own for each thread would cost 2 KB. So counters live eight to a
// page, and a page has one line for each thread slot: a thread's eight counters lie side by side in
// its line, and a counter costs 256 bytes. Pages are never freed: a counter that goes leaves its
// cell to the next one.
//
//   page    slot 0   [a b c d e f g h]     Counter a = the first column, its value the column's sum
//           slot 1   [a b c d e f g h]
//           ...
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace metric {

inline constexpr unsigned kSlots = 32;

// A small number for the calling thread, given out on first use; threads above the bound share.
inline unsigned thread_slot();

// Thread: any. add() costs one uncontended atomic add on the thread's own cache line.
class Counter {
 public:
  Counter();
  ~Counter();
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void add(uint64_t n = 1) {
    cell_[thread_slot() * kStride].fetch_add(n, std::memory_order_relaxed);
  }
  uint64_t value() const;  // The sum; counts that are being added may be missing.

 private:
  static constexpr size_t kStride = 64 / sizeof(std::atomic<uint64_t>);  // From slot to slot.
  std::atomic<uint64_t>* cell_;
  friend class Pages;
};

// Thread: any.
class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

inline unsigned thread_slot() {
  constexpr unsigned kNone = kSlots;
  static std::atomic<unsigned> next{0};
  static thread_local unsigned slot = kNone;
  if (slot == kNone) [[unlikely]]
    slot = next.fetch_add(1, std::memory_order_relaxed) % kSlots;
  return slot;
}

}  // namespace metric
