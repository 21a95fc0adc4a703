// The limits in force, with the counters of their domains: what a reload puts in place at once.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "limiter/limits.h"
#include "limiter/verdict.h"
#include "metric/metric.h"

namespace limiter {

// Decisions of one domain by outcome. Lives as long as the limiter, also after its domain is gone:
// a counter never falls.
struct DomainCounters {
  std::string domain;
  std::array<metric::Counter, kOutcomes> decisions;
};

// Thread: any (immutable but for the counters).
struct Published {
  std::shared_ptr<const Limits> limits;   // Shared with callers of Limiter::limits().
  std::vector<DomainCounters*> counters;  // By the domain's number.
};

// Counts the decisions of a batch: one addition for a run of equal ones.
class Tally {
 public:
  ~Tally() { flush(); }
  void count(DomainCounters& counters, Outcome outcome) {
    metric::Counter& counter = counters.decisions[static_cast<size_t>(outcome)];
    if (&counter != counter_) flush();
    counter_ = &counter;
    ++n_;
  }

 private:
  void flush() {
    if (n_ > 0) counter_->add(n_);
    n_ = 0;
  }
  metric::Counter* counter_ = nullptr;
  uint64_t n_ = 0;
};

}  // namespace limiter
