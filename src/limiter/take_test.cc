// Deliveries: all or none with holds, taking back, restoring, and who is told of what comes free.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "limiter/test_limits.h"

namespace limiter {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

const Path kAcme{{{"tenant", "acme"}}};

Ask ask_of(const Path& path, int64_t cost = 1) {
  return {.domain = "d", .descriptors = path.get(), .cost = cost};
}

TakeTerms hold_terms(uint64_t id, base::Duration ttl = seconds(30)) {
  return {.hold_id = id, .ttl = ttl};
}

std::optional<Obstacle> take(Limiter& limiter, const Path& path, uint64_t id,
                             base::Time now = at({}), int64_t cost = 1) {
  return limiter.take(ask_of(path, cost), hold_terms(id), now).value();
}

LimitSpec limit_of(Law law) {
  LimitSpec spec;
  spec.law = std::move(law);
  return spec;
}

std::vector<LimitSpec> one_of_each_rate() {
  return {named("gcra", gcra(3, seconds(10), 7)), named("window", window(20, seconds(7))),
          named("counter", limit_of(limit::SlidingCounter::make({25, seconds(9)}).value())),
          named("log", limit_of(limit::SlidingLog::make({30, seconds(11)}).value()))};
}

TEST(Take, TakesRatesAndHoldsTogetherOrNone) {
  TestLimiter t({node("tenant", "acme", {named("rate", window(10, seconds(60)))}),
                 node("queue", "q", {named("flight", concurrency(2))})});
  const Path both{{{"tenant", "acme"}}, {{"queue", "q"}}};
  EXPECT_FALSE(take(t.limiter, both, 1));
  EXPECT_FALSE(take(t.limiter, both, 2));
  const auto refused = take(t.limiter, both, 3);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limited_by, "flight");
  EXPECT_EQ(refused->retry_after, seconds(30));
  EXPECT_EQ(t.remaining(kAcme, at({})), 8);
  t.limiter.release(ask_of(both), 1, at({}));
  EXPECT_FALSE(take(t.limiter, both, 3));
  EXPECT_EQ(t.remaining(kAcme, at({})), 7);
  EXPECT_EQ(take(t.limiter, kAcme, 9, at({}), 11)->retry_after, limit::kNever);
}

TEST(Take, WithoutHoldsConcurrencyIsOnlyTested) {
  TestLimiter t({node("tenant", "acme", {concurrency(1)})});
  const TakeTerms terms{.holds = false};
  EXPECT_FALSE(t.limiter.take(ask_of(kAcme), terms, at({})).value());
  EXPECT_FALSE(take(t.limiter, kAcme, 1));
  EXPECT_TRUE(t.limiter.take(ask_of(kAcme), terms, at({})).value());
}

TEST(Take, HoldsLastAsLongAsTheLeaseWhateverTheLawSays) {
  TestLimiter t({node("tenant", "acme", {concurrency(1, seconds(5))})});
  ASSERT_FALSE(take(t.limiter, kAcme, 1));
  EXPECT_EQ(take(t.limiter, kAcme, 2, at(seconds(20)))->retry_after, seconds(10));
  t.limiter.renew(ask_of(kAcme), 1, at(seconds(90)), at(seconds(20)));
  EXPECT_EQ(take(t.limiter, kAcme, 2, at(seconds(20)))->retry_after, seconds(70));
  EXPECT_FALSE(take(t.limiter, kAcme, 2, at(seconds(90))));
}

TEST(Take, RenewOfAHoldThatEndedTakesNothing) {
  TestLimiter t({node("tenant", "acme", {concurrency(1)})});
  ASSERT_FALSE(take(t.limiter, kAcme, 1));
  t.limiter.release(ask_of(kAcme), 1, at({}));
  t.limiter.renew(ask_of(kAcme), 1, at(seconds(90)), at({}));
  EXPECT_FALSE(take(t.limiter, kAcme, 2));
}

TEST(Take, RestoreGoesOverTheCapAndFreesWhatItHeldAtItsEnd) {
  TestLimiter t({node("tenant", "acme", {concurrency(2)})});
  for (uint64_t id = 1; id <= 4; ++id)
    t.limiter.restore(ask_of(kAcme), id, at(seconds(static_cast<int>(id) * 100)), at({}));
  EXPECT_EQ(take(t.limiter, kAcme, 9)->retry_after, seconds(300));  // When 3 of 4 have ended.
  t.limiter.release(ask_of(kAcme), 4, at({}));
  EXPECT_EQ(take(t.limiter, kAcme, 9)->retry_after, seconds(200));
  EXPECT_FALSE(take(t.limiter, kAcme, 9, at(seconds(200))));
}

