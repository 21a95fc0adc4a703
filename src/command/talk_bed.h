// For the tests of conversations: a process, a told clock, the limits of tests/scripts/limits.yaml,
// and one connection to talk on.
#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "command/conversation.h"
#include "command/counters.h"
#include "command/inline_shards.h"
#include "dispatch/hosts.h"
#include "limiter/limiter.h"

namespace command {

class ToldClock : public base::Clock {
 public:
  base::Time now() const override { return now_; }
  void pass(base::Duration span) { now_ += span; }

 private:
  base::Time now_ = base::time_from(1'750'000'000'000'000'000);  // A whole second of June 2025.
};

class PlainProcess : public Process {
 public:
  void shut_down() override { stopping_ = true; }
  bool stopping() const override { return stopping_; }
  bool ready(std::string&) const override { return !stopping_; }
  std::string metrics_text() const override { return {}; }
  Facts facts() const override {
    Facts facts;
    facts.version = "0.1.0";
    facts.commit = "abc";
    facts.tcp_port = 7411;
    facts.started_at_ms = 1'749'999'990'000;
    return facts;
  }

 private:
  bool stopping_ = false;
};

inline limiter::LimitSpec a_limit(std::string name, std::string algorithm, limiter::Law law,
                                  limit::Rate rate = {}) {
  limiter::LimitSpec spec;
  spec.name = std::move(name);
  spec.algorithm = std::move(algorithm);
  spec.law = std::move(law);
  spec.rate = rate;
  return spec;
}

inline limiter::LimitSpec a_gcra(std::string name, limit::Rate rate, int64_t burst) {
  return a_limit(std::move(name), "gcra", limit::Gcra::make(rate, burst).value(), rate);
}

inline limiter::NodeSpec a_node(std::string key, std::vector<limiter::LimitSpec> limits,
                                std::vector<limiter::NodeSpec> nodes = {}) {
  limiter::NodeSpec node;
  node.key = std::move(key);
  node.limits = std::move(limits);
  node.nodes = std::move(nodes);
  return node;
}

// tests/scripts/limits.yaml, as it compiles; limits.test shows both to be the same.
inline limiter::DomainSpec script_limits() {
  using std::chrono::hours;
  using std::chrono::seconds;
  limiter::DomainSpec api;
  api.name = "api";
  const limit::Rate ten{10, seconds(1)};
  const limit::Rate hourly{100, hours(1)};
  limiter::LimitSpec window =
      a_limit("hour", "fixed_window", limit::FixedWindow::make(hourly).value(), hourly);
  api.nodes.push_back(a_node("tenant", {a_gcra("tenant", ten, 5)}, {a_node("path", {window})}));
  limiter::LimitSpec tokens = a_gcra("tokens", {100, seconds(10)}, 100);
  tokens.overdraft = 20;
  limiter::LimitSpec requests = a_gcra("requests", {3, seconds(1)}, 3);
  requests.counts = limiter::Counts::kRequests;
  api.nodes.push_back(a_node("model", {tokens, requests}));
  limiter::LimitSpec jobs;
  jobs.name = "jobs";
  jobs.algorithm = "concurrency";
  jobs.law = limit::Concurrency::make(2, seconds(60)).value();
  api.nodes.push_back(a_node("job", {jobs}));
  limiter::LimitSpec watched = a_gcra("watched", {1, seconds(1)}, 1);
  watched.shadow = true;
  api.nodes.push_back(a_node("watched", {watched}));
  return api;
}

// As the configuration makes it of `dispatch: { total: 3, per_host: 2 }`.
inline limiter::DomainSpec outbound_limits() {
  const auto cap = [](std::string name, int64_t most) {
    return a_limit(std::move(name), "concurrency",
                   limit::Concurrency::make(most, std::chrono::hours(12)).value());
  };
  limiter::DomainSpec outbound;
  outbound.name = dispatch::kDomain;
  outbound.nodes.push_back(a_node(std::string(dispatch::kHostKey), {cap("dispatch-per-host", 2)}));
  outbound.nodes.push_back(a_node(std::string(dispatch::kGlobalKey), {cap("dispatch-total", 3)}));
  outbound.nodes.back().value = dispatch::kGlobalValue;
  return outbound;
}

// One line of configuration turns these on: 3 commands a second for a client, 5 for all.
inline limiter::DomainSpec server_limits() {
  using std::chrono::seconds;
  limiter::DomainSpec server;
  server.name = "server";
  server.nodes.push_back(a_node("client_ip", {a_gcra("client_ip", {3, seconds(1)}, 3)}));
  server.nodes.push_back(a_node("scope", {a_gcra("scope_global", {5, seconds(1)}, 5)}));
  server.nodes.back().value = "global";
  return server;
}

inline std::string resp(std::vector<std::string_view> words) {
  std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) {
    bytes += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  }
  return bytes;
}

struct TalkBed {
  explicit TalkBed(std::vector<limiter::DomainSpec> limits = {script_limits()},
                   const VerbTable& table = verb_table())
      : counters(table) {
    CHECK(limiter.reload(std::move(limits)).empty());
    connect();
  }

  void connect(std::string address = "127.0.0.1", bool admin = true) {
    talk.reset();
    shards.pump();
    readies = 0;
    unread.clear();
    talk = std::make_unique<Conversation>(
        Services{limiter, clock, process, counters, &shards, &hosts},
        Caller{.address = std::move(address), .admin = admin, .connection_id = ++connections},
        protocol::Bounds{}, [this] { ++readies; });
  }

  // All of `bytes` in one piece, and what came back. What was not used is kept for the next call.
  std::string say(std::string_view bytes) {
    unread += bytes;
    return go_on();
  }
  // Until nothing moves any more: requests behind one that waited run, too.
  std::string go_on() {
    std::string out;
    for (int seen = -1; seen != readies;) {
      seen = readies;
      unread.erase(0, talk->feed(unread));
      shards.pump();
      out += take();
    }
    return out;
  }
  // Instant by instant, as a process would see it; what came back meanwhile.
  std::string pass(base::Duration span) {
    std::string out;
    const base::Time end = clock.now() + span;
    while (clock.now() < end) {
      const base::Time due = std::max(shards.due(), clock.now() + std::chrono::microseconds(1));
      clock.pass(std::min(due, end) - clock.now());
      shards.pump();
      out += go_on();
    }
    return out;
  }
  std::string line(std::string_view text) { return say(std::string(text) + "\n"); }
  std::string take() { return std::exchange(talk->out(), {}); }

  ToldClock clock;
  PlainProcess process;
  Counters counters;
  limiter::Limiter limiter{limiter::LimiterOptions{}};
  InlineShards shards{limiter, clock, {}};
  dispatch::Hosts hosts{limiter, {}};
  uint64_t connections = 0;
  int readies = 0;  // How often on_ready was called.
  std::string unread;
  std::unique_ptr<Conversation> talk;
};

}  // namespace command
