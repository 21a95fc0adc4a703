#include "engine/gate.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "engine/test_bed.h"

namespace engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct GateBed : TestBed {
  explicit GateBed(std::vector<limiter::NodeSpec> nodes) : TestBed({}, domain(std::move(nodes))) {}

  void queue(std::string_view name, std::vector<std::string> descriptors,
             std::function<void(queue::Settings&)> more = {}) {
    set(name, [&](queue::Settings& s) {
      s.decide = {"out", descriptors};
      if (more) more(s);
    });
  }
  void send(std::string_view queue, std::string_view key, int64_t cost = 1, int times = 1) {
    for (int i = 0; i < times; ++i) {
      Message message;
      message.body = key;
      message.key = key;
      message.cost = cost;
      enqueue(queue, message);
    }
  }
  Request& wait_for(std::string_view queue_name) {
    names.push_back(std::string(queue_name));
    views.push_back(names.back());
    Dequeue asked;
    asked.queues = {&views.back(), 1};
    asked.wait = seconds(200);
    return start(asked);
  }
  // One consumer that takes and acks for `span`, looking every millisecond; what it got, by body.
  std::map<std::string, int> consume(std::string_view queue_name, base::Duration span) {
    std::map<std::string, int> got;
    Request* waiting = nullptr;
    for (const base::Time end = now + span; now < end;) {
      if (waiting == nullptr) waiting = &wait_for(queue_name);
      turn();
      if (is_done(*waiting)) {
        for (const Delivery& each : std::get<Dequeue>(waiting->what).deliveries) {
          ++got[body(each)];
          ack(each);
        }
        waiting = nullptr;
      } else {
        pass(milliseconds(1));
      }
    }
    return got;
  }

  std::deque<std::string> names;
  std::deque<std::string_view> views;
};

TEST(Gate, KeysAtOneLimitTakeTurnsByWeight) {
  GateBed bed({node("queue", gcra(100, seconds(1), 1))});
  bed.queue("q", {"queue={queue}"}, [](queue::Settings& s) { s.weights = {{"a", 3}}; });
  bed.send("q", "a", 1, 400);
  bed.send("q", "b", 1, 400);
  const auto got = bed.consume("q", seconds(2));
  EXPECT_NEAR(got.at("a"), 150, 2);
  EXPECT_NEAR(got.at("b"), 50, 2);
}

TEST(Gate, ALargeCostDoesNotStarveBehindSmallOnes) {
  GateBed bed({node("queue", gcra(10, seconds(1), 10))});
  bed.queue("q", {"queue={queue}"});
  bed.send("q", "small", 1, 300);
  bed.send("q", "large", 10, 1);
  const auto got = bed.consume("q", seconds(5));
  EXPECT_EQ(got.at("large"), 1);
  EXPECT_GE(got.at("small"), 45);
}

// F needs both limits; others keep each of them busy all the time, out of phase.
TEST(Gate, AFlowThatNeedsTwoScarceLimitsIsNotPassedOverForEver) {
  GateBed bed({node("a", gcra(1, milliseconds(100), 1)), node("b", gcra(1, milliseconds(100), 1))});
  bed.queue("qa", {"a=x"});
  bed.queue("qb", {"b=x"});
  bed.queue("both", {"a=x", "b=x"});
  bed.send("qa", "a", 1, 500);
  bed.send("qb", "b", 1, 500);
  Request* a = &bed.wait_for("qa");
  bed.pass(milliseconds(50));  // Out of phase.
  Request* b = &bed.wait_for("qb");
  bed.send("both", "f", 1, 3);
  Request* f = &bed.wait_for("both");
  int got = 0;
  for (int ms = 0; ms < 20'000 && got < 3; ++ms) {
    bed.pass(milliseconds(1));
    if (bed.is_done(*a)) a = &bed.wait_for("qa");
    if (bed.is_done(*b)) b = &bed.wait_for("qb");
    if (bed.is_done(*f)) {
      ++got;
      f = &bed.wait_for("both");
    }
  }
  EXPECT_EQ(got, 3);
}

TEST(Gate, ALimitThatIsRaisedWakesAtOnceAndALoweredOneHoldsTheNext) {
  GateBed bed({node("queue", gcra(1, hours(1), 1))});
  bed.queue("q", {"queue={queue}"});
  bed.send("q", "m", 1, 10);
  EXPECT_EQ(bed.dequeue("q", 10).size(), 1u);
  const Request& waiting = bed.wait_for("q");
  bed.turn();
  EXPECT_FALSE(bed.is_done(waiting));
  CHECK(bed.limiter->reload(domain({node("queue", gcra(100, seconds(1), 100))})).empty());
  bed.turn();
  EXPECT_TRUE(bed.is_done(waiting));
  CHECK(bed.limiter->reload(domain({node("queue", gcra(1, hours(1), 1))})).empty());
  bed.turn();
  EXPECT_TRUE(bed.dequeue("q", 10).empty());
  // No limit matches any more.
  CHECK(bed.limiter->reload(domain({node("other", gcra(1, hours(1), 1))})).empty());
  bed.turn();
  EXPECT_EQ(bed.dequeue("q", 10).size(), 8u);
}

