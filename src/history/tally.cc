#include "history/tally.h"

#include <algorithm>

namespace history {
namespace {

// Counting cannot see which interval is which: of A intervals that fulfil one condition and B that
// break another, at least A - B fulfil both.
int64_t at_least(int64_t fulfil, int64_t break_other) {
  return std::max<int64_t>(0, fulfil - break_other);
}

}  // namespace

void Tally::add(Range at, int64_t cost) {
  begins_.push_back({at.low, cost});
  ends_.push_back({at.high, cost});
}

void Tally::sort() {
  for (std::vector<Step>* const steps : {&begins_, &ends_}) {
    std::sort(steps->begin(), steps->end(),
              [](const Step& a, const Step& b) { return a.at < b.at; });
    int64_t sum = 0;
    for (Step& step : *steps) step.sum = sum += step.sum;
  }
}

int64_t Tally::begun(Instant at) const {
  const auto next = std::upper_bound(begins_.begin(), begins_.end(), at,
                                     [](Instant t, const Step& step) { return t < step.at; });
  return next == begins_.begin() ? 0 : std::prev(next)->sum;
}

int64_t Tally::over(Instant at) const {
  const auto next = std::lower_bound(ends_.begin(), ends_.end(), at,
                                     [](const Step& step, Instant t) { return step.at < t; });
  return next == ends_.begin() ? 0 : std::prev(next)->sum;
}

int64_t Tally::least(Instant from, Instant to) const {
  return at_least(over(to + 1), begun(from - 1));
}

int64_t Tally::open_least(Instant from, Instant to) const {
  return at_least(begun(from), over(to));
}

}  // namespace history
