// Promises for a recorded history (docs/formats/history.md, `wake`): instants at which a limit let
// another delivery of a queue through while a message and a consumer waited for it.
//
//   delivered ───────── the law is free ── wake ────── delivered: no later than `within`
//        (the message came before)  (a DEQUEUE with WAIT was out)
//
// What is not certain is left out: the law is taken to be charged as late as an answer allows, and
// a message to have come as late as the server's own stamps allow.
#pragma once
#include <string>
#include <vector>

#include "load/tally.h"
#include "load/work.h"

namespace load {

// Beside it a burst of the law, which may have been used up before the load began.
inline constexpr base::Duration kWakeWithin = std::chrono::seconds(5);

// Since when it was surely in its queue, if its delivery was answered at `now` and leased for
// `lease_ms`; base::Time::max(): that cannot be said.
base::Time surely_there(const Message& one, int64_t lease_ms, base::Time now);

// The lines of all queues. REQUIRES: `let_pass` is in the order that judge() leaves it in, and is
// all that the law let pass; nobody else asks these queues.
std::string wake_lines(const Work& work, const Law& law, const std::vector<Admitted>& let_pass,
                       std::vector<InVain> in_vain);

}  // namespace load
