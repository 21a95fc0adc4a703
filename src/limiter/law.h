// Any of the five laws, and the numbers that running processes know them by.
//
// A state in the table carries the number of the law that it was made under. When a limit changes,
// the next decision on its key finds another number and converts the state: what was used stays
// used. So every law that was ever in force stays known; equal laws share a number.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "limit/limit.h"

namespace limiter {

using Law = std::variant<limit::Gcra, limit::FixedWindow, limit::SlidingCounter, limit::SlidingLog,
                         limit::Concurrency>;

using LawNumber = uint32_t;             // Below 2^20; fits a slot of the table.
inline constexpr LawNumber kAdHoc = 0;  // The caller brings the law, a GCRA, with every decision.
inline constexpr LawNumber kLawsMax = 1u << 20;

// Thread: any.
class Laws {
 public:
  explicit Laws(LawNumber laws_max = kLawsMax) : end_(laws_max) {}

  // kFull after `laws_max` - 1 different laws in one life of the process.
  base::Result<LawNumber> number(const Law& law);
  const Law& at(LawNumber number) const;  // REQUIRES: number() handed it out. Lock-free.

 private:
  static constexpr uint32_t kPerBlock = 1024;  // Laws are stored in blocks that never move.

  // kAdHoc if it has none.
  LawNumber find(uint64_t hash, const Law& law) const REQUIRES_LOCK(mutex_);
  void append(const Law& law) REQUIRES_LOCK(mutex_);

  const LawNumber end_;
  std::array<std::atomic<const Law*>, kLawsMax / kPerBlock> blocks_{};
  base::Mutex mutex_;
  std::vector<std::vector<Law>> owned_ GUARDED_BY(mutex_);  // The last one may have room.
  std::unordered_multimap<uint64_t, LawNumber> numbers_ GUARDED_BY(mutex_);  // By hash.
  LawNumber next_ GUARDED_BY(mutex_) = kAdHoc + 1;
};

}  // namespace limiter
