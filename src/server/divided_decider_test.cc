#include "server/divided_decider.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "io/clock.h"

namespace server {
namespace {

using limiter::Descriptor;
using limiter::Entry;

limiter::DomainSpec domain(const std::string& name, int64_t burst) {
  limiter::LimitSpec limit;
  limit.name = "rate";
  limit.algorithm = "gcra";
  limit.rate = {1, std::chrono::hours(1)};
  limit.law = *limit::Gcra::make(limit.rate, burst);
  limiter::NodeSpec node;
  node.key = "host";
  node.limits = {limit};
  return {name, {node}, {}};
}

struct Bed {
  Bed() {
    CHECK(here.reload({domain("outbound", 1), domain("api", 1)}).empty());
    CHECK(there.reload({domain("outbound", 5), domain("api", 5)}).empty());
  }
  void run(const std::function<void()>& ask) {
    loop.post(ask);
    loop.run();
  }

  io::Loop loop;
  io::SystemClock clock;
  limiter::Limiter here{{}}, there{{}};
  LocalDecider elsewhere{loop, there, clock};
  DividedDecider divided{loop, here, clock, elsewhere};
};

const Entry kHost{"host", "a"};
const Descriptor kDescriptor(&kHost, 1);

limiter::Ask ask(std::string_view domain) {
  return {.domain = domain, .descriptors = {&kDescriptor, 1}};
}

TEST(DividedDecider, AsksOfBothPlacesAreAnsweredInTheirOrder) {
  Bed bed;
  std::vector<int64_t> limits;
  std::vector<std::string> seen;
  bed.run([&] {
    const std::vector<limiter::Ask> asks = {ask("api"), ask("outbound"), ask("nowhere"),
                                            ask("outbound"), ask("api")};
    bed.divided.decide(asks, [&](std::span<const limiter::Answer> answers) {
      for (const limiter::Answer& each : answers) {
        limits.push_back(each.known_domain ? each.numbers.limit : -1);
        for (const auto& met : each.limits) seen.push_back(limiter::to_string(met.descriptor));
      }
      bed.loop.stop();
    });
  });
  EXPECT_EQ(limits, (std::vector<int64_t>{5, 1, -1, 1, 5}));
  EXPECT_EQ(seen, std::vector<std::string>(4, "host=a"));
}

TEST(DividedDecider, OnlyWhatAPushIsChargedWithIsOwn) {
  EXPECT_TRUE(own_limits("server", "whatever"));
  EXPECT_TRUE(own_limits("outbound", "host"));
  EXPECT_FALSE(own_limits("outbound", "queue"));
  EXPECT_FALSE(own_limits("api", "host"));
  const Entry queue{"queue", "q"};
  const Descriptor both[] = {kDescriptor, Descriptor(&queue, 1)};
  EXPECT_FALSE(own_limits("outbound", both));
}

TEST(DividedDecider, WhatIsOnlyOwnIsAnsweredToo) {
  Bed bed;
  std::vector<bool> allowed;
  bed.run([&] {
    const std::vector<limiter::Ask> asks = {ask("outbound"), ask("outbound")};
    bed.divided.decide(asks, [&](std::span<const limiter::Answer> answers) {
      for (const limiter::Answer& each : answers) allowed.push_back(each.allowed);
      bed.loop.stop();
    });
    EXPECT_TRUE(allowed.empty()) << "never from inside the call";
  });
  EXPECT_EQ(allowed, (std::vector<bool>{true, false}));
}

TEST(DividedDecider, AnIdEndsWhereItWasMade) {
  for (const char* const domain : {"outbound", "api"}) {
    Bed bed;
    std::vector<bool> ended;
    bed.run([&] {
      bed.divided.reserve(ask(domain), std::chrono::seconds(60), [&](auto&& opened) {
        const std::string id = opened->id;
        const auto cancel = [&bed, id](auto then) {
          bed.divided.cancel(id, [then](base::Status&& status) { then(status.has_value()); });
        };
        cancel([&, cancel](bool first) {
          cancel([&, first](bool second) {
            ended = {first, second};
            bed.loop.stop();
          });
        });
      });
    });
    EXPECT_EQ(ended, (std::vector<bool>{true, false})) << domain;
  }
}

TEST(DividedDecider, ABlockReachesThePlaceOfItsDomain) {
  Bed bed;
  bed.run([&] {
    bed.divided.block("outbound", kDescriptor, std::chrono::seconds(60), [&](base::Status&&) {
      bed.divided.block("api", kDescriptor, std::chrono::seconds(60),
                        [&](base::Status&&) { bed.loop.stop(); });
    });
  });
  const base::Time now = bed.clock.now();
  const std::span<const Descriptor> one(&kDescriptor, 1);
  const auto blocked = [&](limiter::Limiter& limits, std::string_view domain) {
    return limits.why(domain, one, now)->rows.front().blocked_until > now;
  };
  EXPECT_TRUE(blocked(bed.here, "outbound"));
  EXPECT_FALSE(blocked(bed.here, "api"));
  EXPECT_TRUE(blocked(bed.there, "api"));
  EXPECT_FALSE(blocked(bed.there, "outbound"));
}

}  // namespace
}  // namespace server
