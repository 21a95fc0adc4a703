#include "limit/gcra.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "limit/testing.h"

namespace limit {
namespace {

using base::Duration;
using base::Time;
using base::time_from;
using std::chrono::seconds;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr Duration kNanosecond(1);

Gcra any_gcra() { return Gcra::make(*rates(1), *rc::gen::inRange<int64_t>(1, 50)).value(); }

// Long enough that a history of random waits meets the key idle, half full and full.
int64_t some_wait(const Gcra& law) {
  return law.burst() * law.rate().period.count() / law.rate().count / 2 + 2;
}

struct Key {  // A key that keeps its state, as a table would.
  Gcra law;
  GcraState state{};

  Decision take(Time now, int64_t cost) {
    const auto [decision, next] = law.check(state, now, cost);
    if (decision.allowed) state = next;
    return decision;
  }
};

// The same law told as a bucket of tokens, in units of 1/period.
struct TokenBucket {
  base::Int128 capacity, level;
  Rate rate;
  int64_t at;

  bool take(int64_t now, int64_t cost) {
    level = std::min(capacity, level + base::Int128{now - at} * rate.count);
    at = now;
    const base::Int128 price = base::Int128{cost} * rate.period.count();
    if (level < price) return false;
    level -= price;
    return true;
  }
};

RC_GTEST_PROP(Gcra, AdmitsAtMostBurstPlusRateInAnyInterval, ()) {
  Key key{any_gcra()};
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(some_wait(key.law), key.law.burst() + 1)) {
    now += step.wait;
    if (key.take(time_from(now), step.cost).allowed) admitted.push_back({now, step.cost});
  }
  RC_ASSERT(keeps(admitted, key.law.rate(), key.law.burst()));
}

RC_GTEST_PROP(Gcra, KeepsItsBoundWhenTimeGoesBack, ()) {
  Key key{any_gcra()};
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(some_wait(key.law), key.law.burst() + 1)) {
    now += step.choice % 3 == 0 ? -step.wait : step.wait;
    if (key.take(time_from(now), step.cost).allowed) admitted.push_back({now, step.cost});
  }
  RC_ASSERT(keeps(admitted, key.law.rate(), key.law.burst()));
}

RC_GTEST_PROP(Gcra, CountsUnitsGivenBackAsNeverAdmitted, ()) {
  Key key{any_gcra()};
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(some_wait(key.law), key.law.burst() + 1)) {
    now += step.wait;
    if (step.choice % 2 == 0 && !admitted.empty()) {
      Charge& charge = admitted[step.choice / 2 % admitted.size()];
      const int64_t back = std::min(step.cost, charge.units);
      key.state = key.law.give_back(key.state, time_from(charge.at), back, time_from(now));
      charge.units -= back;
    } else if (key.take(time_from(now), step.cost).allowed) {
      admitted.push_back({now, step.cost});
    }
  }
  RC_ASSERT(keeps(admitted, key.law.rate(), key.law.burst()));
}

RC_GTEST_PROP(Gcra, GivingBackAtOnceUndoesTheCharge, ()) {
  Key key{any_gcra()};
  for (const Step& step : *steps(some_wait(key.law), key.law.burst())) {
    const Time now = time_from(kStart + step.wait);
    const Proposal<GcraState> taken = key.law.check(key.state, now, step.cost);
    if (!taken.decision.allowed) continue;
    const GcraState back = key.law.give_back(taken.next, now, step.cost, now);
    RC_ASSERT(back == key.state || (Gcra::idle(back, now) && Gcra::idle(key.state, now)));
    key.state = taken.next;
  }
}

RC_GTEST_PROP(Gcra, ChargesOverTheBurstOnlyByTheOverdraft, ()) {
  Key key{any_gcra()};
  const int64_t overdraft = *rc::gen::inRange<int64_t>(0, 100);
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(some_wait(key.law), 2 * key.law.burst())) {
    now += step.wait;
    int64_t charged = 0;
    if (step.choice % 2 == 0) {
      key.state = key.law.charge_over(key.state, time_from(now), step.cost, overdraft, charged);
    } else if (key.take(time_from(now), step.cost).allowed) {
      charged = step.cost;
    }
    admitted.push_back({now, charged});
  }
  RC_ASSERT(keeps(admitted, key.law.rate(), base::Int128{key.law.burst()} + overdraft));
}

RC_GTEST_PROP(Gcra, DecidesAsATokenBucketDoes, ()) {
  Key key{any_gcra()};
  const base::Int128 capacity = base::Int128{key.law.burst()} * key.law.rate().period.count();
  TokenBucket bucket{capacity, capacity, key.law.rate(), kStart};
  int64_t now = kStart;
  for (const Step& step : *steps(some_wait(key.law), key.law.burst() + 1)) {
    now += step.wait;
    RC_ASSERT(key.take(time_from(now), step.cost).allowed == bucket.take(now, step.cost));
    const base::Int128 whole = bucket.level / key.law.rate().period.count();
    RC_ASSERT(key.law.check(key.state, time_from(now), 0).decision.remaining == whole);
  }
}

