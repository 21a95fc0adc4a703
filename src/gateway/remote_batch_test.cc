// Asks that come together: what goes as one request, and what becomes of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "gateway/instance_line.h"
#include "gateway/remote.h"
#include "gateway/site_bed.h"
#include "http/loopback_bed.h"
#include "redis/test_server.h"

namespace gateway {
namespace {

using loopback_bed::Peer;
using loopback_bed::Server;
using std::chrono::milliseconds;
using testing::Each;
using testing::ElementsAre;

std::string http_answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// An instance that allows what it is asked, but for clients "no…" which it limits, and refuses
// lists with "bad" in them. It notes how many asks each request has, and answers none while it is
// held.
class Limiter {
 public:
  ~Limiter() { held = false; }
  uint16_t port() const { return server_.port(); }
  int connections() const { return server_.connections(); }
  std::vector<size_t> sizes() const {
    const std::lock_guard guard(mutex_);
    return sizes_;
  }
  std::atomic<bool> held{false};

 private:
  std::string answer(const std::string& request) {
    std::string list;
    bool bad = false;
    size_t asks = 0;
    constexpr std::string_view kBefore = R"([[["ip",")";
    for (size_t at = 0; (at = request.find(kBefore, at)) != request.npos; ++asks) {
      at += kBefore.size();
      const std::string client = request.substr(at, request.find('"', at) - at);
      bad = bad || client == "bad";
      list += list.empty() ? "[" : ",";
      list += client.starts_with("no") ? R"({"allowed":false,"limited_by":")" + client + "\"}"
                                       : R"({"allowed":true,"ratelimit":")" + client + "\"}";
    }
    const std::lock_guard guard(mutex_);
    sizes_.push_back(asks);
    return bad ? http_answer(422, "{}") : http_answer(200, list + "]");
  }

  mutable std::mutex mutex_;
  std::vector<size_t> sizes_;
  Server server_{[this](Peer& peer) {
    for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
      const std::string said = answer(request);
      while (held) std::this_thread::sleep_for(milliseconds(1));
      if (!peer.send(said)) return;
    }
  }};
};

struct BatchBed {
  explicit BatchBed(Options with) : options(std::move(with)) {}

  void add(uint16_t port) { ASSERT_TRUE(registry.add("127.0.0.1", port, {}, clock.now())); }
  void ask(const std::string& client) {
    const limiter::Entry entries[] = {{"ip", client}};
    const limiter::Descriptor descriptors[] = {entries};
    said.emplace_back("nothing");
    remote->decide({.domain = "api", .descriptors = descriptors},
                   [this, at = said.size() - 1](Decision&& decision) {
                     ++done;
                     said[at] =
                         decision.limited_by.empty() ? decision.rate_limit : decision.limited_by;
                     if (said[at].empty()) said[at] = to_string(decision.reason);
                     if (on_done) on_done();
                   });
  }
  // All asked in one round.
  std::vector<std::string> ask_all(const std::vector<std::string>& clients) {
    said.clear();
    done = 0;
    loop.post([&] {
      for (const std::string& each : clients) ask(each);
    });
    EXPECT_TRUE(site_bed::run(loop, [&] { return done == said.size() && done > 0; }));
    return said;
  }
  // Asked in one round, which is over when this returns; the answers come later.
  void begin(const std::vector<std::string>& clients) {
    bool over = false;
    loop.post([&] {
      for (const std::string& each : clients) ask(each);
      loop.poll().defer([this, &over] { loop.post([&over] { over = true; }); });
    });
    EXPECT_TRUE(site_bed::run(loop, [&] { return over; }));
  }
  uint64_t failures() const {
    uint64_t sum = 0;
    for (const Instance& each : registry.instances(clock.now())) sum += each.failures;
    return sum;
  }
  size_t in_flight() const {
    size_t sum = 0;
    for (const Instance& each : registry.instances(clock.now())) sum += each.in_flight;
    return sum;
  }

