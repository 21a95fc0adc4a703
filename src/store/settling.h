// Changes of single states, outside a decision: give back, charge over the bound, end or renew a
// hold, block.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "limiter/law.h"
#include "store/line.h"

namespace store {

struct Change {
  enum class What : uint8_t {
    kGiveBack = 1,  // n units that were charged at x: as many as still count.
    kChargeOver,    // n units, or as many as fit with x beyond the bound. Result: how many.
    kRelease,       // The hold `id`. Result: 1 if it held.
    kRenew,         // The hold `id`, for n us. Result: 1 if it held.
    kBlock,         // For n us; 0 ends a block.
    kFlag,          // As kBlock, but not shorter than it is.
  };
  What what = What::kGiveBack;
  std::string name;     // The key.
  base::Hash128 key{};  // Of a state; of a block nothing.
  limiter::LawNumber number = limiter::kAdHoc;
  const Law* law = nullptr;  // Null: a block.
  int64_t n = 0, x = 0;
  std::string id{};
};

// Results in the order of `changes`. Changes of one place are made together; an error means that
// those of one place at least failed, or are in doubt.
using Settled = std::function<void(base::Status&&, std::vector<int64_t>&& results)>;
void settle(Line& line, base::Time about, const std::vector<Change>& changes, base::Time deadline,
            Settled done);

}  // namespace store