RC_GTEST_PROP(Gcra, RetryAfterIsTheFirstInstantThatIsAllowed, ()) {
  Key key{any_gcra()};
  int64_t now = kStart;
  for (const Step& step : *steps(some_wait(key.law), key.law.burst() + 1)) {
    now += step.wait;
    const Decision decision = key.take(time_from(now), step.cost);
    RC_ASSERT(decision.allowed == (decision.retry_after == Duration{}));
    RC_ASSERT((decision.retry_after == kNever) == (step.cost > key.law.burst()));
    if (decision.allowed || decision.retry_after == kNever) continue;
    const Time retry = time_from(now) + decision.retry_after;
    RC_ASSERT(key.law.check(key.state, retry, step.cost).decision.allowed);
    RC_ASSERT(!key.law.check(key.state, retry - kNanosecond, step.cost).decision.allowed);
  }
}

RC_GTEST_PROP(Gcra, RemainingIsExactlyWhatFitsNow, ()) {
  Key key{any_gcra()};
  int64_t now = kStart;
  for (const Step& step : *steps(some_wait(key.law), key.law.burst() + 1)) {
    now += step.wait;
    const int64_t remaining = key.take(time_from(now), step.cost).remaining;
    RC_ASSERT(key.law.check(key.state, time_from(now), remaining).decision.allowed);
    RC_ASSERT(!key.law.check(key.state, time_from(now), remaining + 1).decision.allowed);
  }
}

RC_GTEST_PROP(Gcra, ResetAfterIsTheFirstInstantThatIsIdle, ()) {
  Key key{any_gcra()};
  int64_t now = kStart;
  for (const Step& step : *steps(some_wait(key.law), key.law.burst() + 1)) {
    now += step.wait;
    const Time reset = time_from(now) + key.take(time_from(now), step.cost).reset_after;
    RC_ASSERT(Gcra::idle(key.state, reset));
    RC_ASSERT(reset == time_from(now) || !Gcra::idle(key.state, reset - kNanosecond));
  }
}

RC_GTEST_PROP(Gcra, WhatWasUsedIsTakenOverExactly, ()) {
  const Gcra law = any_gcra();
  const int64_t used = *rc::gen::inRange<int64_t>(0, 200);
  const Time now = time_from(kStart);
  RC_ASSERT(law.used(law.with_used(used, now), now) == used);
  RC_ASSERT(law.check(law.with_used(used, now), now, 0).decision.remaining ==
            std::max(law.burst() - used, int64_t{0}));
}

// Rates and bursts at the ends of their types: nothing overflows (the sanitizer watches), and a
// full key still frees its units exactly when it says.
RC_GTEST_PROP(Gcra, SurvivesTheEndsOfItsTypes, ()) {
  const auto extreme = rc::gen::oneOf(
      rc::gen::inRange<int64_t>(1, 1000),
      rc::gen::elementOf(std::vector<int64_t>{kMost, kMost - 1, kMost / 2}),
      rc::gen::map(rc::gen::inRange(0, 63), [](int bits) { return int64_t{1} << bits; }));
  const Rate rate{*extreme, Duration(*extreme)};
  const base::Result<Gcra> law = Gcra::make(rate, *extreme);
  RC_PRE(law.has_value());
  Key key{*law};
  RC_ASSERT(key.law.rate() == rate);
  const Time now = time_from(kStart);
  RC_ASSERT(key.take(now, kMost).allowed == (key.law.burst() == kMost));
  RC_ASSERT(key.take(now, key.law.check(key.state, now, 0).decision.remaining).allowed);
  const Decision refused = key.take(now, 1);
  RC_ASSERT(!refused.allowed);
  RC_ASSERT(key.law.check(key.state, now + refused.retry_after, 1).decision.allowed);
  int64_t charged = 0;
  const GcraState over = key.law.charge_over(key.state, now, kMost, kMost, charged);
  RC_ASSERT(!key.law.check(over, now, key.law.burst()).decision.allowed);
  RC_ASSERT(key.law.used(over, now) >= charged);
  RC_ASSERT(!key.law.check(over, time_from(0), 1).decision.allowed);
  key.law.give_back(over, now, kMost, now);
}

