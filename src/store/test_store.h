// For tests of this room: a real Redis, and a Store that is asked one thing at a time.
#pragma once
#include <atomic>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/clock.h"
#include "io/loop.h"
#include "limiter/test_limits.h"
#include "redis/test_server.h"
#include "store/store.h"

namespace store {

using limiter::Path;

class SetClock final : public base::Clock {
 public:
  base::Time now() const override { return base::time_from(now_.load()); }
  void set(base::Time t) { now_ = base::nanoseconds(t); }

 private:
  std::atomic<int64_t> now_{1'763'788'000'000'000'000};
};

// An answer whose names live on.
struct Said {
  bool allowed = false, known_domain = true, matched = false;
  std::string limited_by, nearest;
  limit::Decision numbers;
  limiter::DecidedBy by = limiter::DecidedBy::kMemory;
  std::vector<limit::Decision> rows;
};

inline Said said(const limiter::Answer& answer) {
  Said out{.allowed = answer.allowed,
           .known_domain = answer.known_domain,
           .matched = answer.matched,
           .limited_by = std::string(answer.limited_by),
           .nearest = std::string(answer.nearest),
           .numbers = answer.numbers,
           .by = answer.decided_by,
           .rows = {}};
  for (const limiter::LimitAnswer& row : answer.limits) out.rows.push_back(row.decision);
  return out;
}

inline Options test_options(uint16_t port) {
  Options options;
  options.redis.nodes = {{"127.0.0.1", port}};
  options.deadline = std::chrono::seconds(5);
  options.seed = 11;
  return options;
}

inline void set_mode(std::vector<limiter::NodeSpec>& nodes, limiter::Mode mode) {
  for (limiter::NodeSpec& node : nodes) {
    for (limiter::LimitSpec& limit : node.limits) limit.mode = mode;
    set_mode(node.nodes, mode);
  }
}

// One instance: limits of its own, and a loop that runs while something is asked.
class Instance {
 public:
  struct More {
    bool granted = false;                // Limits as they are; else all are strict.
    const base::Clock* clock = nullptr;  // The process's; null: the real one.
  };
  Instance(Options options, std::vector<limiter::NodeSpec> nodes)
      : Instance(std::move(options), std::move(nodes), More{}) {}
  Instance(Options options, std::vector<limiter::NodeSpec> nodes, More more)
      : limiter({.seed = 7}),
        common(std::move(options), limiter, more.clock != nullptr ? *more.clock : clock),
        granted_(more.granted) {
    reload(std::move(nodes));
    store.emplace(loop, common);
  }

  void reload(std::vector<limiter::NodeSpec> nodes) {
    if (!granted_) set_mode(nodes, limiter::Mode::kStrict);
    std::vector<limiter::DomainSpec> specs;
    specs.push_back(limiter::domain(std::move(nodes)));
    reload_domains(std::move(specs));
  }
  void reload_domains(std::vector<limiter::DomainSpec> specs) {
    CHECK(limiter.reload(std::move(specs)).empty());
  }

  void wait_until_up() {
    CHECK(run([&] { return common.up(); }));
  }
  // False: not within ten seconds.
  bool run(const std::function<bool()>& until) {
    const base::Time end = clock.now() + std::chrono::seconds(10);
    while (!until()) {
      if (clock.now() > end) return false;
      turn();
    }
    return true;
  }

  std::vector<Said> decide(const std::vector<limiter::Ask>& asks) {
    std::optional<std::vector<Said>> got;
    store->decide(asks, [&](std::span<const limiter::Answer> answers) {
      got.emplace();
      for (const limiter::Answer& answer : answers) got->push_back(said(answer));
    });
    CHECK(run([&] { return got.has_value(); }));
    return *got;
  }
  Said decide(const limiter::Ask& ask) { return decide(std::vector{ask}).front(); }
  Said decide(const Path& path, int64_t cost = 1) {
    return decide(limiter::Ask{.domain = "d", .descriptors = path.get(), .cost = cost});
  }

  using Opened = base::Result<limiter::Limiter::Opened>;
  Opened reserve(const Path& path, int64_t cost, base::Duration ttl = std::chrono::hours(1)) {
    return wait<Opened>([&](auto done) {
      store->reserve({.domain = "d", .descriptors = path.get(), .cost = cost}, ttl, done);
    });
  }
  Opened acquire(const Path& path, base::Duration ttl, int64_t cost = 1) {
    return wait<Opened>([&](auto done) {
      store->acquire({.domain = "d", .descriptors = path.get(), .cost = cost}, ttl, done);
    });
  }
  base::Result<int64_t> commit(const std::string& id, std::optional<int64_t> cost) {
    return wait<base::Result<int64_t>>([&](auto done) { store->commit(id, cost, done); });
  }
  base::Status cancel(const std::string& id) {
    return wait<base::Status>([&](auto done) { store->cancel(id, done); });
  }
  base::Status renew(const std::string& id, base::Duration ttl) {
    return wait<base::Status>([&](auto done) { store->renew(id, ttl, done); });
  }
  base::Status release(const std::string& id) {
    return wait<base::Status>([&](auto done) { store->release(id, done); });
  }
  base::Status block(const Path& path, base::Duration span) {
    return wait<base::Status>([&](auto done) { store->block("d", path.first(), span, done); });
  }
  base::Status forget(const Path& path) {
    return wait<base::Status>([&](auto done) { store->forget("d", path.first(), done); });
  }
  base::Result<limiter::Limiter::Why> why(const Path& path) {
    return wait<base::Result<limiter::Limiter::Why>>(
        [&](auto done) { store->why("d", path.get(), done); });
  }

  // One round of the loop, 20 ms at most.
  void turn() {
    loop.after(std::chrono::milliseconds(20), [] {});
    loop.poll().wait();
  }

  void turn_if_ready() { loop.poll().dispatch(); }

  io::SystemClock clock;
  io::Loop loop;
  limiter::Limiter limiter;
  Common common;
  std::optional<Store> store;

 private:
  const bool granted_ = false;

  template <typename T, typename Ask>
  T wait(Ask&& ask) {
    std::optional<T> got;
    ask([&](T&& result) { got.emplace(std::move(result)); });
    CHECK(run([&] { return got.has_value(); }));
    return *std::move(got);
  }
};

}  // namespace store
