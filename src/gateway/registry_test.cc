#include "gateway/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr base::Time kStart = base::time_from(1'700'000'000'000'000'000);

struct RegistryBed {
  explicit RegistryBed(Options options = {}) : registry(options) {}

  void add(const std::string& host, std::optional<base::Duration> ttl = {}) {
    ASSERT_TRUE(registry.add(host, 8001, ttl, now));
  }
  std::string choose(std::string_view key = "") {
    chosen = registry.choose(key, now);
    return chosen ? chosen->host : "none";
  }
  void answer() { registry.answered(chosen->id, milliseconds(1), now); }
  void fail() { registry.failed(chosen->id, now, now); }
  void eject() {
    for (unsigned i = 0; i < Registry::kFailuresMax; ++i) {
      ASSERT_NE(choose(), "none");
      fail();
    }
  }
  std::string state() const { return registry.instances(now).at(0).state; }

  Registry registry;
  base::Time now = kStart;
  std::optional<Registry::Chosen> chosen;
};

TEST(Registry, KnowsWhatHasRegisteredUntilItLeaves) {
  RegistryBed bed;
  EXPECT_EQ(bed.choose(), "none");
  EXPECT_EQ(bed.registry.add("10.0.0.1", 8001, {}, bed.now)->instances, 1u);
  EXPECT_EQ(bed.registry.add("10.0.0.2", 8001, {}, bed.now)->instances, 2u);
  EXPECT_EQ(bed.registry.add("10.0.0.1", 8001, {}, bed.now)->instances, 2u);
  EXPECT_EQ(bed.registry.add("10.0.0.1", 8002, {}, bed.now)->instances, 3u);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(bed.choose());
  EXPECT_THAT(seen, testing::ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(*bed.registry.remove("10.0.0.1", 8001, bed.now), 2u);
  EXPECT_EQ(*bed.registry.remove("10.0.0.1", 8002, bed.now), 1u);
  EXPECT_EQ(bed.registry.remove("10.0.0.1", 8001, bed.now).error().code, base::Code::kNotFound);
  EXPECT_EQ(bed.choose(), "10.0.0.2");
}

TEST(Registry, TheSilentAreForgottenAndTheirIdsNeverComeBack) {
  RegistryBed bed;
  bed.add("a", seconds(5));
  bed.add("b", seconds(60));
  std::set<uint64_t> old;
  for (int i = 0; i < 50; ++i) {
    bed.choose();
    old.insert(bed.chosen->id);
  }
  bed.now += seconds(5);
  bed.registry.tick(bed.now);
  EXPECT_EQ(bed.registry.instances(bed.now).size(), 2u);
  bed.now += milliseconds(1);
  bed.registry.tick(bed.now);
  EXPECT_EQ(bed.registry.instances(bed.now).size(), 1u);
  for (const uint64_t id : old) bed.registry.failed(id, bed.now, bed.now);  // Of `a`: nothing.
  bed.registry.remove("b", 8001, bed.now).value();
  bed.add("a");
  EXPECT_EQ(bed.choose(), "a");
  EXPECT_FALSE(old.contains(bed.chosen->id));
}

TEST(Registry, AHeartbeatKeepsAnInstanceAndItsTtlIsCut) {
  RegistryBed bed({.registration_ttl = seconds(10)});
  EXPECT_EQ(bed.registry.add("a", 1, {}, bed.now)->ttl, seconds(10));
  EXPECT_EQ(bed.registry.add("a", 1, milliseconds(1), bed.now)->ttl, seconds(1));
  EXPECT_EQ(bed.registry.add("a", 1, minutes(90), bed.now)->ttl, minutes(5));
  for (int i = 0; i < 10; ++i) {
    bed.add("b", seconds(2));
    bed.now += seconds(2);
    bed.registry.tick(bed.now);
    EXPECT_EQ(bed.registry.instances(bed.now).size(), 2u);
  }
}

TEST(Registry, IsFullAtItsBoundButHeartbeatsGoOn) {
  RegistryBed bed({.instances_max = 2});
  bed.add("a");
  bed.add("b");
  EXPECT_EQ(bed.registry.add("c", 8001, {}, bed.now).error().code, base::Code::kFull);
  bed.add("a");
  bed.registry.remove("b", 8001, bed.now).value();
  bed.add("c");
}

TEST(Registry, ThreeFailuresInARowEjectAndAnAnswerBetweenThemDoesNot) {
  RegistryBed bed;
  bed.add("a");
  for (int i = 0; i < 10; ++i) {
    bed.choose();
    i % 3 == 2 ? bed.answer() : bed.fail();
  }
  EXPECT_EQ(bed.choose(), "a");
  bed.fail();
  bed.choose();
  bed.fail();
  EXPECT_EQ(bed.choose(), "none");
  EXPECT_EQ(bed.state(), "ejected");
  EXPECT_EQ(bed.registry.askable(bed.now), 0u);
}

TEST(Registry, OneAskTriesAnEjectedInstanceAfterAPauseThatDoublesTo30Seconds) {
  RegistryBed bed;
  bed.add("a", minutes(5));
  bed.eject();
  for (const int pause : {1, 2, 4, 8, 16, 30, 30, 30}) {
    bed.now += seconds(pause) - milliseconds(1);
    EXPECT_EQ(bed.choose(), "none") << pause;
    bed.now += milliseconds(1);
    EXPECT_EQ(bed.registry.askable(bed.now), 1u);
    EXPECT_EQ(bed.choose(), "a") << pause;
    EXPECT_EQ(bed.state(), "probing");
    const Registry::Chosen probe = *bed.chosen;
    EXPECT_EQ(bed.choose(), "none") << "a second ask while one tries";
    bed.chosen = probe;
    bed.fail();
  }
  bed.now += seconds(30);
  ASSERT_EQ(bed.choose(), "a");
  bed.answer();
  EXPECT_EQ(bed.state(), "up");
  bed.eject();
  bed.now += seconds(1);
  EXPECT_EQ(bed.choose(), "a") << "the pause begins anew";
}

TEST(Registry, AsksThatFailTogetherAreOneFailureInTheRow) {
  RegistryBed bed;
  bed.add("a");
  const auto round = [&] {  // Ten asks at once; all fail a little later.
    std::vector<uint64_t> asks;
    const base::Time asked = bed.now;
    while (asks.size() < 10 && bed.choose() == "a") asks.push_back(bed.chosen->id);
    for (const uint64_t id : asks) {
      bed.now += milliseconds(1);
      bed.registry.failed(id, asked, bed.now);
    }
    return asks.size();
  };
  EXPECT_EQ(round(), 10u);
  EXPECT_EQ(round(), 10u);
  EXPECT_EQ(bed.state(), "up");
  EXPECT_EQ(round(), 10u);
  EXPECT_EQ(bed.state(), "ejected");
  EXPECT_EQ(bed.registry.instances(bed.now).at(0).failures, 30u);
  EXPECT_EQ(bed.registry.instances(bed.now).at(0).in_flight, 0u);
}

TEST(Registry, WhatWasAskedLongAgoSaysNothingOfTheOneThatTries) {
  RegistryBed bed;
  bed.add("a");
  bed.choose();
  const Registry::Chosen old = *bed.chosen;
  const base::Time asked = bed.now;
  bed.now += milliseconds(1);
  bed.eject();
  bed.now += seconds(1);
  ASSERT_EQ(bed.choose(), "a");
  bed.registry.failed(old.id, asked, bed.now);
  EXPECT_EQ(bed.state(), "probing");
  bed.answer();
  EXPECT_EQ(bed.state(), "up");
}

TEST(Registry, AnInstanceThatIsSickDisturbsNoOtherOne) {
  RegistryBed bed;
  bed.add("sick");
  bed.eject();
  bed.add("well");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(bed.choose(), "well");
    bed.answer();
  }
  bed.now += seconds(1);
  EXPECT_EQ(bed.choose(), "sick");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(bed.choose(), "well");
}

