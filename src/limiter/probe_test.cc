// Blocks that open by one probe at a time.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "limiter/test_limits.h"

namespace limiter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

const Path kHost{{{"host", "h"}}};
const Path kTwo{{{"host", "h"}}, {{"host", "i"}}};
constexpr base::Duration kProbe = seconds(30);

class Probe : public testing::Test {
 protected:
  Probe() { block(); }
  void block(base::Duration until = seconds(10), base::Duration probe = kProbe,
             const Path& path = kHost) {
    ASSERT_TRUE(t.limiter.block("d", path.first(), at(until), at({}), probe));
  }
  std::optional<Obstacle> take(base::Duration when, uint64_t id = 1, const Path& path = kHost) {
    return t.limiter.take(ask(path), {.hold_id = id, .ttl = seconds(5)}, at(when)).value();
  }
  static Ask ask(const Path& path = kHost) { return {.domain = "d", .descriptors = path.get()}; }

  TestLimiter t{{node("host", "", {named("cap", concurrency(2))}),
                 node("tenant", "", {named("rate", window(1, hours(1)))})}};
};

TEST_F(Probe, OneAskGoesAndTheNextWaitsForTheProbesTime) {
  EXPECT_EQ(take(seconds(0))->retry_after, seconds(10));
  EXPECT_FALSE(take(seconds(11)));
  const auto behind = take(seconds(12), 2);
  ASSERT_TRUE(behind);
  EXPECT_EQ(behind->limited_by, "blocked");
  EXPECT_EQ(behind->retry_after, seconds(29));
  EXPECT_FALSE(take(seconds(41), 3));
  EXPECT_TRUE(take(seconds(41), 4));
}

TEST_F(Probe, ADecisionTakesItToo) {
  EXPECT_TRUE(t.decide(kHost, 1, at(seconds(11))).allowed);
  EXPECT_FALSE(t.decide(kHost, 1, at(seconds(11))).allowed);
  EXPECT_TRUE(take(seconds(11)));
}

TEST_F(Probe, EndingOrReplacingTheBlockEndsTheProbe) {
  ASSERT_FALSE(take(seconds(11)));
  ASSERT_TRUE(t.limiter.block("d", kHost.first(), {}, at(seconds(12))));
  EXPECT_FALSE(take(seconds(12), 2));

  block(seconds(20), kProbe);
  EXPECT_EQ(take(seconds(12), 3)->retry_after, seconds(8));
  block(seconds(20), {});
  EXPECT_FALSE(take(seconds(20), 3));
  EXPECT_FALSE(take(seconds(20), 4)) << "it has ended, and no probe is behind it";
}

TEST_F(Probe, ADryRunTakesNone) {
  Ask dry = ask();
  dry.dry_run = true;
  EXPECT_TRUE(t.decide(dry, at(seconds(11))).allowed);
  EXPECT_FALSE(t.limiter.take(dry, {}, at(seconds(11))).value());
  EXPECT_FALSE(take(seconds(11)));
  EXPECT_FALSE(t.decide(dry, at(seconds(11))).allowed);
}

TEST_F(Probe, AnAskThatItsLimitsRefuseTakesNone) {
  const Path both{{{"host", "h"}}, {{"tenant", "x"}}};
  ASSERT_TRUE(t.decide({{{"tenant", "x"}}}, 1, at(seconds(11))).allowed);
  EXPECT_EQ(take(seconds(11), 1, both)->limited_by, "rate");
  EXPECT_FALSE(t.decide(both, 1, at(seconds(11))).allowed);
  EXPECT_FALSE(take(seconds(11), 2));
}

TEST_F(Probe, ATakeThatIsTakenBackGivesItBackAndTellsWhoWaits) {
  std::vector<base::Hash128> told;
  t.limiter.on_freed([&](uint32_t, base::Hash128 state) { told.push_back(state); });
  const TakeTerms terms{.hold_id = 1, .ttl = seconds(5)};
  ASSERT_FALSE(t.limiter.take(ask(), terms, at(seconds(11))).value());
  const auto behind = take(seconds(11), 2);
  ASSERT_TRUE(behind);
  t.limiter.watch(behind->state, 3);
  t.limiter.untake(ask(), terms, at(seconds(11)));
  EXPECT_EQ(told, std::vector<base::Hash128>{behind->state});
  EXPECT_FALSE(take(seconds(11), 2));
}

