// What a decision asks of one state.
#pragma once
#include <cstdint>
#include <limits>

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
  bool durable = false;           // Charged only when the journal covers it (limiter/journal.h).
};

inline int64_t saturating_add(int64_t a, int64_t b) {  // Of costs. REQUIRES: a, b >= 0.
  return a > std::numeric_limits<int64_t>::max() - b ? std::numeric_limits<int64_t>::max() : a + b;
}

enum class Purpose : uint8_t {
  kCharge,  // Rates are charged; concurrency limits are only tested.
  kPeek,    // Nothing is charged.
  kTake,    // Rates are charged and holds are taken.
};

struct HoldTerms {
  uint64_t id = 0;           // For kTake. A cost above 1 takes further holds, ids derived from it.
  base::Duration ttl{};      // For kTake.
  bool cut = true;           // To each law's own ttl_max.
  uint64_t promised_to = 0;  // Whose promise does not count (limiter/promises.h).
  bool* logging = nullptr;  // Set to true if a durable hit refuses until its journal has caught up.
};

}  // namespace limiter
