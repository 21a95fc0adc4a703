// The circuit breaker over a real limiter: open, half open, closed.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>

#include "base/random.h"
#include "dispatch/test_bed.h"

namespace dispatch {
namespace {

using namespace std::chrono_literals;

// Opens the breaker of "a" and lets its block pass: the next one is a probe.
void half_open(TestBed& bed) {
  for (int i = 0; i < 5; ++i) bed.fail("a");
  ASSERT_EQ(bed.row("a").reason, "breaker");
  bed.now = bed.row("a").blocked_until;
}

TEST(Breaker, OpensAfterFiveEventsInARowAndNotBefore) {
  TestBed bed;
  for (int i = 0; i < 4; ++i) {
    bed.fail("a");
    EXPECT_EQ(bed.wait_of("a"), 0s) << i;
  }
  bed.fail("a");
  EXPECT_EQ(bed.row("a").reason, "breaker");
  EXPECT_GE(bed.wait_of("a"), 800ms);
  EXPECT_LE(bed.wait_of("a"), 1200ms);
}

TEST(Breaker, HalfOpenLetsOneThroughAndHoldsTheOthersBack) {
  TestBed bed;
  half_open(bed);
  EXPECT_EQ(bed.row("a").reason, "half open");
  EXPECT_FALSE(bed.take("a"));
  const auto second = bed.take("a");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->limited_by, "blocked");
  EXPECT_EQ(second->retry_after, 30s);
  EXPECT_FALSE(bed.take("b"));
}

TEST(Breaker, AProbeThatIsAnsweredClosesIt) {
  for (const int status : {200, 404, 301}) {
    TestBed bed;
    half_open(bed);
    ASSERT_FALSE(bed.take("a"));
    bed.release("a");
    bed.answer("a", status);
    EXPECT_EQ(bed.row("a").reason, "");
    for (int i = 0; i < 8; ++i) EXPECT_FALSE(bed.take("a")) << status;
  }
}

TEST(Breaker, AProbeThatFailsOpensItForTwiceAsLong) {
  TestBed bed;
  half_open(bed);
  base::Duration own = 2s;
  for (int i = 0; i < 12; ++i) {
    ASSERT_FALSE(bed.take("a"));
    bed.release("a");
    bed.fail("a");
    const HostRow row = bed.row("a");
    EXPECT_EQ(row.reason, "breaker");
    EXPECT_GE(row.blocked_until - bed.now, own * 8 / 10) << i;
    EXPECT_LE(row.blocked_until - bed.now, own * 12 / 10) << i;
    EXPECT_EQ(bed.wait_of("a"), row.blocked_until - bed.now);
    bed.now = row.blocked_until;
    own = std::min<base::Duration>(own * 2, 10min);
  }
}

TEST(Breaker, AProbeThatFindsTheHostBusyClosesItAndBlocksTheHost) {
  TestBed bed;
  half_open(bed);
  ASSERT_FALSE(bed.take("a"));
  bed.release("a");
  bed.answer("a", 429, "60");
  EXPECT_EQ(bed.row("a").reason, "retry-after");
  EXPECT_EQ(bed.wait_of("a"), 60s);
  bed.now += 60s;
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(bed.take("a")) << i;
}

TEST(Breaker, AProbeThatSaysNothingMakesRoomForTheNextAtOnce) {
  TestBed bed;
  half_open(bed);
  ASSERT_FALSE(bed.take("a"));
  bed.begin("a");
  EXPECT_TRUE(bed.take("a"));
  bed.hosts.dropped("a", bed.now);
  ASSERT_FALSE(bed.take("a"));
  bed.answer("a", {.failure = Failure::kRefused});
  EXPECT_FALSE(bed.take("a"));
  EXPECT_EQ(bed.row("a").reason, "half open");
}

TEST(Breaker, AProbeThatIsNeverHeardOfMakesRoomAfterItsTime) {
  TestBed bed;
  half_open(bed);
  ASSERT_FALSE(bed.take("a"));
  bed.now += 30s - 1ns;
  EXPECT_TRUE(bed.take("a"));
  bed.now += 1ns;
  EXPECT_FALSE(bed.take("a"));
}

TEST(Breaker, AnAnswerFromBeforeItOpenedDoesNotCloseIt) {
  TestBed bed;
  bed.begin("a");
  const base::Time early = bed.now;
  half_open(bed);
  bed.end("a", {.status = 200}, early);
  EXPECT_EQ(bed.row("a").reason, "half open");
  EXPECT_FALSE(bed.take("a"));
  EXPECT_TRUE(bed.take("a"));
}

TEST(Breaker, IsEndedWithTheHostThatIsForgotten) {
  TestBed bed;
  half_open(bed);
  bed.now += Hosts::kIdle;
  bed.tick_all();
  EXPECT_TRUE(bed.hosts.rows(10, bed.now).empty());
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(bed.take("a")) << i;
}

// Requests as a gate would let them go, against hosts that fail, answer, or say nothing; every
// answer takes less than a probe's time. Whatever happens: of a host that is half open at most one
// request that began since then is in flight, and what is held back goes in the end.
TEST(Breaker, AtMostOneProbeGoesAtATime) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    base::Random random(seed);
    TestBed bed({.breaker_failures = 1 + static_cast<uint32_t>(seed % 3),
                 .backoff_base = 100ms,
                 .backoff_max = 1s,
                 .probe = 2s,
                 .seed = seed});
    struct Flying {
      std::string host;
      base::Time started, ends;
      uint64_t hold;
      bool probe;
    };
    std::deque<Flying> flying;
    std::map<std::string, int> probes;
    std::map<std::string, uint64_t> sick;  // In percent.
    int probed = 0, went = 0;
    for (const char* host : {"a", "b", "c"}) sick[host] = 100;
    for (int step = 0; step < 6000; ++step) {
      bed.now += std::chrono::milliseconds(random.below(40));
      if (random.below(300) == 0) sick[std::string(1, "abc"[random.below(3)])] = random.below(101);
      const std::string host(1, "abc"[random.below(3)]);
      const bool probe = bed.row(host).reason == "half open";
      if (!bed.take(host)) {
        bed.begin(host);
        flying.push_back({host, bed.now, bed.now + std::chrono::milliseconds(random.below(1900)),
                          bed.last_hold(), probe});
        ++went;
        if (probe) {
          ++probed;
          ASSERT_EQ(++probes[host], 1) << host << " seed " << seed << " step " << step;
        }
      }
      for (size_t i = 0; i < flying.size();) {
        if (flying[i].ends > bed.now) {
          ++i;
          continue;
        }
        const Flying landed = flying[i];
        flying.erase(flying.begin() + static_cast<ptrdiff_t>(i));
        if (landed.probe) --probes[landed.host];
        bed.release(landed.host, landed.hold);
        if (random.below(20) == 0) {
          bed.hosts.dropped(landed.host, bed.now);
        } else if (random.below(100) < sick[landed.host]) {
          bed.end(landed.host, {.failure = Failure::kTimeout}, landed.started);
        } else {
          bed.end(landed.host, {.status = random.below(10) == 0 ? 429 : 200}, landed.started);
        }
      }
    }
    EXPECT_GT(probed, 0) << seed;
    EXPECT_GT(went, 100) << seed;
    bed.now += 1h;
    for (const char* host : {"a", "b", "c"}) EXPECT_FALSE(bed.take(host)) << seed;
  }
}

}  // namespace
}  // namespace dispatch
