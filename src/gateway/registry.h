// The limiter instances that may be asked, and how they fare.
//
//   register ─► up ◄──── an answer ────┐
//     ▲          │ failures in a row    │
//     │          └─────► ejected ─── one ask tries, after a growing pause
//     └ heartbeat    silent for its ttl ─► forgotten
//
// Told the time. Thread: any.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "gateway/options.h"
#include "metric/metric.h"

namespace gateway {

struct Instance {  // As GET /rate_limiters shows it.
  std::string host;
  uint16_t port = 0;
  std::string state;         // "up", "ejected", "probing".
  base::Duration latency{};  // Smoothed, of its answers; 0: none yet.
  base::Time last_heartbeat{};
  base::Duration ttl{};
  size_t in_flight = 0;
  uint64_t failures = 0;  // In all.
};

class Registry {
 public:
  explicit Registry(const Options& options);
  ~Registry();

  static constexpr unsigned kFailuresMax = 3;
  static constexpr base::Duration kPauseMin = std::chrono::seconds(1);
  static constexpr base::Duration kPauseMax = std::chrono::seconds(30);
  static constexpr base::Duration kTtlMin = std::chrono::seconds(1);
  static constexpr base::Duration kTtlMax = std::chrono::minutes(5);

  struct Known {
    size_t instances;
    base::Duration ttl;
  };
  // kFull: instances_max are known. `ttl` is cut to 1 s … 5 min; nothing: the default.
  base::Result<Known> add(std::string_view host, uint16_t port, std::optional<base::Duration> ttl,
                          base::Time now);
  base::Result<size_t> remove(std::string_view host, uint16_t port, base::Time now);  // kNotFound.

  struct Chosen {
    uint64_t id;  // Of the instance as long as it is known; never 0, never used again.
    std::string host;
    uint16_t port;
    bool trial;  // It was ejected: this one ask finds out how it is.
  };
  // By options.choose; `key`: what rendezvous hashes; not `except`. Counts it as in flight.
  // Nothing: none may be asked.
  std::optional<Chosen> choose(std::string_view key, base::Time now, uint64_t except = 0);
  // One more ask for an instance that was chosen, without choosing. False: it is not up any more.
  bool join(uint64_t id);
  // What came of it. Ids that are gone: nothing. kFailuresMax in a row eject an instance, for
  // kPauseMin, doubled up to kPauseMax each time the one ask that tries it fails.
  void answered(uint64_t id, base::Duration latency, base::Time now);
  // `asked`: when it was chosen. What was asked before the last failure says nothing new: asks that
  // a short stop lets fail together are one failure in the row.
  void failed(uint64_t id, base::Time asked, base::Time now);

  size_t askable(base::Time now) const;  // Those that choose() may give.
  std::vector<Instance> instances(base::Time now) const;
  void tick(base::Time now);  // Forgets the silent.
  void collect(metric::Families& families, base::Time now) const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace gateway
