#include "limit/log_state.h"

#include <utility>

namespace limit {
namespace {

// The first i in [from, to) for which after(i) holds, or `to`; after() is false, then true.
template <typename Predicate>
size_t first_where(size_t from, size_t to, Predicate after) {
  while (from < to) {
    const size_t middle = from + (to - from) / 2;
    if (after(middle)) {
      to = middle;
    } else {
      from = middle + 1;
    }
  }
  return from;
}

}  // namespace

size_t LogState::first_after(int64_t at) const {
  if (empty() || entry(0).at > at) return 0;
  return first_where(1, size_, [&](size_t i) { return entry(i).at > at; });
}

size_t LogState::first_freeing(int64_t units) const {
  return first_where(0, size_, [&](size_t i) { return units_through(i) >= units; });
}

void LogState::add(int64_t at, int64_t units) {
  if (!empty() && last().at == at) {
    entry(size_ - 1).sum += static_cast<uint64_t>(units);
    return;
  }
  if (size_ == ring_.size()) resize(size_ == 0 ? 1 : 2 * size_);
  const uint64_t before = empty() ? base_ : last().sum;
  ++size_;
  entry(size_ - 1) = {at, before + static_cast<uint64_t>(units)};
}

void LogState::take_from(size_t i, int64_t units) {
  for (size_t later = i; later < size_; ++later) entry(later).sum -= static_cast<uint64_t>(units);
  if (units_through(i) != units_before(i)) return;
  for (size_t later = i + 1; later < size_; ++later) entry(later - 1) = entry(later);
  --size_;
  drop_before(0);
}

void LogState::drop_before(size_t i) {
  if (i > 0) {
    base_ = entry(i - 1).sum;
    head_ = (head_ + i) & (ring_.size() - 1);
    size_ -= i;
  }
  if (size_ == 0) {
    resize(0);
  } else if (size_ <= ring_.size() / 4) {
    resize(ring_.size() / 2);
  }
}

void LogState::resize(size_t capacity) {
  std::vector<Entry> ring(capacity);
  for (size_t i = 0; i < size_; ++i) ring[i] = entry(i);
  ring_ = std::move(ring);
  head_ = 0;
}

}  // namespace limit
