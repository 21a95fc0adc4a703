#include "redis/metrics.h"

#include <string_view>

namespace redis {

void Metrics::ended(Outcome outcome, base::Duration took) {
  in_flight_.add(-1);
  calls_[static_cast<size_t>(outcome)].add();
  if (outcome == Outcome::kReply || outcome == Outcome::kError) took_.record(took.count());
}

void Metrics::collect(metric::Families& families) const {
  constexpr std::array<std::string_view, 5> kNames = {"reply", "error", "unknown", "io", "full"};
  const metric::Labels labels = {{"client", client_}};
  for (size_t i = 0; i < calls_.size(); ++i) {
    families.counter("ratelimmq_redis_calls_total", "Calls that have ended, by how they did.",
                     {{"client", client_}, {"outcome", std::string(kNames[i])}}, calls_[i].value());
  }
  families.histogram("ratelimmq_redis_call_seconds", "From a call to its reply.", labels, took_,
                     1e9);
  families.gauge("ratelimmq_redis_in_flight", "Calls that have not ended.", labels,
                 static_cast<double>(in_flight_.value()));
  families.gauge("ratelimmq_redis_connected", "Connections that can be used.", labels,
                 static_cast<double>(connected_.value()));
  families.counter("ratelimmq_redis_reconnects_total",
                   "Connections that were made again after they had been lost.", labels,
                   reconnects_.value());
}

}  // namespace redis
