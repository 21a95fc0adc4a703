// What the dispatcher counts, and why messages wait: for metrics.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "dispatch/hosts.h"
#include "dispatch/outcome.h"
#include "metric/metric.h"

namespace dispatch {

// Thread: any.
class Tallies {
 public:
  void count(const Judgement& judgement, const Exchange& exchange, const Hosts::Timing& timing);
  void waiting(uint32_t shard, std::vector<std::pair<std::string, uint64_t>> reasons,
               base::Time oldest);
  void collect(metric::Families& families, base::Time now) const;

 private:
  static constexpr size_t kOutcomes = 4;
  static constexpr size_t kCodeClasses = 6;  // None, 1xx … 5xx.
  static constexpr size_t kAttempts = 8;
  static constexpr size_t kPhases = 5;
  struct Waits {
    std::vector<std::pair<std::string, uint64_t>> reasons;
    base::Time oldest{};
  };

  void collect_requests(metric::Families& families) const;
  void collect_waiting(metric::Families& families, base::Time now) const;

  std::array<std::array<metric::Counter, kCodeClasses>, kOutcomes> requests_;
  std::array<metric::Counter, kAttempts> attempts_;
  std::array<metric::Histogram, kPhases> phases_;
  mutable base::Mutex mutex_;
  std::map<uint32_t, Waits> waits_ GUARDED_BY(mutex_);  // By shard.
};

}  // namespace dispatch
