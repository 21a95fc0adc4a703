#include "metric/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>

namespace metric {

Histogram::~Histogram() {
  for (auto& slot : slots_) delete slot.load(std::memory_order_acquire);
}

size_t Histogram::bucket_of(int64_t value) {
  constexpr int64_t kMost = (int64_t{1} << (kTopBit + 1)) - 1;
  const auto v = static_cast<uint64_t>(std::clamp(value, int64_t{0}, kMost));
  if (v < 8) return v;
  const auto bit = static_cast<unsigned>(std::bit_width(v)) - 1;
  return (bit - 2) * 8 + (v >> (bit - 3) & 7);
}

int64_t Histogram::bucket_top(size_t bucket) {
  if (bucket + 1 == kBuckets) return INT64_MAX;
  if (bucket < 8) return static_cast<int64_t>(bucket);
  return (static_cast<int64_t>(8 + bucket % 8 + 1) << (bucket / 8 - 1)) - 1;
}

void Histogram::record(int64_t value) {
  Counts& mine = counts();
  mine.buckets[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
  mine.sum.fetch_add(static_cast<uint64_t>(std::max(value, int64_t{0})), std::memory_order_relaxed);
}

Histogram::Counts& Histogram::counts() {
  std::atomic<Counts*>& slot = slots_[thread_slot()];
  Counts* there = slot.load(std::memory_order_acquire);
  if (there != nullptr) [[likely]]
    return *there;
  auto made = std::make_unique<Counts>();
  if (!slot.compare_exchange_strong(there, made.get(), std::memory_order_acq_rel)) return *there;
  return *made.release();
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot shot;
  for (const auto& slot : slots_) {
    const Counts* const counts = slot.load(std::memory_order_acquire);
    if (counts == nullptr) continue;
    for (size_t i = 0; i < kBuckets; ++i) {
      const uint64_t n = counts->buckets[i].load(std::memory_order_relaxed);
      shot.counts[i] += n;
      shot.count += n;
    }
    shot.sum += counts->sum.load(std::memory_order_relaxed);
  }
  return shot;
}

uint64_t Histogram::Snapshot::at_most(int64_t bound) const {
  uint64_t total = 0;
  for (size_t i = 0; i < kBuckets && bucket_top(i) <= bound; ++i) total += counts[i];
  return total;
}

int64_t Histogram::Snapshot::quantile(double share) const {
  const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count)));
  uint64_t total = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    total += counts[i];
    if (total > 0 && total >= rank) return bucket_top(i);
  }
  return 0;
}

}  // namespace metric
