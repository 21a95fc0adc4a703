#include "limit/sliding_log.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "limit/arithmetic.h"
#include "limit/testing.h"

namespace limit {
namespace {

using base::Duration;
using base::Time;
using base::time_from;
using std::chrono::seconds;

constexpr Duration kNanosecond(1);

SlidingLog any_log() {
  using rc::gen::inRange;
  return SlidingLog::make({*inRange<int64_t>(1, 30), Duration(*inRange<int64_t>(1, 300))}).value();
}

struct Key {
  SlidingLog law;
  LogState state{};

  Decision take(Time now, int64_t cost) {
    const Decision decision = law.check(state, now, cost);
    if (decision.allowed) law.charge(state, now, cost);
    return decision;
  }
};

// A step goes back in time now and then.
int64_t moved(int64_t now, const Step& step) {
  return step.choice % 8 == 0 ? now - step.wait : now + step.wait;
}

RC_GTEST_PROP(SlidingLog, NeverHoldsMoreThanNInAnyWindow, ()) {
  Key key{any_log()};
  History admitted;
  int64_t now = kStart;
  int64_t latest = 0;  // The law stays there when time goes back.
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now = moved(now, step);
    if (!key.take(time_from(now), step.cost).allowed || step.cost == 0) continue;
    latest = std::max(latest, now);
    admitted.push_back({latest, step.cost});
  }
  RC_ASSERT(most_within(admitted, key.law.rate().period) <= key.law.count());
}

RC_GTEST_PROP(SlidingLog, AdmitsWheneverTheWindowHasRoom, ()) {
  Key key{any_log()};
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.wait;
    int64_t live = 0;
    for (const Charge& charge : admitted) {
      if (charge.at > now - key.law.rate().period.count()) live += charge.units;
    }
    RC_ASSERT(key.law.used(key.state, time_from(now)) == live);
    const Decision decision = key.take(time_from(now), step.cost);
    RC_ASSERT(decision.allowed == (live + step.cost <= key.law.count()));
    RC_ASSERT(decision.remaining == key.law.count() - live - (decision.allowed ? step.cost : 0));
    if (decision.allowed) admitted.push_back({now, step.cost});
  }
}

RC_GTEST_PROP(SlidingLog, CountsUnitsGivenBackAsNeverAdmitted, ()) {
  Key key{any_log()};
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.wait;
    if (step.choice % 2 == 0 && !admitted.empty()) {
      Charge& charge = admitted[step.choice / 2 % admitted.size()];
      const int64_t back = std::min(step.cost, charge.units);
      key.law.give_back(key.state, time_from(charge.at), back, time_from(now));
      charge.units -= back;
    } else if (key.take(time_from(now), step.cost).allowed) {
      admitted.push_back({now, step.cost});
    }
    int64_t live = 0;
    for (const Charge& charge : admitted) {
      if (charge.at > now - key.law.rate().period.count()) live += charge.units;
    }
    RC_ASSERT(key.law.used(key.state, time_from(now)) == live);
  }
  RC_ASSERT(most_within(admitted, key.law.rate().period) <= key.law.count());
}

RC_GTEST_PROP(SlidingLog, ChargesOverNOnlyByTheOverdraft, ()) {
  Key key{any_log()};
  const int64_t overdraft = *rc::gen::inRange<int64_t>(0, 20);
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), 2 * key.law.count())) {
    now += step.wait;
    const int64_t charged = key.law.charge_over(key.state, time_from(now), step.cost, overdraft);
    RC_ASSERT(charged <= step.cost);
    admitted.push_back({now, charged});
  }
  RC_ASSERT(most_within(admitted, key.law.rate().period) <= key.law.count() + overdraft);
}

RC_GTEST_PROP(SlidingLog, RetryAfterIsTheFirstInstantThatIsAllowed, ()) {
  Key key{any_log()};
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now = moved(now, step);
    const Decision decision = key.take(time_from(now), step.cost);
    RC_ASSERT(decision.allowed == (decision.retry_after == Duration{}));
    RC_ASSERT((decision.retry_after == kNever) == (step.cost > key.law.count()));
    if (decision.allowed || decision.retry_after == kNever) continue;
    const Time retry = time_from(now) + decision.retry_after;
    RC_ASSERT(key.law.check(key.state, retry, step.cost).allowed);
    RC_ASSERT(!key.law.check(key.state, retry - kNanosecond, step.cost).allowed);
  }
}

RC_GTEST_PROP(SlidingLog, ResetAfterIsTheFirstInstantThatIsIdle, ()) {
  Key key{any_log()};
  int64_t now = kStart;
  for (const Step& step : *steps(2 * key.law.rate().period.count(), key.law.count() + 1)) {
    now = moved(now, step);
    const Time reset = time_from(now) + key.take(time_from(now), step.cost).reset_after;
    RC_ASSERT(key.law.idle(key.state, reset));
    RC_ASSERT(reset == time_from(now) || !key.law.idle(key.state, reset - kNanosecond));
  }
}