TEST(Gate, ADomainThatIsNotDefinedHoldsMessagesAndSaysSo) {
  GateBed bed({});
  bed.set("q", [](queue::Settings& s) { s.decide = {"nowhere", {"queue={queue}"}}; });
  const queue::Number number = bed.enqueue("q", "m");
  EXPECT_TRUE(bed.dequeue("q").empty());
  Why why;
  why.number = number;
  why = bed.ask(why);
  EXPECT_EQ(why.reason, Waiting::kLimited);
  EXPECT_EQ(why.limited_by, "domain 'nowhere' is not defined");
  limiter::DomainSpec spec;
  spec.name = "nowhere";
  CHECK(bed.limiter->reload({spec}).empty());
  bed.turn();
  EXPECT_EQ(bed.dequeue("q").size(), 1u);
}

TEST(Gate, WhoReleasesAHoldFromOutsideWakesADelivery) {
  GateBed bed({node("slot", limit::Concurrency::make(1, hours(1)).value())});
  bed.queue("q", {"slot=x"});
  const limiter::Entry entry{"slot", "x"};
  const limiter::Descriptor descriptor{&entry, 1};
  const auto held =
      bed.limiter->acquire({.domain = "out", .descriptors = {&descriptor, 1}}, hours(1), bed.now);
  ASSERT_TRUE(held && !held->id.empty());
  bed.send("q", "m");
  const Request& waiting = bed.wait_for("q");
  bed.turn();
  EXPECT_FALSE(bed.is_done(waiting));
  CHECK(bed.limiter->release(held->id, bed.now));
  bed.turn();
  EXPECT_TRUE(bed.is_done(waiting));
}

TEST(Gate, PausedRemovedAndExpiredMessagesPassTheirTurnOn) {
  GateBed bed({node("queue", gcra(1, seconds(1), 1))});
  bed.queue("q", {"queue={queue}"});
  bed.send("q", "first");
  EXPECT_EQ(bed.dequeue("q").size(), 1u);
  Message message;
  message.key = message.body = "gone";
  const queue::Number gone = bed.enqueue("q", message);
  message.key = message.body = "short";
  message.ttl = milliseconds(500);
  bed.enqueue("q", message);
  bed.send("q", "last");
  const Request& waiting = bed.wait_for("q");
  bed.turn();
  Remove remove;
  remove.number = gone;
  EXPECT_TRUE(bed.ask(remove).removed);
  bed.pass(seconds(1));
  ASSERT_TRUE(bed.is_done(waiting));
  EXPECT_EQ(TestBed::body(std::get<Dequeue>(waiting.what).deliveries.at(0)), "last");
}

TEST(Gate, WhenTheFirstInLineLeavesTheNextIsAskedAtOnce) {
  GateBed bed({node("queue", gcra(1, seconds(1), 10))});
  bed.queue("q", {"queue={queue}"});
  const limiter::Entry entry{"queue", "q"};
  const limiter::Descriptor descriptor{&entry, 1};
  Check asked;
  asked.domain = "out";
  asked.descriptors = {&descriptor, 1};
  asked.cost = 5;
  EXPECT_TRUE(bed.ask(asked).allowed);
  asked.cost = 10;
  asked.wait = seconds(2);
  const Request& large = bed.start(asked);
  bed.send("q", "small");
  const Request& waiting = bed.wait_for("q");
  bed.pass(milliseconds(1999));
  EXPECT_FALSE(bed.is_done(waiting));  // Its turn comes behind the large one.
  bed.pass(milliseconds(1));
  EXPECT_TRUE(bed.is_done(large));
  EXPECT_FALSE(std::get<Check>(large.what).allowed);
  EXPECT_TRUE(bed.is_done(waiting));
}

TEST(Gate, AKeyInFlightIsStrictlyFirstInFirstOut) {
  GateBed bed({});
  bed.set("q", [](queue::Settings& s) { s.in_flight_per_key = 1; });
  Message message;
  message.key = "k";
  for (const char* body : {"1", "2", "3"}) {
    message.body = body;
    bed.enqueue("q", message);
  }
  auto got = bed.dequeue("q", 10);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(bed.nack(got[0], seconds(5)));
  EXPECT_TRUE(bed.dequeue("q", 10).empty());  // The key waits for the one that comes back.
  bed.pass(seconds(5));
  got = bed.dequeue("q", 10);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(TestBed::body(got[0]), "1");
  EXPECT_TRUE(bed.ack(got[0]));
  EXPECT_EQ(bed.bodies("q", 10), std::vector<std::string>{"2"});
}

