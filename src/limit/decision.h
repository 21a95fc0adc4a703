// What a law answers. A law is a pure function: state + now + cost -> proposal. Whoever holds the
// state applies the proposal, so that several limits can be checked before any of them is charged.
#pragma once
#include <cstdint>

#include "base/time.h"

namespace limit {

inline constexpr base::Duration kNever = base::Duration::max();

struct Decision {
  bool allowed = true;
  int64_t limit = 0;      // The burst, the N of a window, or the cap of a concurrency limit.
  int64_t remaining = 0;  // Whole units that would be allowed now, after this decision. >= 0.
  base::Duration retry_after{};  // 0 if allowed; kNever if the cost can never fit. Rounded up: a
                                 // retry exactly then succeeds if nobody took the place (P4).
  base::Duration reset_after{};  // Until the state equals an idle one, if nothing more is charged.
};

template <typename State>
struct Proposal {
  Decision decision;
  State next;  // The state to store. Meaningful only if decision.allowed.
};

}  // namespace limit
