#include "gateway/remote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "gateway/site_bed.h"
#include "http/loopback_bed.h"
#include "io/clock.h"
#include "redis/test_server.h"

namespace gateway {
namespace {

using loopback_bed::always;
using loopback_bed::Peer;
using loopback_bed::Server;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr limiter::Entry kEntries[] = {{"client_ip", "192.0.2.1"}, {"path", "/a\"b"}};
constexpr limiter::Descriptor kDescriptors[] = {kEntries};
constexpr limiter::Ask kAsk{.domain = "api", .descriptors = kDescriptors};

std::string http_answer(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
constexpr const char* kYes =
    R"({"allowed":true,"limited_by":null,"limit":10,"decided_by":"memory",)"
    R"("ratelimit":"\"ip\";r=9;t=1","ratelimit_policy":"\"ip\";q=10;w=10"})";
const std::string kAllowed = http_answer(200, std::string("[") + kYes + "]");

struct RemoteBed {
  explicit RemoteBed(Options with = {}) : options(std::move(with)) {}

  void add(uint16_t port, const std::string& host = "127.0.0.1") {
    ASSERT_TRUE(registry.add(host, port, {}, clock.now()));
  }
  Decision decide() {
    std::optional<Decision> out;
    const auto start = std::chrono::steady_clock::now();
    loop.post([&] {
      remote.decide(kAsk, [&](Decision&& decision) { out = std::move(decision); });
      EXPECT_FALSE(out) << "from inside";
    });
    EXPECT_TRUE(site_bed::run(loop, [&] { return out.has_value(); }));
    took = std::chrono::steady_clock::now() - start;
    return out.value_or(Decision{});
  }
  std::string outcome() {
    static constexpr const char* kNames[] = {"allowed", "limited", "refused", "nobody"};
    const Decision decision = decide();
    return std::string(kNames[static_cast<size_t>(decision.outcome)]) + " " +
           std::string(to_string(decision.reason));
  }
  uint64_t failures() const {
    uint64_t sum = 0;
    for (const Instance& each : registry.instances(clock.now())) sum += each.failures;
    return sum;
  }

