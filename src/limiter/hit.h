// What a decision asks of one state.
#pragma once
#include <cstdint>

#include "base/hash.h"
#include "base/time.h"
#include "limiter/law.h"

namespace limiter {

// One state that a decision meets. Keys of one decision are distinct: the caller has summed the
// costs that meet in one state.
struct Hit {
  base::Hash128 key;
  const Law* law = nullptr;       // Outlives the call.
  LawNumber law_number = kAdHoc;  // kAdHoc: the law is a GCRA.
  int64_t cost = 1;               // Units; for concurrency: holds.
  bool shadow = false;            // Never refuses the decision.
};

enum class Purpose : uint8_t {
  kCharge,  // Rates are charged; concurrency limits are only tested.
  kPeek,    // Nothing is charged.
  kTake,    // Rates are charged and holds are taken.
};

struct HoldTerms {       // For kTake.
  uint64_t id = 0;       // A cost above 1 takes further holds under ids derived from it.
  base::Duration ttl{};  // Cut to each law's own ttl_max.
};

}  // namespace limiter
