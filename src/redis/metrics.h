// What the clients of one process count together.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "base/time.h"
#include "metric/metric.h"

namespace redis {

enum class Outcome : uint8_t { kReply, kError, kUnknown, kIo, kFull };

// Thread: any.
class Metrics {
 public:
  // `client` is the label that tells apart what a process uses a Redis for: a fixed word.
  explicit Metrics(std::string client) : client_(std::move(client)) {}

  void began() { in_flight_.add(1); }
  void ended(Outcome outcome, base::Duration took);
  void dropped(size_t calls) { in_flight_.add(-static_cast<int64_t>(calls)); }
  void connected(bool again) {
    connected_.add(1);
    if (again) reconnects_.add();
  }
  void lost() { connected_.add(-1); }

  void collect(metric::Families& families) const;

 private:
  const std::string client_;
  std::array<metric::Counter, 5> calls_;  // By Outcome.
  metric::Counter reconnects_;
  metric::Gauge in_flight_, connected_;
  metric::Histogram took_;  // Nanoseconds, of calls that had a reply.
};

}  // namespace redis
