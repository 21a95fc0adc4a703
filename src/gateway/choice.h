// Which of the instances that may be asked is asked. Pure; `random` is told.
//
//   random         any of them
//   least loaded   the better one of two at random: fewer asks in flight, then quicker answers
//   rendezvous     the one whose hash with the key is the highest: the same in every gateway, and
//                  when one goes only its own keys move
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "gateway/options.h"

namespace gateway {

struct Candidate {
  size_t in_flight = 0;
  base::Duration latency{};  // 0: unknown.
  uint64_t hash = 0;         // Of its address.
};

// The index of the chosen one. REQUIRES: there are candidates.
size_t choose(Choose how, std::span<const Candidate> candidates, std::string_view key,
              base::Random& random);

}  // namespace gateway