  Options options;
  io::SystemClock clock;
  io::Loop loop;
  Registry registry{options};
  Remote remote{loop, options, registry, clock};
  base::Duration took{};
};

// Of one instance that answers so.
std::string outcome_of(const std::string& bytes, uint64_t failures) {
  Server server(always(bytes));
  RemoteBed bed({.deadline = std::chrono::seconds(2)});
  bed.add(server.port());
  const std::string out = bed.outcome();
  EXPECT_EQ(bed.failures(), failures) << bytes;
  return out;
}

TEST(Remote, AsksAnInstanceAsTheApiIsAskedAndHandsItsFieldsOn) {
  std::string seen;
  Server server([&](Peer& peer) {
    seen = peer.request();
    peer.send(kAllowed);
    peer.drain();
  });
  RemoteBed bed({.deadline = std::chrono::seconds(2)});
  bed.add(server.port());
  const Decision decision = bed.decide();
  EXPECT_EQ(decision.outcome, Decision::Outcome::kAllowed);
  EXPECT_EQ(decision.reason, Reason::kLimits);
  EXPECT_EQ(decision.rate_limit, R"("ip";r=9;t=1)");
  EXPECT_EQ(decision.rate_limit_policy, R"("ip";q=10;w=10)");
  EXPECT_THAT(seen, testing::StartsWith("POST /v1/checks?brief=1 HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(seen, testing::EndsWith(R"([{"domain":"api","descriptors":[[["client_ip",)"
                                      R"("192.0.2.1"],["path","/a\"b"]]],"cost":1}])"));
  EXPECT_EQ(bed.registry.instances(bed.clock.now()).at(0).in_flight, 0u);
  EXPECT_GT(bed.registry.instances(bed.clock.now()).at(0).latency, base::Duration::zero());
}

TEST(Remote, ARefusalHasItsLimitAndItsTimes) {
  Server server(
      always(http_answer(200, R"([{"allowed":false,"limited_by":"ip","limit":10,)"
                              R"("retry_after_ms":2500,"ratelimit":"\"ip\";r=0;t=3"}])")));
  RemoteBed bed({.deadline = std::chrono::seconds(2)});
  bed.add(server.port());
  const Decision decision = bed.decide();
  EXPECT_EQ(decision.outcome, Decision::Outcome::kLimited);
  EXPECT_EQ(decision.limited_by, "ip");
  EXPECT_EQ(decision.retry_after_ms, 2500);
  EXPECT_EQ(decision.retry_after, "3");
  EXPECT_EQ(decision.rate_limit, R"("ip";r=0;t=3)");
}

TEST(Remote, EveryAnswerMeansSomething) {
  const auto record = [](const std::string& said) { return http_answer(200, "[" + said + "]"); };
  EXPECT_EQ(outcome_of(record(R"({"allowed":true,"limit":null})"), 0), "allowed no_limit");
  EXPECT_EQ(outcome_of(record(R"({"allowed":true,"limit":1,"decided_by":"allow"})"), 0),
            "allowed store_allow");
  EXPECT_EQ(outcome_of(record(R"({"allowed":true,"limit":1,"decided_by":"local"})"), 0),
            "allowed store_local");
  EXPECT_EQ(outcome_of(record(R"({"allowed":false,"limited_by":"blocked"})"), 0),
            "limited blocked");
  // The limit's own word, and no failure of the instance.
  EXPECT_EQ(outcome_of(record(R"({"allowed":false,"decided_by":"refuse"})"), 0),
            "refused store_refuse");
  EXPECT_EQ(outcome_of(record(R"({"status":404,"code":"NOTFOUND"})"), 0), "nobody unknown_domain");
  // What a client may have caused.
  EXPECT_EQ(outcome_of(http_answer(422, "{}"), 0), "nobody bad_ask");
  EXPECT_EQ(outcome_of(http_answer(429, R"({"status":429})"), 0), "nobody bad_ask");
}

TEST(Remote, WrongAnswersAreFailures) {
  const std::string yes = kYes;
  for (const std::string& bytes :
       {http_answer(200, "rubbish"), http_answer(200, "[]"), http_answer(200, ""),
        http_answer(200, yes), http_answer(200, "[" + yes + "," + yes + "]"),
        http_answer(200, "[7]"), http_answer(200, R"([{"allowed":"yes"}])"), http_answer(204, ""),
        http_answer(302, "{}"), http_answer(500, "[" + yes + "]"),
        http_answer(503, R"({"code":"SHUTDOWN"})"),
        http_answer(200, "[" + yes + std::string(5 << 20, ' ') + "]"),
        std::string("rubbish\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")}) {
    Server server([&](Peer& peer) {
      peer.request();
      peer.send(bytes);
    });
    RemoteBed bed({.deadline = std::chrono::seconds(2)});
    bed.add(server.port());
    EXPECT_EQ(bed.outcome(), "nobody failure") << bytes.substr(0, 80);
    EXPECT_EQ(bed.failures(), 1u) << bytes.substr(0, 80);
  }
}

TEST(Remote, ASlowInstanceIsNotWaitedForBeyondTheDeadlineAndNotAskedTwice) {
  Server slow([](Peer& peer) {
    peer.request();
    peer.drain();
  });
  RemoteBed bed({.deadline = milliseconds(60)});
  bed.add(slow.port());
  EXPECT_EQ(bed.outcome(), "nobody deadline");
  EXPECT_GE(bed.took, milliseconds(60));
  EXPECT_LT(bed.took, milliseconds(500));
  EXPECT_EQ(slow.connections(), 1);
  EXPECT_EQ(bed.failures(), 1u);
}

TEST(Remote, NobodyIsThereToBeAsked) {
  RemoteBed bed;
  EXPECT_EQ(bed.outcome(), "nobody no_instance");
}

TEST(Remote, ADeadInstanceCostsNobodyADecisionAndIsEjected) {
  Server well(always(kAllowed));
  RemoteBed bed({.deadline = std::chrono::seconds(2), .seed = 3});
  bed.add(well.port());
  bed.add(redis_bed::free_port());
  for (int i = 0; i < 40; ++i) EXPECT_EQ(bed.outcome(), "allowed limits");
  EXPECT_EQ(bed.failures(), 3u) << "then it is ejected";
}

TEST(Remote, AnInstanceWhoseMachineIsGoneLeavesTimeToAskAnother) {
  Server well(always(kAllowed));
  const loopback_bed::Deaf gone;
  RemoteBed bed({.deadline = std::chrono::milliseconds(600), .seed = 3});
  bed.add(well.port());
  bed.add(gone.port());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bed.outcome(), "allowed limits");
  EXPECT_EQ(bed.failures(), 3u) << "then it is ejected";
}

TEST(Remote, ARefusalKeepsItsConnection) {
  Server server(always(http_answer(200, R"([{"allowed":false,"limited_by":"ip","limit":1}])")));
  RemoteBed bed({.deadline = std::chrono::seconds(2)});
  bed.add(server.port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bed.outcome(), "limited limits");
  EXPECT_EQ(server.connections(), 1);
}

TEST(Remote, AnInstanceThatStopsIsReplacedByAnotherOne) {
  Server well(always(kAllowed)), stopping(always(http_answer(503, R"({"code":"SHUTDOWN"})")));
  RemoteBed bed({.deadline = std::chrono::seconds(2), .seed = 3});
  bed.add(well.port());
  bed.add(stopping.port());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bed.outcome(), "allowed limits");
}

