// For tests of this room: hosts over a real limiter with the limits that pushes meet, and a clock
// that is told.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "dispatch/hosts.h"
#include "limiter/limiter.h"

namespace dispatch {

class TestBed {
 public:
  explicit TestBed(HostsOptions options = {}, std::string domain = std::string(kDomain))
      : limiter({.seed = 7}), hosts(limiter, options) {
    limiter::DomainSpec outbound;
    outbound.name = std::move(domain);
    outbound.nodes.push_back(cap(kHostKey, "", "dispatch-per-host", 8));
    outbound.nodes.push_back(cap(kGlobalKey, kGlobalValue, "dispatch-total", 200));
    CHECK(limiter.reload({outbound}).empty());
  }

  void begin(std::string_view host) { hosts.begin(host, now); }
  void end(std::string_view host, const Exchange& exchange, base::Time started) {
    hosts.end(host, judge(exchange, now, {}), exchange, {.started = started}, now);
  }
  // A request that begins after all that was, and takes a millisecond.
  void answer(std::string_view host, const Exchange& exchange) {
    now += std::chrono::nanoseconds(1);
    begin(host);
    now += std::chrono::milliseconds(1);
    end(host, exchange, now - std::chrono::milliseconds(1));
  }
  void answer(std::string_view host, int status, std::string_view retry_after = {}) {
    answer(host, Exchange{.status = status, .retry_after = retry_after});
  }
  void fail(std::string_view host) { answer(host, {.failure = Failure::kConnect}); }

  // What the gate asks for a message of the host: 0: it goes (and its holds are under `id`).
  base::Duration wait_of(std::string_view host) {
    const auto met = take(host);
    if (met) return met->retry_after;
    release(host);
    return {};
  }
  std::optional<limiter::Obstacle> take(std::string_view host) {
    const HostAsk asked(host);
    const auto taken =
        limiter.take(asked.ask(), {.hold_id = ++hold_, .ttl = std::chrono::minutes(5)}, now);
    CHECK(taken.has_value());
    return *taken;
  }
  void release(std::string_view host) { release(host, hold_); }
  void release(std::string_view host, uint64_t hold) {
    limiter.release(HostAsk(host).ask(), hold, now);
  }
  uint64_t last_hold() const { return hold_; }

  HostRow row(std::string_view host) const { return hosts.row(host, now); }
  std::string metrics() const {
    metric::Families families;
    hosts.collect(families, now);
    return families.text();
  }
  void tick_all() {
    for (int i = 0; i < 64; ++i) hosts.tick(now);
  }

  base::Time now = base::time_from(1'800'000'000'000'000'000);
  limiter::Limiter limiter;
  Hosts hosts;

 private:
  static limiter::NodeSpec cap(std::string_view key, std::string_view value, std::string name,
                               int64_t most) {
    limiter::LimitSpec spec;
    spec.name = std::move(name);
    spec.algorithm = "concurrency";
    spec.law = limit::Concurrency::make(most, std::chrono::hours(12)).value();
    limiter::NodeSpec node;
    node.key = key;
    node.value = value;
    node.limits.push_back(std::move(spec));
    return node;
  }
  struct HostAsk {
    explicit HostAsk(std::string_view host) : of_host{kHostKey, host} {}
    HostAsk(const HostAsk&) = delete;
    limiter::Ask ask() const { return {.domain = kDomain, .descriptors = both}; }
    limiter::Entry of_host, of_all{kGlobalKey, kGlobalValue};
    limiter::Descriptor both[2] = {{&of_host, 1}, {&of_all, 1}};
  };

  uint64_t hold_ = 0;
};

}  // namespace dispatch