TEST(Take, NamesTheStateThatFreesLastAndBlocks) {
  TestLimiter t({node("tenant", "acme", {named("slow", window(1, seconds(60)))}),
                 node("queue", "q", {named("fast", gcra(1, seconds(1), 1))})});
  const Path both{{{"tenant", "acme"}}, {{"queue", "q"}}}, fast{{{"queue", "q"}}};
  ASSERT_FALSE(take(t.limiter, both, 1));
  const Obstacle slow = *take(t.limiter, both, 2), quick = *take(t.limiter, fast, 2);
  EXPECT_EQ(slow.limited_by, "slow");
  EXPECT_EQ(quick.limited_by, "fast");
  EXPECT_NE(slow.state, quick.state);
  EXPECT_EQ(slow.state, take(t.limiter, kAcme, 2)->state);
  ASSERT_TRUE(t.limiter.block("d", kAcme.first(), at(seconds(600)), at({})));
  const Obstacle blocked = *take(t.limiter, both, 2);
  EXPECT_EQ(blocked.limited_by, "blocked");
  EXPECT_EQ(blocked.retry_after, seconds(600));
  EXPECT_NE(blocked.state, slow.state);
}

TEST(Take, AnAskStandsBehindWhoeverWaitsAtOneOfItsStates) {
  TestLimiter t({node("tenant", "acme", {named("rate", window(2, seconds(60)))})});
  ASSERT_FALSE(take(t.limiter, kAcme, 1));
  std::set<uint64_t> waiting;
  const std::function<bool(base::Hash128)> queued = [&](base::Hash128 state) {
    return waiting.contains(state.low);
  };
  TakeTerms terms = hold_terms(2);
  terms.queued = &queued;
  ASSERT_FALSE(t.limiter.take(ask_of(kAcme), terms, at({})).value());
  const Obstacle full = *t.limiter.take(ask_of(kAcme), terms, at({})).value();
  EXPECT_FALSE(full.taken_turn);
  waiting.insert(full.state.low);
  const Obstacle behind = *t.limiter.take(ask_of(kAcme), terms, at(seconds(120))).value();
  EXPECT_TRUE(behind.taken_turn);
  EXPECT_EQ(behind.state, full.state);
  EXPECT_EQ(behind.limited_by, "rate");
  EXPECT_EQ(t.remaining(kAcme, at(seconds(120))), 2);
}

TEST(Take, LimitsOfQuotaModeStandInTheWayOnlyTogether) {
  LimitSpec first = named("first", window(1, seconds(60))), second = first;
  first.quota = second.quota = true;
  second.name = "second";
  TestLimiter t({node("tenant", "acme", {first}), node("queue", "q", {second})});
  const Path both{{{"tenant", "acme"}}, {{"queue", "q"}}};
  const base::Hash128 at_first = [&] {
    TestLimiter other({node("tenant", "acme", {first})});
    EXPECT_FALSE(take(other.limiter, kAcme, 1));
    return take(other.limiter, kAcme, 2)->state;
  }();
  const std::function<bool(base::Hash128)> queued = [&](base::Hash128 state) {
    return state == at_first;
  };
  TakeTerms terms = hold_terms(1);
  terms.queued = &queued;
  EXPECT_FALSE(t.limiter.take(ask_of(both), terms, at({})).value());  // The second has room.
  EXPECT_TRUE(t.limiter.take(ask_of(both), terms, at({})).value()->taken_turn);
}

struct Numbers {
  std::vector<limit::Decision> of;
  Numbers(TestLimiter& t, const Path& path, base::Time now) {
    for (int64_t cost = 0; cost < 30; cost += 3) {
      for (const base::Duration later : {base::Duration{}, base::Duration(milliseconds(1500))}) {
        Ask ask = ask_of(path, cost);
        ask.dry_run = true;
        for (const LimitAnswer& row : t.decide(ask, now + later).limits) of.push_back(row.decision);
      }
    }
  }
  bool operator==(const Numbers& other) const {
    return std::equal(of.begin(), of.end(), other.of.begin(), other.of.end(),
                      [](const limit::Decision& a, const limit::Decision& b) {
                        return a.allowed == b.allowed && a.remaining == b.remaining &&
                               a.retry_after == b.retry_after && a.reset_after == b.reset_after;
                      });
  }
};

TEST(Take, UntakeLeavesEveryLawAsItWas) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    base::Random random(seed);
    std::vector<LimitSpec> limits = one_of_each_rate();
    limits.push_back(named("flight", concurrency(4)));
    TestLimiter t({node("tenant", "acme", limits)});
    base::Time now = at({});
    std::vector<base::Hash128> uncharged;
    for (uint64_t id = 1; id <= 60; ++id) {
      now += milliseconds(static_cast<int64_t>(random.below(3) * random.below(1500)));
      TakeTerms terms = hold_terms(id, milliseconds(1 + static_cast<int64_t>(random.below(3000))));
      if (random.below(2) == 0) terms.uncharged = &uncharged;
      const Ask ask = ask_of(kAcme, 1 + static_cast<int64_t>(random.below(4)));
      const Numbers before(t, kAcme, now);
      if (t.limiter.take(ask, terms, now).value()) {
        EXPECT_EQ(before, Numbers(t, kAcme, now)) << "a refusal changed something, seed " << seed;
      } else if (random.below(2) == 0) {
        t.limiter.untake(ask, terms, now);
        ASSERT_EQ(before, Numbers(t, kAcme, now)) << "seed " << seed << ", id " << id;
      }
    }
  }
}

