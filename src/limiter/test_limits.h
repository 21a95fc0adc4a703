// For tests of this room: specs in a line, and one decision at a time.
#pragma once
#include <chrono>
#include <deque>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "limiter/limiter.h"

namespace limiter {

using std::chrono::seconds;

inline LimitSpec gcra(int64_t count, base::Duration period, int64_t burst) {
  LimitSpec spec;
  spec.algorithm = "gcra";
  spec.rate = {count, period};
  spec.law = limit::Gcra::make(spec.rate, burst).value();
  return spec;
}

inline LimitSpec window(int64_t count, base::Duration period) {
  LimitSpec spec;
  spec.algorithm = "fixed_window";
  spec.rate = {count, period};
  spec.law = limit::FixedWindow::make(spec.rate).value();
  return spec;
}

inline LimitSpec concurrency(int64_t cap, base::Duration ttl_max = seconds(60)) {
  LimitSpec spec;
  spec.algorithm = "concurrency";
  spec.law = limit::Concurrency::make(cap, ttl_max).value();
  return spec;
}

inline LimitSpec unlimited() {
  LimitSpec spec;
  spec.algorithm = "unlimited";
  return spec;
}

inline LimitSpec named(std::string name, LimitSpec spec) {
  spec.name = std::move(name);
  return spec;
}

inline NodeSpec node(std::string key, std::string value, std::vector<LimitSpec> limits = {},
                     std::vector<NodeSpec> nodes = {}) {
  NodeSpec spec;
  spec.key = std::move(key);
  spec.value = std::move(value);
  spec.limits = std::move(limits);
  spec.nodes = std::move(nodes);
  return spec;
}

inline DomainSpec domain(std::vector<NodeSpec> nodes, std::string name = "d") {
  DomainSpec spec;
  spec.name = std::move(name);
  spec.nodes = std::move(nodes);
  return spec;
}

// Descriptors as tests write them: {{"tenant", "acme"}, {"path", "/x"}} is one of two entries.
class Path {
 public:
  Path(std::initializer_list<std::vector<Entry>> paths) : paths_(paths) {
    for (const auto& each : paths_) descriptors_.push_back(each);
  }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;
  std::span<const Descriptor> get() const { return descriptors_; }
  Descriptor first() const { return descriptors_.front(); }

 private:
  std::deque<std::vector<Entry>> paths_;
  std::vector<Descriptor> descriptors_;
};

// A limiter of one domain "d", decided one ask at a time.
class TestLimiter {
 public:
  explicit TestLimiter(std::vector<NodeSpec> nodes, LimiterOptions options = {.seed = 7})
      : limiter(options) {
    reload(std::move(nodes));
  }
  void reload(std::vector<NodeSpec> nodes) {
    std::vector<DomainSpec> specs;
    specs.push_back(domain(std::move(nodes)));
    CHECK(limiter.reload(std::move(specs)).empty());
  }
  // Valid until the next call.
  const Answer& decide(const Path& path, int64_t cost, base::Time now) {
    return decide(Ask{.domain = "d", .descriptors = path.get(), .cost = cost}, now);
  }
  const Answer& decide(const Ask& ask, base::Time now) {
    batch_.clear();
    batch_.add(ask);
    limiter.decide(batch_, now);
    return batch_.answer(0);
  }
  // Units that the limits of `path` would still allow.
  int64_t remaining(const Path& path, base::Time now) {
    return decide(Ask{.domain = "d", .descriptors = path.get(), .cost = 0, .dry_run = true}, now)
        .numbers.remaining;
  }

  Limiter limiter;

 private:
  Batch batch_;
};

inline base::Time at(base::Duration since) {
  return base::time_from(1'700'000'000'000'000'000) + since;
}

}  // namespace limiter
