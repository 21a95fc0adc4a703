// What the sites of a process count. Thread: any.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "base/time.h"
#include "gateway/decision.h"
#include "metric/metric.h"

namespace gateway {

class Counts {
 public:
  enum class Cache : uint8_t {
    kHit,     // Of the memory or of the store.
    kMiss,    // It was computed.
    kBypass,  // It was computed since the store was gone or slow.
  };

  // `passed`: the request went on.
  void decided(const Decision& decision, bool passed, base::Duration took);
  void cache(Cache status) { caches_.at(static_cast<size_t>(status)).add(); }
  void store_error() { store_errors_.add(); }  // Of the store behind the hash cache.
  void collect(metric::Families& families) const;

 private:
  static constexpr size_t kRulesMax = 256;  // Names come from instances; more are counted as one.
  using Rules = std::unordered_map<std::string, std::unique_ptr<metric::Counter>>;

  metric::Counter& of_rule(const std::string& name) REQUIRES_LOCK(mutex_);

  std::array<std::array<metric::Counter, kReasons>, 2> decisions_;  // Those that no rule refused.
  std::array<metric::Counter, 3> caches_;
  metric::Counter store_errors_;
  metric::Histogram duration_;
  mutable base::Mutex mutex_;
  Rules rules_ GUARDED_BY(mutex_);  // Refusals.
};

}  // namespace gateway
