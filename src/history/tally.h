// How much happened, of what is known to have happened within intervals only.
#pragma once
#include <cstdint>
#include <vector>

#include "history/timeline.h"

namespace history {

class Tally {
 public:
  void add(Range at, int64_t cost);
  void sort();  // Once, behind the last add(). What follows takes O(log n).

  // In [from, to]: no more than that, and no less.
  int64_t most(Instant from, Instant to) const { return begun(to) - over(from); }
  int64_t least(Instant from, Instant to) const;

  // How many intervals are open at some instant of [from, to], at most; and at all of them, at
  // least. Costs of 1 count intervals.
  int64_t open_most(Instant from, Instant to) const { return most(from, to); }
  int64_t open_least(Instant from, Instant to) const;

 private:
  struct Step {
    Instant at;
    int64_t sum;  // Of this one and all before it.
  };
  int64_t begun(Instant at) const;  // That begin at or before `at`.
  int64_t over(Instant at) const;   // That end before `at`.

  std::vector<Step> begins_, ends_;
};

}  // namespace history
