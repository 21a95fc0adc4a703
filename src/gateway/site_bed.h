// The sides of a site that are not under test: a clock that is told the time, a client's exchange,
// and limits that answer what a test says, when it says. For tests.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "gateway/site.h"
#include "io/clock.h"
#include "io/loop.h"
#include "limiter/decider.h"

namespace site_bed {

// Runs the loop until `done`, or for too long.
inline bool run(io::Loop& loop, const std::function<bool()>& done,
                std::chrono::milliseconds most = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + most;
  bool over = false;
  while (!done() && !over) {
    loop.after(std::chrono::milliseconds(2), [] {});  // wait() returns at times.
    loop.poll().wait();
    over = std::chrono::steady_clock::now() > end;
  }
  return done();
}

class Client final : public proxy::Exchange {
 public:
  struct Asks {
    std::string method = "GET", target = "/", host = "gw.test", body{};
    std::vector<std::pair<std::string, std::string>> fields{};
    std::string peer = "192.0.2.1";
  };
  explicit Client(Asks asks) : asks_(std::move(asks)) {
    head_.method = asks_.method;
    head_.target = asks_.target;
    head_.path = head_.target.substr(0, head_.target.find('?'));
    head_.host = asks_.host;
    head_.request_id = "r1";
    head_.peer = *io::Ip::parse(asks_.peer);
    for (const auto& [name, value] : asks_.fields) head_.fields.push_back({name, value});
  }

  const proxy::Head& head() const override { return head_; }
  void read_body(size_t bytes_max, std::function<void(std::string_view)> read) override {
    CHECK(!answered && !passed);
    if (asks_.body.size() <= bytes_max) return read(asks_.body);
    answer({.status = 413, .content_type = {}, .body = {}, .headers = {}});
  }
  void answer(http::Answer&& given) override {
    CHECK(!answered && !passed);  // Once.
    answered = std::move(given);
  }
  void pass(const proxy::Way& way, std::string_view from,
            std::vector<std::pair<std::string_view, std::string>> fields) override {
    CHECK(!answered && !passed);
    passed = static_cast<const gateway::Route&>(way).path;  // A site has no others.
    client = from;
    added.assign(fields.begin(), fields.end());
  }
  bool gone() const override { return left; }

  bool over() const { return answered || passed; }
  int status() const { return answered ? answered->status : 0; }
  std::string body() const { return answered ? answered->body : ""; }
  std::string field(std::string_view name) const {
    if (answered) {
      for (const auto& [known, value] : answered->headers) {
        if (known == name) return value;
      }
    }
    for (const auto& [known, value] : added) {
      if (known == name) return value;
    }
    return {};
  }

  std::optional<http::Answer> answered;
  std::optional<std::string> passed;  // The route's path.
  std::string client;
  std::vector<std::pair<std::string, std::string>> added;
  bool left = false;

 private:
  const Asks asks_;
  proxy::Head head_;
};

// Answers decide() alone, at once (deferred) or when the test says.
class Limits final : public limiter::Decider {
 public:
  explicit Limits(io::Loop& loop) : loop_(loop) {}

  void decide(std::span<const limiter::Ask> asks, Decided done) override {
    CHECK(asks.size() == 1);
    asked.push_back(std::string(asks[0].domain));
    for (const limiter::Descriptor& each : asks[0].descriptors) {
      asked.back() += " " + limiter::to_string(each);
    }
    waiting.push_back(std::move(done));
    if (!holds) loop_.post([this] { tell(); });
  }
  void tell() {  // The one that waits longest.
    const Decided done = std::move(waiting.front());
    waiting.pop_front();
    done(std::span(&answer, 1));
  }

