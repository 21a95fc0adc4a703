// For the tests of HTTP: a process, a clock and a limiter with one limit of each kind, and requests
// to them.
#pragma once
#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "base/check.h"
#include "command/counters.h"
#include "command/http_api.h"
#include "command/inline_shards.h"
#include "dispatch/hosts.h"
#include "limiter/limiter.h"

namespace command {

inline constexpr int64_t kBedStart = 1'750'000'000'000'000'000;  // On a whole second, June 2025.

class BedClock : public base::Clock {
 public:
  base::Time now() const override { return now_; }
  void pass(base::Duration span) { now_ += span; }

 private:
  base::Time now_ = base::time_from(kBedStart);
};

class BedProcess : public Process {
 public:
  void shut_down() override { stopping_ = true; }
  bool stopping() const override { return stopping_; }
  bool ready(std::string& why_not) const override {
    if (stopping_) why_not = "stopping";
    return !stopping_;
  }
  std::string metrics_text() const override { return "ratelimmq_x_total 1\n"; }
  Facts facts() const override {
    Facts facts;
    facts.version = "1.2.3";
    facts.commit = "abc";
    return facts;
  }

 private:
  bool stopping_ = false;
};

struct Asked {  // An answer as a test looks at it.
  int status = 0;
  std::string type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  boost::json::value json() const { return boost::json::parse(body); }
  // A member of the record that the body is, as JSON text; empty: it has none.
  std::string at(std::string_view name) const {
    const boost::json::value whole = json();
    if (!whole.is_object()) return {};
    const boost::json::value* member = whole.as_object().if_contains({name.data(), name.size()});
    return member == nullptr ? std::string() : boost::json::serialize(*member);
  }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

inline limiter::LimitSpec bed_limit(std::string name, std::string algorithm, limiter::Law law,
                                    limit::Rate rate = {}) {
  limiter::LimitSpec spec;
  spec.name = std::move(name);
  spec.algorithm = std::move(algorithm);
  spec.law = std::move(law);
  spec.rate = rate;
  return spec;
}

inline limiter::LimitSpec bed_gcra(std::string name, limit::Rate rate, int64_t burst) {
  return bed_limit(std::move(name), "gcra", limit::Gcra::make(rate, burst).value(), rate);
}

inline limiter::LimitSpec bed_window(std::string name, limit::Rate rate) {
  return bed_limit(std::move(name), "fixed_window", limit::FixedWindow::make(rate).value(), rate);
}

inline limiter::NodeSpec bed_node(std::string key, std::vector<limiter::LimitSpec> limits) {
  limiter::NodeSpec node;
  node.key = std::move(key);
  node.limits = std::move(limits);
  return node;
}

// Domain `api`: tenant 10/s; day 100/d in fixed windows; slow 3/10s burst 1; both (two limits);
// jobs: 2 at a time; watched: a shadow; odd: a name that no header may hold as it is.
inline std::vector<limiter::DomainSpec> bed_limits() {
  using std::chrono::hours;
  using std::chrono::seconds;
  limiter::DomainSpec api;
  api.name = "api";
  api.nodes.push_back(bed_node("tenant", {bed_gcra("per-tenant", {10, seconds(1)}, 10)}));
  api.nodes.push_back(bed_node("day", {bed_window("daily", {100, hours(24)})}));
  api.nodes.push_back(bed_node("slow", {bed_gcra("slowly", {3, seconds(10)}, 1)}));
  api.nodes.push_back(bed_node(
      "both", {bed_gcra("fast", {10, seconds(1)}, 10), bed_window("hourly", {2, hours(1)})}));
  api.nodes.push_back(bed_node(
      "job", {bed_limit("jobs", "concurrency", limit::Concurrency::make(2, hours(1)).value())}));
  limiter::LimitSpec shadow = bed_gcra("watched", {1, seconds(1)}, 1);
  shadow.shadow = true;
  api.nodes.push_back(bed_node("watched", {shadow}));
  api.nodes.push_back(bed_node("odd", {bed_gcra("a\"b\\c\r\né", {1, seconds(1)}, 1)}));
  limiter::LimitSpec unlimited;
  unlimited.name = "free";
  unlimited.algorithm = "unlimited";
  api.nodes.push_back(bed_node("free", {unlimited}));
  return {std::move(api)};
}

struct HttpBed {
  explicit HttpBed(std::vector<limiter::DomainSpec> limits = bed_limits()) {
    CHECK(limiter.reload(std::move(limits)).empty());
  }

  Asked ask(std::string_view method, std::string_view target, std::string_view body = {},
            std::string_view content_type = "application/json") {
    Asked asked;
    int replies = 0;
    const HttpRequest request = {.method = method,
                                 .target = target,
                                 .content_type = content_type,
                                 .body = body,
                                 .request_id = "r1"};
    serve_http(services, caller, listener, request, [&](HttpAnswer&& answer) {
      ++replies;
      asked.status = answer.status;
      asked.type = answer.content_type;
      asked.body = std::move(answer.body);
      for (auto& [name, value] : answer.headers) {
        asked.headers.emplace_back(name, std::move(value));
      }
    });
    shards.pump();
    CHECK(replies == 1);
    return asked;
  }
  Asked post(std::string_view target, std::string_view body) { return ask("POST", target, body); }
  // A decision in domain `api` over one entry.
  Asked check(std::string_view key, std::string_view value, int64_t cost = 1) {
    std::string body = R"({"domain":"api","descriptors":[[[")";
    body.append(key).append("\",\"").append(value).append("\"]]],\"cost\":");
    return post("/v1/check", body + std::to_string(cost) + "}");
  }

  BedClock clock;
  BedProcess process;
  Counters counters;
  limiter::Limiter limiter{limiter::LimiterOptions{}};
  InlineShards shards{limiter, clock, {}};
  dispatch::Hosts hosts{limiter, {}};
  Services services{.limiter = limiter,
                    .clock = clock,
                    .process = process,
                    .counters = counters,
                    .shards = &shards,
                    .hosts = &hosts};
  Caller caller{.address = "127.0.0.1", .admin = true, .connection_id = 1};
  Listener listener = Listener::kApi;
};

}  // namespace command