TEST(Gate, AKeyGoesOnWhenWhatItWaitedForExpiresOrItsCapIsRaised) {
  GateBed bed({});
  bed.set("q", [](queue::Settings& s) { s.in_flight_per_key = 1; });
  Message message;
  message.key = "k";
  message.ttl = seconds(2);
  message.body = "short";
  bed.enqueue("q", message);
  message.ttl = std::nullopt;
  for (const char* body : {"next", "last"}) {
    message.body = body;
    bed.enqueue("q", message);
  }
  EXPECT_TRUE(bed.nack(bed.dequeue("q").at(0), seconds(100)));
  const Request& waiting = bed.wait_for("q");
  const Request& second = bed.wait_for("q");
  bed.pass(seconds(1));
  EXPECT_FALSE(bed.is_done(waiting));
  bed.pass(seconds(1));
  EXPECT_TRUE(bed.is_done(waiting));
  EXPECT_FALSE(bed.is_done(second));
  bed.set("q", [](queue::Settings& s) { s.in_flight_per_key = 2; });
  EXPECT_TRUE(bed.is_done(second));
}

// Random traffic over shared limits: whoever may go goes at once, and no unit is lost.
TEST(Gate, WorkThatWaitsUsesAllOfEveryLimit) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    base::Random random(seed);
    GateBed bed({node("all", gcra(50, seconds(1), 1)), node("key", gcra(5, seconds(1), 1))});
    bed.queue("q", {"all=x", "key={key}"});
    bed.queue("r", {"all=x"});
    for (int i = 0; i < 400; ++i) {
      bed.send("q", "k" + std::to_string(random.below(20)));
      bed.send("r", "r");
    }
    std::vector<Request*> waiting = {&bed.wait_for("q"), &bed.wait_for("r")};
    int got = 0;
    for (int ms = 0; ms < 4000; ++ms) {
      bed.pass(milliseconds(1));
      for (size_t i = 0; i < waiting.size(); ++i) {
        if (!bed.is_done(*waiting[i])) continue;
        ++got;
        for (const Delivery& each : std::get<Dequeue>(waiting[i]->what).deliveries) bed.ack(each);
        waiting[i] = &bed.wait_for(i == 0 ? "q" : "r");
        bed.turn();
      }
    }
    EXPECT_GE(got, 198) << "seed " << seed;  // 50/s for 4 s.
    EXPECT_LE(got, 201) << "seed " << seed;
    EXPECT_TRUE(bed.engine->check());
  }
}

TEST(Engine, ADequeueInTwoShardsIsClaimedByOne) {
  TestBed one, two;
  const std::string_view name = "q";
  Dequeue asked;
  asked.queues = {&name, 1};
  asked.wait = seconds(5);
  asked.claim = std::make_shared<Claim>();
  const Request& first = one.start(asked);
  const Request& second = two.start(asked);
  one.enqueue("q", "a");
  two.enqueue("q", "b");
  EXPECT_TRUE(one.is_done(first));
  two.turn();
  EXPECT_TRUE(two.is_done(second));
  EXPECT_TRUE(std::get<Dequeue>(second.what).deliveries.empty());
  EXPECT_EQ(two.stats("q").row.depths.ready, 1u);
}

TEST(Engine, WhoeverLostAClaimIsToldAndWaitsNoMore) {
  TestBed bed;
  const std::string_view name = "q";
  Dequeue asked;
  asked.queues = {&name, 1};
  asked.wait = seconds(5);
  asked.claim = std::make_shared<Claim>();
  const Request& lost = bed.start(asked, 3);
  Dequeue alone = asked;
  alone.claim = nullptr;
  const Request& other = bed.start(alone, 3);
  asked.claim->taken = true;
  bed.ask(Cancel{asked.claim}, 3);
  EXPECT_TRUE(bed.is_done(lost));
  EXPECT_FALSE(bed.is_done(other));
}

TEST(Engine, AFullDiskRefusesEnqueuesButNotAcks) {
  EngineOptions options;
  options.log.segment_bytes = 64 << 10;
  TestBed bed(options);
  bed.disk.limit_space(400 << 10);
  const std::string body(1000, 'x');
  int sent = 0;
  while (sent < 1000 && bed.enqueue("q", body) != 0 && bed.status) ++sent;
  ASSERT_LT(sent, 1000);
  EXPECT_EQ(bed.status.error().code, base::Code::kReadOnly);
  int acked = 0;
  for (int i = 0; i < sent; ++i) {
    const auto got = bed.dequeue("q");
    if (got.size() == 1 && bed.ack(got[0])) ++acked;
  }
  EXPECT_EQ(acked, sent);
  EXPECT_TRUE(bed.engine->status());
}

TEST(Engine, AFailedSyncStopsTheShardAndARestartRecovers) {
  TestBed bed;
  bed.enqueue("q", "a");
  bed.disk.fail_sync(0);
  bed.enqueue("q", "b");
  EXPECT_EQ(bed.status.error().code, base::Code::kUnknown);
  bed.enqueue("q", "c");
  EXPECT_EQ(bed.status.error().code, base::Code::kIo);
  EXPECT_FALSE(bed.engine->status());
  bed.crash();
  ASSERT_TRUE(bed.engine);
  const auto left = bed.bodies("q", 10);
  ASSERT_GE(left.size(), 1u);
  EXPECT_EQ(left[0], "a");
  EXPECT_LE(left.size(), 2u);
}

}  // namespace
}  // namespace engine