TEST(Take, UntakeGivesBackOnlyWhatWasCharged) {
  LimitSpec small = named("small", window(1, seconds(60))), large = small;
  small.quota = large.quota = true;
  large.name = "large";
  large.law = limit::FixedWindow::make({9, seconds(60)}).value();
  LimitSpec shadow = named("shadow", window(1, seconds(60)));
  shadow.shadow = true;
  TestLimiter t({node("tenant", "acme", {small, large, shadow})});
  ASSERT_FALSE(take(t.limiter, kAcme, 1));
  std::vector<base::Hash128> uncharged;
  TakeTerms terms = hold_terms(2);
  terms.uncharged = &uncharged;
  const Numbers before(t, kAcme, at({}));
  ASSERT_FALSE(t.limiter.take(ask_of(kAcme), terms, at({})).value());
  EXPECT_EQ(uncharged.size(), 2u);
  t.limiter.untake(ask_of(kAcme), terms, at({}));
  EXPECT_EQ(before, Numbers(t, kAcme, at({})));
}

// ---- Waking.

struct Told {
  explicit Told(Limiter& limiter) {
    limiter.on_freed([this](uint32_t watcher, base::Hash128) { by.push_back(watcher); });
    limiter.on_reload([this] { ++reloads; });
  }
  std::vector<uint32_t> take() { return std::exchange(by, {}); }
  std::vector<uint32_t> by;
  int reloads = 0;
};

TEST(Watching, WhatFreesUnitsEarlyTellsTheWatchersOfTheState) {
  TestLimiter t({node("tenant", "acme", {named("flight", concurrency(1))}),
                 node("tenant", "rate", {named("rate", window(10, seconds(60)))})});
  const Path rate{{{"tenant", "rate"}}};
  Told told(t.limiter);
  ASSERT_FALSE(take(t.limiter, kAcme, 1));
  ASSERT_FALSE(take(t.limiter, rate, 1, at({}), 5));
  const base::Hash128 flight = take(t.limiter, kAcme, 2)->state;
  const base::Hash128 units = take(t.limiter, rate, 2, at({}), 6)->state;
  t.limiter.watch(flight, 3);
  t.limiter.watch(flight, 63);
  t.limiter.watch(units, 0);

  EXPECT_THAT(told.take(), IsEmpty());
  t.limiter.release(ask_of(kAcme), 1, at({}));
  EXPECT_THAT(told.take(), ElementsAre(3, 63));
  const auto held = t.limiter.acquire(ask_of(kAcme), seconds(50), at({})).value();
  ASSERT_TRUE(t.limiter.renew(held.id, seconds(55), at({})));
  EXPECT_THAT(told.take(), IsEmpty());
  ASSERT_TRUE(t.limiter.renew(held.id, seconds(5), at({})));
  EXPECT_THAT(told.take(), ElementsAre(3, 63));
  ASSERT_TRUE(t.limiter.release(held.id, at({})));
  EXPECT_THAT(told.take(), ElementsAre(3, 63));

  auto reserved = t.limiter.reserve(ask_of(rate, 4), seconds(9), at({})).value();
  ASSERT_TRUE(t.limiter.commit(reserved.id, 2, at({})));
  EXPECT_THAT(told.take(), ElementsAre(0));
  reserved = t.limiter.reserve(ask_of(rate, 3), seconds(9), at({})).value();
  ASSERT_TRUE(t.limiter.cancel(reserved.id, at({})));
  EXPECT_THAT(told.take(), ElementsAre(0));
  reserved = t.limiter.reserve(ask_of(rate, 3), seconds(9), at({})).value();
  ASSERT_TRUE(t.limiter.commit(reserved.id, 3, at({})));
  EXPECT_THAT(told.take(), IsEmpty());
  ASSERT_TRUE(t.limiter.forget("d", rate.first()));
  EXPECT_THAT(told.take(), ElementsAre(0));
  ASSERT_FALSE(take(t.limiter, rate, 5));
  t.limiter.untake(ask_of(rate), hold_terms(5), at({}));
  EXPECT_THAT(told.take(), ElementsAre(0));

  t.limiter.unwatch(flight, 3);
  t.limiter.unwatch(units, 0);
  ASSERT_TRUE(t.limiter.forget("d", rate.first()));
  ASSERT_TRUE(t.limiter.forget("d", kAcme.first()));
  EXPECT_THAT(told.take(), ElementsAre(63));
}

TEST(Watching, TheEndOfABlockAndAReloadAreTold) {
  TestLimiter t({node("tenant", "acme", {concurrency(1)})});
  Told told(t.limiter);
  ASSERT_TRUE(t.limiter.block("d", kAcme.first(), at(seconds(60)), at({})));
  t.limiter.watch(take(t.limiter, kAcme, 1)->state, 7);
  ASSERT_TRUE(t.limiter.block("d", kAcme.first(), {}, at({})));
  EXPECT_THAT(told.take(), ElementsAre(7));
  EXPECT_FALSE(take(t.limiter, kAcme, 1));
  t.reload({node("tenant", "acme", {concurrency(2)})});
  EXPECT_EQ(told.reloads, 1);
}

}  // namespace
}  // namespace limiter
