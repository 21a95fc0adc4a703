// How well a limit was kept, as its clients saw it.
//
//   excess, seen     the most by which what was let pass in some interval is above what the law
//                    allows there, burst + rate · length, by the instants at which answers arrived.
//                    Answers that arrive together although they were decided one after the other
//                    show here: a little above 0 is jitter of the way, not a fault.
//   excess, certain  the same, where the instants lie wherever between question and answer it is
//                    best for the server: above 0 the law was broken.
//   lateness         of those that could wait and did: from the first instant at which the law
//                    would have let them pass, given what had passed before, to the arrival of the
//                    answer. Of a limit that had been used before the load began the first ones
//                    seem late, by its burst over its rate at most.
//
// What passed in the warm-up counts too (but in the lateness), since the law counts it.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "load/histogram.h"
#include "load/tally.h"
#include "load/work.h"

namespace load {

struct Precision {
  uint64_t keys = 0;      // That each have a count of their own.
  uint64_t admitted = 0;  // Units.
  double per_second = 0;  // Of all keys together, without one burst each.
  double of_limit = 0;    // The same, as a share of what the law lets pass in that time.
  double excess_seen = 0, excess_certain = 0;  // Units; below 0: so many were left.
  Histogram lateness;
};

// Each unit costs one. REQUIRES: the law's count and period are above 0. Sorts `admitted`.
Precision judge(const Law& law, std::vector<Admitted>& admitted);

}  // namespace load
