#include "metric/counter.h"

#include <vector>

#include "base/mutex.h"

namespace metric {

// The cells of all counters. Thread: any.
class Pages {
 public:
  static Pages& all() {
    static Pages* const pages = new Pages;  // Never destroyed: counters may be static.
    return *pages;
  }

  std::atomic<uint64_t>* take() EXCLUDES_LOCK(mutex_) {
    const base::Guard guard(mutex_);
    if (free_.empty()) {
      for (auto& cell : (new Page)->cells[0]) free_.push_back(&cell);
    }
    std::atomic<uint64_t>* const cell = free_.back();
    free_.pop_back();
    return cell;
  }

  void give_back(std::atomic<uint64_t>* cell) EXCLUDES_LOCK(mutex_) {
    for (unsigned slot = 0; slot < kSlots; ++slot) {
      cell[slot * Counter::kStride].store(0, std::memory_order_relaxed);
    }
    const base::Guard guard(mutex_);
    free_.push_back(cell);
  }

 private:
  using Line = std::array<std::atomic<uint64_t>, Counter::kStride>;
  struct alignas(64) Page {
    std::array<Line, kSlots> cells{};
  };

  base::Mutex mutex_;
  std::vector<std::atomic<uint64_t>*> free_ GUARDED_BY(mutex_);
};

Counter::Counter() : cell_(Pages::all().take()) {}

Counter::~Counter() { Pages::all().give_back(cell_); }

uint64_t Counter::value() const {
  uint64_t sum = 0;
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    sum += cell_[slot * kStride].load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace metric
