#include "proxy/traffic.h"

#include <algorithm>
#include <string>

namespace proxy {

std::string_view to_string(UpstreamFailure failure) {
  static constexpr std::array<std::string_view, kUpstreamFailures> kNames = {
      "lookup", "connect", "timeout", "ended", "broken", "too_large"};
  return kNames[static_cast<size_t>(failure)];
}

void Traffic::answered(int status) {
  by_class_[static_cast<size_t>(std::clamp(status / 100, 1, 5) - 1)].add();
}

void Traffic::failed(UpstreamFailure failure) { failures_[static_cast<size_t>(failure)].add(); }

void Traffic::first_byte(base::Duration took) { first_byte_.record(took.count()); }

void Traffic::collect(metric::Families& families) const {
  for (size_t i = 0; i < kClasses; ++i) {
    families.counter("ratelimmq_gateway_requests_total", "Answers to clients, by class of status.",
                     {{"code_class", std::to_string(i + 1) + "xx"}}, by_class_[i].value());
  }
  for (size_t i = 0; i < kUpstreamFailures; ++i) {
    families.counter("ratelimmq_gateway_upstream_failures_total",
                     "Requests that an upstream did not answer to the end.",
                     {{"reason", std::string(to_string(static_cast<UpstreamFailure>(i)))}},
                     failures_[i].value());
  }
  families.histogram("ratelimmq_gateway_upstream_first_byte_seconds",
                     "From a request's way upstream to the first byte of its answer.", {},
                     first_byte_, 1e9);
  families.gauge("ratelimmq_gateway_upstream_connections", "Open connections to upstreams.", {},
                 static_cast<double>(open_.value()));
  families.counter("ratelimmq_gateway_upstream_reuses_total",
                   "Requests that went over a connection that was kept open.", {}, reused_.value());
}

}  // namespace proxy
