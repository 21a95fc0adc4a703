// Which keys are asked for often, among any number: a bounded table that counts in spans.
//
// Four places a bucket. A key that finds its bucket full wears down the place with the least until
// it is free, so a few hot keys stay among many cold ones.
//
// Thread: its owner's.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "base/time.h"

namespace store {

class Demand {
 public:
  static constexpr size_t kBuckets = 2048;
  static constexpr size_t kWays = 4;

  // Returns what was asked for of the key in the span that `now` lies in, these units included, or
  // less if its place was contended. A span begins with the first ask after the last one's end.
  int64_t count(base::Hash128 key, int64_t units, base::Time now, base::Duration span);
  void clear() { places_.clear(); }

 private:
  struct Place {
    uint64_t tag = 0;
    base::Time since{};
    int64_t units = 0;
  };
  std::vector<std::array<Place, kWays>> places_;  // Empty until something is counted.
};

}  // namespace store