  Options options;
  struct ToldClock final : base::Clock {
    base::Time now() const override { return at; }
    base::Time at = base::time_from(1'000'000'000);
  } clock;
  io::Loop loop;
  Registry registry{options};
  std::vector<std::string> said;
  size_t done = 0;
  std::function<void()> on_done;
  std::optional<Remote> remote{std::in_place, loop, options, registry, clock};
};

constexpr auto kLong = std::chrono::seconds(5);

TEST(RemoteBatch, AsksOfOneRoundGoAsOneRequestAndEachHasItsOwnAnswer) {
  Limiter limiter;
  BatchBed bed({.deadline = kLong});
  bed.add(limiter.port());
  EXPECT_THAT(bed.ask_all({"a", "no-b", "c"}), ElementsAre("a", "no-b", "c"));
  EXPECT_THAT(bed.ask_all({"d"}), ElementsAre("d"));
  EXPECT_THAT(limiter.sizes(), ElementsAre(3, 1));
  EXPECT_EQ(limiter.connections(), 1) << "it is kept";
  EXPECT_EQ(bed.in_flight(), 0u);
  EXPECT_EQ(bed.failures(), 0u);
}

TEST(RemoteBatch, WhileRequestsAreOnTheirWayAsksGather) {
  Limiter limiter;
  limiter.held = true;
  BatchBed bed({.deadline = kLong});
  bed.add(limiter.port());
  for (size_t i = 0; i < 10; ++i) {
    bed.loop.post([&bed, i] { bed.ask(std::to_string(i)); });
    const size_t requests = std::min(i + 1, InstanceLine::kFlyingMax);
    EXPECT_TRUE(site_bed::run(
        bed.loop, [&] { return bed.said.size() == i + 1 && limiter.sizes().size() == requests; }));
  }
  limiter.held = false;
  EXPECT_TRUE(site_bed::run(bed.loop, [&] { return bed.done == 10; }));
  EXPECT_THAT(bed.said, ElementsAre("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
  EXPECT_THAT(limiter.sizes(), ElementsAre(1, 1, 8));
}

TEST(RemoteBatch, AnAskThatIsRefusedSpoilsNoOther) {
  Limiter limiter;
  BatchBed bed({.deadline = kLong});
  bed.add(limiter.port());
  EXPECT_THAT(bed.ask_all({"a", "bad", "no-c"}), ElementsAre("a", "bad_ask", "no-c"));
  EXPECT_THAT(limiter.sizes(), ElementsAre(3, 1, 1, 1));
  EXPECT_EQ(bed.failures(), 0u);
}

TEST(RemoteBatch, WhatIsOverItsTimeIsNotSentAnyMore) {
  Limiter limiter;
  limiter.held = true;
  BatchBed bed({.deadline = milliseconds(20)});
  bed.add(limiter.port());
  for (size_t i = 0; i < 3; ++i) {
    bed.loop.post([&bed] { bed.ask("a"); });
    const size_t requests = std::min(i + 1, InstanceLine::kFlyingMax);
    EXPECT_TRUE(site_bed::run(
        bed.loop, [&] { return bed.said.size() == i + 1 && limiter.sizes().size() == requests; }));
  }
  EXPECT_EQ(bed.done, 0u);
  bed.clock.at += bed.options.deadline;
  EXPECT_TRUE(site_bed::run(bed.loop, [&] { return bed.done == 3; }));
  EXPECT_THAT(bed.said, ElementsAre("deadline", "deadline", "deadline"));
  EXPECT_EQ(bed.in_flight(), 0u);
  EXPECT_EQ(bed.failures(), 3u);
  limiter.held = false;
  EXPECT_THAT(bed.ask_all({"d"}), ElementsAre("d"));
  EXPECT_THAT(limiter.sizes(), ElementsAre(1, 1, 1));
}

TEST(RemoteBatch, ASlowInstanceDelaysItsOwnAsksAlone) {
  Limiter slow, quick;
  slow.held = true;
  BatchBed bed({.deadline = kLong, .seed = 1});
  bed.add(slow.port());
  bed.add(quick.port());
  for (size_t i = 0; i < 40; ++i) bed.begin({std::to_string(i)});
  EXPECT_TRUE(site_bed::run(bed.loop, [&] { return bed.done > 0; }));
  EXPECT_EQ(bed.done + bed.in_flight(), 40u);
  EXPECT_GT(bed.in_flight(), 0u);
  slow.held = false;
  EXPECT_TRUE(site_bed::run(bed.loop, [&] { return bed.done == 40; }));
}

TEST(RemoteBatch, ARoundIsOneListForOneInstanceAndRoundsSpreadOverAll) {
  for (const Choose how : {Choose::kRandom, Choose::kLeastLoaded}) {
    Limiter limiters[3];
    BatchBed bed({.choose = how, .deadline = kLong, .seed = 1});
    for (const Limiter& each : limiters) bed.add(each.port());
    for (int i = 0; i < 30; ++i) bed.ask_all({"a", "no-b", "c", "d"});
    size_t lists = 0;
    for (const Limiter& each : limiters) {
      EXPECT_THAT(each.sizes(), Each(4));
      EXPECT_GT(each.sizes().size(), how == Choose::kRandom ? 5u : 0u);
      lists += each.sizes().size();
    }
    EXPECT_EQ(lists, 30u);
    EXPECT_EQ(bed.in_flight(), 0u);
  }
}

TEST(RemoteBatch, AListCountsAsAllItsAsksWhereTheLeastLoadedIsChosen) {
  Limiter limiters[2];
  for (Limiter& each : limiters) each.held = true;
  BatchBed bed({.choose = Choose::kLeastLoaded, .deadline = kLong, .seed = 1});
  for (const Limiter& each : limiters) bed.add(each.port());
  bed.begin({"a", "b", "c"});
  for (const char* each : {"d", "e", "f"}) bed.begin({each});
  std::vector<size_t> loads;
  for (const Instance& each : bed.registry.instances(bed.clock.now())) {
    loads.push_back(each.in_flight);
  }
  EXPECT_THAT(loads, ElementsAre(3, 3));
  for (Limiter& each : limiters) each.held = false;
  EXPECT_TRUE(site_bed::run(bed.loop, [&] { return bed.done == 6; }));
}

TEST(RemoteBatch, WithRendezvousEachKeyGoesItsOwnWay) {
  Limiter limiters[2];
  BatchBed bed({.choose = Choose::kRendezvous, .deadline = kLong});
  for (const Limiter& each : limiters) bed.add(each.port());
  std::vector<std::string> clients;
  for (int i = 0; i < 20; ++i) clients.push_back("c" + std::to_string(i));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bed.ask_all(clients), clients);
  const size_t first = limiters[0].sizes().at(0);
  EXPECT_THAT(limiters[0].sizes(), ElementsAre(first, first, first));
  EXPECT_THAT(limiters[1].sizes(), ElementsAre(20 - first, 20 - first, 20 - first));
}

TEST(RemoteBatch, AListIsBoundedAndTheNextOneMayGoElsewhere) {
  Limiter limiters[2];
  BatchBed bed({.deadline = kLong, .seed = 1});
  for (const Limiter& each : limiters) bed.add(each.port());
  constexpr size_t kLists = 8;
  bed.ask_all(std::vector<std::string>(kLists * InstanceLine::kAsksMax, "a"));
  for (const Limiter& each : limiters) {
    EXPECT_THAT(each.sizes(), Each(InstanceLine::kAsksMax));
    EXPECT_GT(each.sizes().size(), 0u);
  }
  EXPECT_EQ(limiters[0].sizes().size() + limiters[1].sizes().size(), kLists);
}

TEST(RemoteBatch, AnEjectedInstanceIsTriedByOneAskAndTheOthersOfItsRoundGoElsewhere) {
  Limiter sick, well;
  BatchBed bed({.deadline = kLong});
  bed.add(sick.port());
  for (unsigned i = 0; i < Registry::kFailuresMax; ++i) {
    bed.registry.failed(bed.registry.choose("", bed.clock.now())->id, bed.clock.now(),
                        bed.clock.now());
    bed.clock.at += milliseconds(1);
  }
  bed.add(well.port());
  EXPECT_THAT(bed.ask_all({"a", "b", "c"}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(sick.sizes(), ElementsAre());
  bed.clock.at += Registry::kPauseMin;
  EXPECT_THAT(bed.ask_all({"d", "e", "f"}), ElementsAre("d", "e", "f"));
  EXPECT_THAT(sick.sizes(), ElementsAre(1));
  EXPECT_THAT(well.sizes(), ElementsAre(3, 2));
}

TEST(RemoteBatch, AListForAnInstanceThatIsGoneGoesToAnotherOneAsAList) {
  Limiter well;
  BatchBed bed({.deadline = kLong, .seed = 1});
  bed.add(redis_bed::free_port());
  bed.add(well.port());
  int rounds = 0;
  for (; rounds < 40 && bed.failures() == 0; ++rounds) {
    EXPECT_THAT(bed.ask_all({"a", "b", "c"}), ElementsAre("a", "b", "c"));
  }
  EXPECT_EQ(bed.failures(), 3u) << "one of each ask";
  EXPECT_EQ(well.sizes(), std::vector<size_t>(static_cast<size_t>(rounds), 3));
  EXPECT_EQ(bed.in_flight(), 0u);
}

TEST(RemoteBatch, AConnectionThatWasClosedMeanwhileIsNoFailure) {
  int connections = 0;
  Server server([&](Peer& peer) {
    const bool first = ++connections == 1;
    for (int i = 0; i < (first ? 1 : 2); ++i) {
      if (peer.request().empty()) return;
      peer.send(http_answer(200, R"([{"allowed":true,"ratelimit":"x"}])"));
    }
    peer.request();
  });
  BatchBed bed({.deadline = kLong});
  bed.add(server.port());
  EXPECT_THAT(bed.ask_all({"a"}), ElementsAre("x"));
  EXPECT_THAT(bed.ask_all({"b"}), ElementsAre("x"));
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(bed.failures(), 0u);
}

TEST(RemoteBatch, WhoIsToldMayDestroyIt) {
  Limiter limiter;
  BatchBed bed({.deadline = kLong});
  bed.add(limiter.port());
  bed.on_done = [&] { bed.remote.reset(); };
  bed.loop.post([&] {
    for (const char* each : {"a", "b", "c"}) bed.ask(each);
  });
  EXPECT_TRUE(site_bed::run(bed.loop, [&] { return bed.done > 0; }));
  site_bed::run(
      bed.loop, [] { return false; }, milliseconds(20));
  EXPECT_EQ(bed.done, 1u) << "what it still had was dropped";
}

}  // namespace
}  // namespace gateway
