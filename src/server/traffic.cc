#include "server/traffic.h"

#include <algorithm>

namespace server {

void HttpTraffic::answered(int status, base::Duration took) {
  refused(status);
  took_.record(took.count());
}

void HttpTraffic::refused(int status) {
  const auto by_hundred = static_cast<size_t>(std::clamp(status / 100, 1, int{kClasses}));
  by_class_[by_hundred - 1].add();
}

void HttpTraffic::collect(metric::Families& families) const {
  for (size_t i = 0; i < kClasses; ++i) {
    families.counter("ratelimmq_http_requests_total", "Requests of the api and limiter listeners.",
                     {{"code_class", std::to_string(i + 1) + "xx"}}, by_class_[i].value());
  }
  families.histogram("ratelimmq_http_request_duration_seconds",
                     "From a whole request to its answer, without the network.", {}, took_, 1e9);
}

int64_t Traffic::open() const {
  int64_t sum = 0;
  for (const ListenerTraffic* each : all()) sum += each->open.value();
  return sum;
}

uint64_t Traffic::accepted() const {
  uint64_t sum = 0;
  for (const ListenerTraffic* each : all()) sum += each->accepted.value();
  return sum;
}

void Traffic::collect(metric::Families& families) const {
  const auto each = [&](std::string_view name, std::string_view help,
                        metric::Counter ListenerTraffic::*counter) {
    for (const ListenerTraffic* at : all()) {
      families.counter(name, help, {{"listener", at->name}}, (at->*counter).value());
    }
  };
  for (const ListenerTraffic* at : all()) {
    families.gauge("ratelimmq_server_connections", "Open connections.", {{"listener", at->name}},
                   static_cast<double>(at->open.value()));
  }
  each("ratelimmq_server_connections_total", "Connections accepted.", &ListenerTraffic::accepted);
  for (const ListenerTraffic* at : all()) {
    const auto refused = [&](std::string_view reason, const metric::Counter& counter) {
      families.counter("ratelimmq_server_connections_refused_total",
                       "Connections answered and closed at once.",
                       {{"listener", at->name}, {"reason", std::string(reason)}}, counter.value());
    };
    refused("connections_max", at->refused_full);
    refused("untrusted", at->refused_foreign);
  }
  each("ratelimmq_server_accept_errors_total", "Connections that the system could not hand over.",
       &ListenerTraffic::accept_errors);
  each("ratelimmq_server_received_bytes_total", "Bytes read.", &ListenerTraffic::bytes_read);
  each("ratelimmq_server_sent_bytes_total", "Bytes sent.", &ListenerTraffic::bytes_sent);
  http.collect(families);
}

}  // namespace server