TEST_F(Probe, TakingBackWhatWasNoProbeLeavesABlockAsItIs) {
  ASSERT_TRUE(t.limiter.block("d", kHost.first(), {}, at({})));
  const TakeTerms terms{.hold_id = 1, .ttl = seconds(5)};
  ASSERT_FALSE(t.limiter.take(ask(), terms, at({})).value());
  block(kProbe, kProbe);  // As if a probe had been claimed now.
  t.limiter.untake(ask(), terms, at({}));
  EXPECT_EQ(take({}, 2)->retry_after, kProbe);
}

TEST_F(Probe, OfSeveralHalfOpenBlocksAllAreClaimedOrNone) {
  const Path second{{{"host", "i"}}};
  block(seconds(10), kProbe, second);
  ASSERT_FALSE(take(seconds(11), 1, second));
  EXPECT_TRUE(take(seconds(11), 2, kTwo));
  EXPECT_FALSE(take(seconds(11), 3)) << "the first one's probe is still there";
  ASSERT_TRUE(t.limiter.block("d", second.first(), {}, at(seconds(12))));
  EXPECT_FALSE(take(seconds(41), 4, kTwo));
  const Path twice{{{"host", "h"}}, {{"host", "h"}}};
  EXPECT_TRUE(take(seconds(42), 5, twice));
  EXPECT_FALSE(take(seconds(71), 5, twice));
}

TEST_F(Probe, HalfOpenForAnHourItEndsByItself) {
  const base::Duration later = seconds(10) + hours(1);
  ASSERT_FALSE(take(later - milliseconds(1)));
  EXPECT_TRUE(take(later, 2)) << "somebody asked";
  block();
  EXPECT_FALSE(take(later, 3));
  EXPECT_FALSE(take(later + seconds(6), 4)) << "it is no block any more";
}

TEST_F(Probe, ItsTimeHasBounds) {
  const auto status = [&](base::Duration probe) {
    return t.limiter.block("d", kHost.first(), at(seconds(1)), at({}), probe).error().field;
  };
  EXPECT_EQ(status(-seconds(1)), "probe");
  EXPECT_EQ(status(hours(24 * 366)), "probe");
}

// Under the thread sanitizer, too.
TEST(ProbeThreads, OnlyOneOfAllGetsIt) {
  constexpr int kRounds = 200, kThreads = 4;
  TestLimiter t({node("host", "", {named("cap", concurrency(1000))})});
  std::atomic<int> went{0};
  std::barrier round(kThreads, [&]() noexcept {
    CHECK(went.exchange(0) <= 1);
    CHECK(t.limiter.block("d", kHost.first(), at({}), at({}), seconds(30)).has_value());
  });
  ASSERT_TRUE(t.limiter.block("d", kHost.first(), at({}), at({}), seconds(30)));
  std::atomic<int> total{0};
  std::vector<std::thread> threads;
  for (int n = 0; n < kThreads; ++n) {
    threads.emplace_back([&, n] {
      for (int i = 0; i < kRounds; ++i) {
        const Ask ask{.domain = "d", .descriptors = kHost.get()};
        const TakeTerms terms{.hold_id = static_cast<uint64_t>(n * kRounds + i + 1),
                              .ttl = seconds(5)};
        if (!t.limiter.take(ask, terms, at(seconds(1))).value()) {
          ++total;
          if (i % 2 == 0) {  // Taken back, another may have it; never two at a time.
            t.limiter.untake(ask, terms, at(seconds(1)));
          } else {
            ++went;
          }
        }
        round.arrive_and_wait();
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_GE(total, kRounds / 2);
}

}  // namespace
}  // namespace limiter