TEST(SlidingLog, AChargeLeavesExactlyOneWindowLater) {
  Key key{SlidingLog::make({1, seconds(10)}).value()};
  const Time now = time_from(kStart);
  ASSERT_TRUE(key.take(now, 1).allowed);
  EXPECT_FALSE(key.take(now + seconds(10) - kNanosecond, 1).allowed);
  EXPECT_TRUE(key.take(now + seconds(10), 1).allowed);
}

TEST(SlidingLog, ChargesOfOneInstantShareAnEntry) {
  Key key{SlidingLog::make({1000, seconds(10)}).value()};
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(key.take(time_from(kStart), 1).allowed);
  EXPECT_EQ(key.state.bytes(), 16u);
}

TEST(SlidingLog, MemoryFollowsWhatIsInTheWindow) {
  Key key{SlidingLog::make({4096, seconds(1)}).value()};
  EXPECT_EQ(key.state.bytes(), 0u);
  int64_t now = kStart;
  for (int i = 0; i < 4096; ++i) ASSERT_TRUE(key.take(time_from(++now), 1).allowed);
  EXPECT_EQ(key.state.bytes(), 4096u * 16);
  now += 1'000'000'000;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(key.take(time_from(now += 500'000'000), 1).allowed);
  EXPECT_LE(key.state.bytes(), 8u * 16);
  key.law.give_back(key.state, time_from(now), 1, time_from(now));
  key.law.give_back(key.state, time_from(now - 500'000'000), 1, time_from(now));
  EXPECT_EQ(key.state.bytes(), 0u);
}

TEST(SlidingLog, TheRingShrinksAsChargesLeave) {
  Key key{SlidingLog::make({1024, seconds(1)}).value()};
  int64_t now = kStart;
  for (int i = 0; i < 1024; ++i) ASSERT_TRUE(key.take(time_from(now += 100'000), 1).allowed);
  EXPECT_EQ(key.state.bytes(), 1024u * 16);
  now += 900'000'000;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(key.take(time_from(now += 9'990'000), 1).allowed);
  ASSERT_EQ(key.law.used(key.state, time_from(now)), 100);
  EXPECT_LE(key.state.bytes(), 512u * 16);
}

TEST(SlidingLog, RefusalAndPeekChargeNothing) {
  Key key{SlidingLog::make({2, seconds(1)}).value()};
  ASSERT_TRUE(key.take(time_from(kStart), 0).allowed);
  EXPECT_EQ(key.state.bytes(), 0u);
  ASSERT_TRUE(key.take(time_from(kStart), 1).allowed);
  EXPECT_FALSE(key.take(time_from(kStart), 2).allowed);
  EXPECT_EQ(key.law.used(key.state, time_from(kStart)), 1);
  EXPECT_EQ(key.take(time_from(kStart), 0).remaining, 1);
}

TEST(SlidingLog, WhatWasUsedUnderAHigherLimitStaysUsed) {
  const SlidingLog law = SlidingLog::make({5, seconds(1)}).value();
  const Time now = time_from(kStart);
  for (const int64_t used : {int64_t{7}, kUnitsMax}) {
    Key key{law, law.with_used(used, now)};
    EXPECT_EQ(law.used(key.state, now), used);
    const Decision decision = key.take(now, 1);
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.remaining, 0);
    EXPECT_EQ(decision.retry_after, seconds(1));
    EXPECT_FALSE(key.take(now, 0).allowed);
    EXPECT_EQ(law.charge_over(key.state, now, kUnitsMax, 2), 0);
    EXPECT_TRUE(key.take(now + seconds(1), 5).allowed);
  }
}

TEST(SlidingLog, CostThatCanNeverFitSaysSo) {
  Key key{SlidingLog::make({5, seconds(1)}).value()};
  EXPECT_EQ(key.take(time_from(kStart), 6).retry_after, kNever);
  EXPECT_EQ(key.take(time_from(kStart), kUnitsMax).retry_after, kNever);
  EXPECT_EQ(key.take(time_from(kStart), kUnitsMax).remaining, 5);
}

TEST(SlidingLog, ACountOfZeroIsAlwaysOverTheLimit) {
  Key key{SlidingLog::make({0, seconds(1)}).value()};
  for (const int64_t cost : {0, 1}) {
    EXPECT_FALSE(key.take(time_from(kStart), cost).allowed);
    EXPECT_EQ(key.take(time_from(kStart), cost).retry_after, kNever);
  }
}

TEST(SlidingLog, RefusesParametersThatMeanNothing) {
  EXPECT_EQ(SlidingLog::make({-1, seconds(1)}).error().field, "rate");
  EXPECT_EQ(SlidingLog::make({1, seconds(0)}).error().field, "rate");
  EXPECT_EQ(SlidingLog::make({SlidingLog::kCountMax + 1, seconds(1)}).error().field, "rate");
  EXPECT_TRUE(SlidingLog::make({SlidingLog::kCountMax, seconds(1)}).has_value());
  EXPECT_FALSE(SlidingLog::make({100'001, seconds(1)}).has_value());
}

}  // namespace
}  // namespace limit