// With a burst of 1 the bound itself makes every unit wait for a whole nanosecond after the one
// before it; from 2 on nothing may be lost.
TEST(Gcra, ThreePerTenSecondsDoNotDriftInAMillionUnits) {
  Key key{Gcra::make({3, seconds(10)}, 2).value()};
  ASSERT_TRUE(key.take(time_from(kStart), 2).allowed);
  int64_t now = kStart;
  for (int64_t unit = 1; unit <= 1'000'000; ++unit) {
    const int64_t due = kStart + (unit * 10'000'000'000 + 2) / 3;
    ASSERT_EQ(now + key.take(time_from(now), 1).retry_after.count(), due);
    now = due;
    ASSERT_TRUE(key.take(time_from(now), 1).allowed);
  }
}

TEST(Gcra, ThreeHundredMillionUnitsASecondLoseNothing) {
  Key key{Gcra::make({300'000'000, seconds(1)}, 1000).value()};
  int64_t admitted = 0;
  int64_t now = kStart;
  for (int step = 0; step < 1'000'000; ++step, now += 7) {
    const int64_t cost = key.law.check(key.state, time_from(now), 0).decision.remaining;
    if (key.take(time_from(now), cost).allowed) admitted += cost;
  }
  const int64_t elapsed = now - 7 - kStart;
  EXPECT_EQ(admitted, 1000 + elapsed * 3 / 10);
}

TEST(Gcra, RefusalChargesNothing) {
  Key key{Gcra::make({1, seconds(1)}, 5).value()};
  const Time now = time_from(kStart);
  ASSERT_TRUE(key.take(now, 3).allowed);
  const GcraState before = key.state;
  EXPECT_FALSE(key.take(now, 3).allowed);
  EXPECT_EQ(key.law.check(key.state, now, 3).next, before);
  EXPECT_EQ(key.take(now, 2).remaining, 0);
}

TEST(Gcra, PeekChargesNothingAndSeesAnOverdraft) {
  Key key{Gcra::make({1, seconds(1)}, 5).value()};
  const Time now = time_from(kStart);
  EXPECT_EQ(key.law.check(key.state, now, 0).next, GcraState{});
  int64_t charged = 0;
  key.state = key.law.charge_over(key.state, now, 5, 0, charged);
  EXPECT_TRUE(key.take(now, 0).allowed);
  key.state = key.law.charge_over(key.state, now, 9, 2, charged);
  EXPECT_EQ(charged, 2);
  const Decision peek = key.take(now, 0);
  EXPECT_FALSE(peek.allowed);
  EXPECT_EQ(peek.remaining, 0);
  EXPECT_EQ(peek.retry_after, seconds(2));
}

TEST(Gcra, APartOfAUnitCountsAsUsed) {
  const Gcra law = Gcra::make({3, seconds(10)}, 5).value();
  const Time now = time_from(kStart);
  const GcraState state = law.with_used(2, now);
  EXPECT_EQ(law.used(state, now + kNanosecond), 2);
  EXPECT_EQ(law.used(state, now + Duration(3'333'333'333)), 2);
  EXPECT_EQ(law.used(state, now + Duration(3'333'333'334)), 1);
  EXPECT_EQ(law.used(state, now + seconds(7)), 0);
}

TEST(Gcra, CostThatCanNeverFitSaysSo) {
  Key key{Gcra::make({1, seconds(1)}, 5).value()};
  for (const int64_t cost : {int64_t{6}, kMost}) {
    const Decision decision = key.take(time_from(kStart), cost);
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.retry_after, kNever);
    EXPECT_EQ(decision.remaining, 5);
  }
}

TEST(Gcra, AnIdleStateAllowsNoMoreThanAnAbsentOne) {
  Key key{Gcra::make({10, seconds(1)}, 10).value()};
  ASSERT_TRUE(key.take(time_from(kStart), 1).allowed);
  const Time later = time_from(kStart) + seconds(8);
  ASSERT_TRUE(Gcra::idle(key.state, later));
  EXPECT_TRUE(key.take(later, 10).allowed);
  EXPECT_FALSE(key.take(later, 1).allowed);
}

TEST(Gcra, RefusesParametersThatMeanNothing) {
  EXPECT_EQ(Gcra::make({0, seconds(1)}, 1).error().field, "rate");
  EXPECT_EQ(Gcra::make({-1, seconds(1)}, 1).error().field, "rate");
  EXPECT_EQ(Gcra::make({1, seconds(0)}, 1).error().field, "rate");
  EXPECT_EQ(Gcra::make({1, seconds(-1)}, 1).error().field, "rate");
  EXPECT_EQ(Gcra::make({1, seconds(1)}, 0).error().field, "burst");
  EXPECT_EQ(Gcra::make({1, Gcra::kToleranceMax}, 2).error().field, "burst");
  EXPECT_EQ(Gcra::make({1, seconds(1)}, kMost).error().field, "burst");
  EXPECT_TRUE(Gcra::make({1, Gcra::kToleranceMax}, 1).has_value());
}

}  // namespace
}  // namespace limit