TEST(Registry, TheOneThatFailedIsNotTakenAgain) {
  RegistryBed bed;
  bed.add("a");
  bed.add("b");
  for (int i = 0; i < 50; ++i) {
    bed.choose();
    const auto other = bed.registry.choose("", bed.now, bed.chosen->id);
    ASSERT_TRUE(other);
    EXPECT_NE(other->host, bed.chosen->host);
  }
  bed.registry.remove("a", 8001, bed.now).value();
  bed.choose();
  EXPECT_FALSE(bed.registry.choose("", bed.now, bed.chosen->id));
}

TEST(Registry, TheLeastLoadedOfTwoGetsTheNextAsk) {
  RegistryBed bed({.choose = Choose::kLeastLoaded});
  bed.add("a");
  bed.add("b");
  for (int i = 0; i < 20; ++i) {
    bed.choose();
    EXPECT_LE(bed.registry.instances(bed.now).at(0).in_flight, static_cast<size_t>(i / 2 + 1));
  }
  EXPECT_EQ(bed.registry.instances(bed.now).at(0).in_flight, 10u);
}

TEST(Registry, RendezvousKeepsAKeyWhereItIs) {
  RegistryBed bed({.choose = Choose::kRendezvous});
  for (const char* host : {"a", "b", "c", "d"}) bed.add(host);
  for (int i = 0; i < 100; ++i) {
    const std::string key = "k" + std::to_string(i);
    const std::string first = bed.choose(key);
    EXPECT_EQ(bed.choose(key), first);
    if (first == "d") continue;
    bed.registry.remove("d", 8001, bed.now).value();
    EXPECT_EQ(bed.choose(key), first);
    bed.add("d");
  }
}

TEST(Registry, LatencyIsSmoothed) {
  RegistryBed bed;
  bed.add("a");
  bed.choose();
  bed.registry.answered(bed.chosen->id, milliseconds(8), bed.now);
  EXPECT_EQ(bed.registry.instances(bed.now).at(0).latency, milliseconds(8));
  bed.choose();
  bed.registry.answered(bed.chosen->id, milliseconds(16), bed.now);
  EXPECT_EQ(bed.registry.instances(bed.now).at(0).latency, milliseconds(9));
}

TEST(Registry, MetricsCountInstancesByState) {
  RegistryBed bed;
  bed.add("sick");
  bed.eject();
  bed.add("well");
  metric::Families families;
  bed.registry.collect(families, bed.now);
  const std::string text = families.text();
  EXPECT_THAT(text, testing::HasSubstr("ratelimmq_gateway_instances{state=\"up\"} 1\n"));
  EXPECT_THAT(text, testing::HasSubstr("ratelimmq_gateway_instances{state=\"ejected\"} 1\n"));
  EXPECT_THAT(text, testing::HasSubstr("ratelimmq_gateway_instance_failures_total 3\n"));
  EXPECT_THAT(text, testing::HasSubstr("ratelimmq_gateway_ejections_total 1\n"));
}

}  // namespace
}  // namespace gateway
