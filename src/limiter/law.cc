#include "limiter/law.h"

#include <string_view>

#include "base/check.h"
#include "base/hash.h"

namespace limiter {
namespace {

// The numbers that tell most laws apart; equality decides.
struct Traits {
  int64_t kind = 0, count = 0, period = 0, more = 0;
};

Traits traits(const limit::Gcra& law) {
  return {0, law.rate().count, law.rate().period.count(), law.burst()};
}
Traits traits(const limit::FixedWindow& law) {
  const auto unit = law.calendar();
  return {1, law.count(), law.rate().period.count(), unit ? static_cast<int64_t>(*unit) + 1 : 0};
}
Traits traits(const limit::SlidingCounter& law) {
  return {2, law.count(), law.rate().period.count(), 0};
}
Traits traits(const limit::SlidingLog& law) {
  return {3, law.count(), law.rate().period.count(), 0};
}
Traits traits(const limit::Concurrency& law) { return {4, law.cap(), law.ttl_max().count(), 0}; }

uint64_t hash_of(const Law& law) {
  const Traits t = std::visit([](const auto& l) { return traits(l); }, law);
  const std::string_view bytes(reinterpret_cast<const char*>(&t), sizeof t);
  return base::hash128(bytes, 0).low;
}

}  // namespace

base::Result<LawNumber> Laws::number(const Law& law) {
  const uint64_t hash = hash_of(law);
  const base::Guard guard(mutex_);
  if (const LawNumber known = find(hash, law); known != kAdHoc) return known;
  if (next_ == end_) {
    return base::Error{base::Code::kFull, "too many different limits since the start", {}};
  }
  append(law);
  numbers_.emplace(hash, next_);
  return next_++;
}

LawNumber Laws::find(uint64_t hash, const Law& law) const {
  const auto [first, last] = numbers_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (at(it->second) == law) return it->second;
  }
  return kAdHoc;
}

void Laws::append(const Law& law) {
  if (owned_.empty() || owned_.back().size() == kPerBlock) {
    owned_.emplace_back().reserve(kPerBlock);
    blocks_[owned_.size() - 1].store(owned_.back().data(), std::memory_order_release);
  }
  owned_.back().push_back(law);
}

const Law& Laws::at(LawNumber number) const {
  const uint32_t index = number - 1;
  const Law* const block = blocks_[index / kPerBlock].load(std::memory_order_acquire);
  CHECK(block != nullptr);
  return block[index % kPerBlock];
}

}  // namespace limiter