  void reserve(const limiter::Ask&, base::Duration, Opened) override { CHECK(false); }
  void commit(std::string_view, std::optional<int64_t>, Committed) override { CHECK(false); }
  void cancel(std::string_view, Ended) override { CHECK(false); }
  void acquire(const limiter::Ask&, base::Duration, Opened) override { CHECK(false); }
  void renew(std::string_view, base::Duration, Ended) override { CHECK(false); }
  void release(std::string_view, Ended) override { CHECK(false); }
  void why(std::string_view, std::span<const limiter::Descriptor>, Explained) override {
    CHECK(false);
  }
  void block(std::string_view, limiter::Descriptor, base::Duration, Ended) override {
    CHECK(false);
  }
  void forget(std::string_view, limiter::Descriptor, Ended) override { CHECK(false); }

  limiter::Answer answer{};
  bool holds = false;
  std::vector<std::string> asked;
  std::deque<Decided> waiting;

 private:
  io::Loop& loop_;
};

inline gateway::Route route_to(std::string path, std::string upstream,
                               gateway::WhenNone when = gateway::WhenNone::kRefuse) {
  gateway::Route out;
  out.path = std::move(path);
  out.upstream = std::move(upstream);
  out.when_none = when;
  out.decide = gateway::Decide{"gateway", {"client_ip={client_ip}"}};
  return out;
}

inline gateway::Options usual() {
  gateway::Options options;
  options.deadline = std::chrono::seconds(5);
  options.compute_hash = {.rounds = 1000, .threads = 1};
  options.routes = {route_to("/compute_hash", ""), route_to("/", "http://127.0.0.1:9"),
                    route_to("/open", "http://127.0.0.1:9", gateway::WhenNone::kAllow)};
  gateway::Route unlimited = route_to("/free", "http://127.0.0.1:9");
  unlimited.decide.reset();
  options.routes.push_back(unlimited);
  return options;
}

struct SiteBed {
  explicit SiteBed(gateway::Options with = usual(), bool embedded = true)
      : options(std::move(with)),
        common(options, clock, {}),
        site(std::in_place, loop, common, embedded ? &limits : nullptr) {}

  std::shared_ptr<Client> begin(Client::Asks asks) {
    auto client = std::make_shared<Client>(std::move(asks));
    loop.post([this, client] { site->on_request(client); });
    return client;
  }
  std::shared_ptr<Client> serve(Client::Asks asks) {
    auto client = begin(std::move(asks));
    EXPECT_TRUE(run(loop, [&] { return client->over(); }));
    return client;
  }
  std::shared_ptr<Client> get(const std::string& target) { return serve({.target = target}); }
  std::shared_ptr<Client> hash(const std::string& body) {
    return serve({.method = "POST", .target = "/compute_hash", .body = body});
  }
  std::shared_ptr<Client> enter(const std::string& body, const std::string& peer = "127.0.0.1",
                                const std::string& path = "/register_rate_limiter") {
    return serve({.method = "POST", .target = path, .body = body, .peer = peer});
  }
  std::string metrics() const {
    metric::Families families;
    common.collect(families);
    return families.text();
  }

  gateway::Options options;
  io::SystemClock clock;
  io::Loop loop;
  Limits limits{loop};
  gateway::Site::Common common;
  std::optional<gateway::Site> site;
};

// What a limit of ten has to say.
struct Met {
  explicit Met(bool allowed, int64_t remaining) {
    limit.name = "client_ip";
    limit.spec.algorithm = "fixed_window";
    limit.spec.rate = {10, std::chrono::seconds(10)};
    limit.spec.law = limit::FixedWindow::make(limit.spec.rate).value();
    met.limit = &limit;
    met.decision = {.allowed = allowed,
                    .limit = 10,
                    .remaining = remaining,
                    .retry_after = allowed ? base::Duration{} : std::chrono::milliseconds(2500),
                    .reset_after = std::chrono::milliseconds(2500)};
    answer.allowed = allowed;
    answer.matched = true;
    if (!allowed) answer.limited_by = limit.name;
    answer.numbers = met.decision;
    answer.limits = std::span(&met, 1);
  }
  limiter::Limit limit;
  limiter::LimitAnswer met{};
  limiter::Answer answer;
};

}  // namespace site_bed