TEST(Remote, WithRendezvousNobodyElseIsTried) {
  Server well(always(kAllowed));
  RemoteBed bed({.choose = Choose::kRendezvous, .deadline = std::chrono::seconds(2)});
  uint16_t dead = redis_bed::free_port();
  while (true) {  // Until the key belongs to the dead one.
    bed.add(dead);
    bed.add(well.port());
    if (bed.outcome() == "nobody failure") break;
    bed.registry.remove("127.0.0.1", dead, bed.clock.now()).value();
    dead = redis_bed::free_port();
  }
  EXPECT_EQ(bed.outcome(), "nobody failure");
}

TEST(Remote, WhatMayHaveBeenChargedIsNotAskedAgain) {
  Server breaks([](Peer&peer) { peer.request(); }), well(always(kAllowed));
  RemoteBed bed({.deadline = std::chrono::seconds(2), .seed = 3});
  bed.add(breaks.port());
  EXPECT_EQ(bed.outcome(), "nobody failure");
  bed.add(well.port());
  int unanswered = 0;
  for (int i = 0; i < 20; ++i) unanswered += bed.outcome() == "nobody failure" ? 1 : 0;
  EXPECT_EQ(unanswered, 2) << "until it was ejected";
}

TEST(Remote, OnlyLoopbackAndTrustedNetworksAreCalled) {
  Options options;
  options.trusted_networks = {"10.0.0.0/8"};
  const http::AddressGuard guard = *instance_guard(options);
  const auto allowed = [&](const char* ip) {
    return guard.judge("h", *io::Ip::parse(ip), 8001).allowed;
  };
  EXPECT_TRUE(allowed("127.0.0.1"));
  EXPECT_TRUE(allowed("::1"));
  EXPECT_TRUE(allowed("10.1.2.3"));
  EXPECT_FALSE(allowed("192.168.1.1"));
  EXPECT_FALSE(allowed("8.8.8.8"));
  EXPECT_FALSE(allowed("169.254.169.254"));
  RemoteBed bed({.deadline = std::chrono::seconds(2)});
  bed.add(8001, "198.51.100.1");
  EXPECT_EQ(bed.outcome(), "nobody failure");
  EXPECT_LT(bed.took, milliseconds(500)) << "nothing was connected to";
}

TEST(Remote, NamesAreJudgedByTheAddressTheyLeadTo) {
  Server server(always(kAllowed));
  RemoteBed bed({.deadline = std::chrono::seconds(5)});
  bed.add(server.port(), "localhost");
  EXPECT_EQ(bed.outcome(), "allowed limits");
}

}  // namespace
}  // namespace gateway
