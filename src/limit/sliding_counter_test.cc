#include "limit/sliding_counter.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "limit/arithmetic.h"
#include "limit/testing.h"

namespace limit {
namespace {

using base::Duration;
using base::Time;
using base::time_from;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kNanosecond(1);

SlidingCounter any_counter() {
  using rc::gen::inRange;
  return SlidingCounter::make({*inRange<int64_t>(1, 30), Duration(*inRange<int64_t>(1, 300))})
      .value();
}

struct Key {
  SlidingCounter law;
  CounterState state{};

  Decision take(Time now, int64_t cost) {
    const auto [decision, next] = law.check(state, now, cost);
    if (decision.allowed) state = next;
    return decision;
  }
};

struct Counts {
  int64_t start, current, previous;
};

// Both windows counted from the history itself.
Counts counted(const History& admitted, int64_t now, int64_t window) {
  const int64_t start = now - now % window;
  Counts counts{start, 0, 0};
  for (const auto& [at, units] : admitted) {
    if (at >= start && at < start + window) counts.current += units;
    if (at >= start - window && at < start) counts.previous += units;
  }
  return counts;
}

RC_GTEST_PROP(SlidingCounter, KeepsItsBoundsInEveryInterval, ()) {
  Key key{any_counter()};
  const int64_t window = key.law.rate().period.count();
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(window, key.law.count() + 1)) {
    now += step.wait;
    if (key.take(time_from(now), step.cost).allowed) admitted.push_back({now, step.cost});
  }
  for (const Charge& charge : admitted) {
    RC_ASSERT(counted(admitted, charge.at, window).current <= key.law.count());
  }
  RC_ASSERT(most_within(admitted, key.law.rate().period) < 2 * key.law.count());
}

RC_GTEST_PROP(SlidingCounter, AdmitsExactlyWhatTheEstimateAllows, ()) {
  Key key{any_counter()};
  const int64_t window = key.law.rate().period.count();
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(window, key.law.count() + 1)) {
    now += step.wait;
    const auto [start, current, previous] = counted(admitted, now, window);
    const base::Int128 estimate =
        base::Int128{previous} * (start + window - now) + base::Int128{current} * window;
    const bool fits =
        estimate + base::Int128{step.cost} * window <= base::Int128{key.law.count()} * window;
    RC_ASSERT(key.take(time_from(now), step.cost).allowed == fits);
    if (fits) admitted.push_back({now, step.cost});
  }
}

RC_GTEST_PROP(SlidingCounter, KeepsItsBoundsWhenTimeGoesBack, ()) {
  Key key{any_counter()};
  const int64_t window = key.law.rate().period.count();
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(window, key.law.count() + 1)) {
    now += step.choice % 3 == 0 ? -step.wait : step.wait;
    if (!key.take(time_from(now), step.cost).allowed || step.cost == 0) continue;
    admitted.push_back({std::max(now, key.state.start), step.cost});
  }
  for (const Charge& charge : admitted) {
    RC_ASSERT(counted(admitted, charge.at, window).current <= key.law.count());
  }
  RC_ASSERT(most_within(admitted, key.law.rate().period) < 2 * key.law.count());
}

RC_GTEST_PROP(SlidingCounter, CountsUnitsGivenBackAsNeverAdmitted, ()) {
  Key key{any_counter()};
  const int64_t window = key.law.rate().period.count();
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(window, key.law.count() + 1)) {
    now += step.wait;
    if (step.choice % 2 == 0 && !admitted.empty()) {
      Charge& charge = admitted[step.choice / 2 % admitted.size()];
      const int64_t back = std::min(step.cost, charge.units);
      key.state = key.law.give_back(key.state, time_from(charge.at), back, time_from(now));
      charge.units -= back;
    } else if (key.take(time_from(now), step.cost).allowed) {
      admitted.push_back({now, step.cost});
    }
    const auto [start, current, previous] = counted(admitted, now, window);
    const int64_t left = start + window - now;
    RC_ASSERT(key.law.used(key.state, time_from(now)) ==
              current + (previous * left + window - 1) / window);
  }
  RC_ASSERT(most_within(admitted, key.law.rate().period) < 2 * key.law.count());
}

RC_GTEST_PROP(SlidingCounter, RetryAfterIsTheFirstInstantThatIsAllowed, ()) {
  Key key{any_counter()};
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.choice % 8 == 0 ? -step.wait : step.wait;
    const Decision decision = key.take(time_from(now), step.cost);
    RC_ASSERT(decision.allowed == (decision.retry_after == Duration{}));
    RC_ASSERT((decision.retry_after == kNever) == (step.cost > key.law.count()));
    if (decision.allowed || decision.retry_after == kNever) continue;
    const Time retry = time_from(now) + decision.retry_after;
    RC_ASSERT(key.law.check(key.state, retry, step.cost).decision.allowed);
    RC_ASSERT(!key.law.check(key.state, retry - kNanosecond, step.cost).decision.allowed);
  }
}

RC_GTEST_PROP(SlidingCounter, RetryAfterHoldsForWhatAnOverdraftOwes, ()) {
  Key key{any_counter()};
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count())) {
    now += step.wait;
    int64_t charged = 0;
    key.state = key.law.charge_over(key.state, time_from(now), 2 * step.cost, 20, charged);
    RC_ASSERT(key.law.used(key.state, time_from(now)) <= key.law.count() + 20);
    const Decision decision = key.law.check(key.state, time_from(now), step.cost).decision;
    if (decision.allowed) continue;
    const Time retry = time_from(now) + decision.retry_after;
    RC_ASSERT(key.law.check(key.state, retry, step.cost).decision.allowed);
    RC_ASSERT(!key.law.check(key.state, retry - kNanosecond, step.cost).decision.allowed);
  }
}

RC_GTEST_PROP(SlidingCounter, RemainingIsExactlyWhatFitsNow, ()) {
  Key key{any_counter()};
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.wait;
    const int64_t remaining = key.take(time_from(now), step.cost).remaining;
    RC_ASSERT(key.law.check(key.state, time_from(now), remaining).decision.allowed);
    RC_ASSERT(!key.law.check(key.state, time_from(now), remaining + 1).decision.allowed);
  }
}

RC_GTEST_PROP(SlidingCounter, ResetAfterIsTheFirstInstantThatIsIdle, ()) {
  Key key{any_counter()};
  int64_t now = kStart;
  for (const Step& step : *steps(2 * key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.wait;
    const Time reset = time_from(now) + key.take(time_from(now), step.cost).reset_after;
    RC_ASSERT(key.law.idle(key.state, reset));
    RC_ASSERT(reset == time_from(now) || !key.law.idle(key.state, reset - kNanosecond));
  }
}

TEST(SlidingCounter, TheOlderWindowCountsWithItsShare) {
  Key key{SlidingCounter::make({10, seconds(1)}).value()};
  const Time start = time_from(1'750'000'000'000'000'000);
  ASSERT_TRUE(key.take(start + milliseconds(500), 10).allowed);
  EXPECT_EQ(key.take(start + milliseconds(1000), 1).retry_after, milliseconds(100));
  EXPECT_EQ(key.take(start + milliseconds(1300), 0).remaining, 3);
  EXPECT_EQ(key.law.used(key.state, start + milliseconds(1301)), 7);
  EXPECT_TRUE(key.take(start + milliseconds(1300), 3).allowed);
  EXPECT_EQ(key.take(start + milliseconds(1300), 1).retry_after, milliseconds(100));
}

TEST(SlidingCounter, BeforeItsWindowItDecidesAsAtItsStart) {
  Key key{SlidingCounter::make({10, seconds(1)}).value()};
  const Time start = time_from(1'750'000'000'000'000'000);
  ASSERT_TRUE(key.take(start - seconds(1), 4).allowed);
  ASSERT_TRUE(key.take(start, 3).allowed);
  for (const Duration back : {seconds(0), seconds(1), seconds(1000)}) {
    const Decision decision = key.take(start - back, 4);
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.remaining, 3);
    EXPECT_EQ(decision.retry_after, back + milliseconds(250));
  }
}

TEST(SlidingCounter, CountsAndWindowsAtTheEndsOfTheirTypesDoNotOverflow) {
  Key key{SlidingCounter::make({kUnitsMax, kWindowMax}).value()};
  const Time now = time_from(kStart);
  ASSERT_TRUE(key.take(now, kUnitsMax).allowed);
  EXPECT_EQ(key.take(now, 0).remaining, 0);
  for (const int64_t cost : {int64_t{1}, kUnitsMax}) {
    const Decision decision = key.take(now, cost);
    EXPECT_FALSE(decision.allowed);
    EXPECT_TRUE(key.law.check(key.state, now + decision.retry_after, cost).decision.allowed);
  }
  EXPECT_EQ(key.law.used(key.state, now), kUnitsMax);
}

TEST(SlidingCounter, WhatWasUsedUnderAHigherLimitStaysUsed) {
  const SlidingCounter law = SlidingCounter::make({5, seconds(1)}).value();
  const Time now = time_from(kStart);
  Key key{law, law.with_used(20, now)};
  EXPECT_EQ(law.used(key.state, now), 20);
  const Decision decision = key.take(now, 1);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.remaining, 0);
  EXPECT_TRUE(key.take(now + decision.retry_after, 1).allowed);
}

TEST(SlidingCounter, RefusalAndPeekChargeNothing) {
  Key key{SlidingCounter::make({2, seconds(1)}).value()};
  const Time now = time_from(kStart);
  EXPECT_EQ(key.law.check(key.state, now, 0).next, CounterState{});
  ASSERT_TRUE(key.take(now, 1).allowed);
  EXPECT_EQ(key.law.check(key.state, now, 2).next, key.state);
  EXPECT_EQ(key.take(now, 0).remaining, 1);
}

TEST(SlidingCounter, ACountOfZeroIsAlwaysOverTheLimit) {
  Key key{SlidingCounter::make({0, seconds(1)}).value()};
  for (const int64_t cost : {0, 1}) {
    EXPECT_FALSE(key.take(time_from(kStart), cost).allowed);
    EXPECT_EQ(key.take(time_from(kStart), cost).retry_after, kNever);
  }
}

TEST(SlidingCounter, RefusesParametersThatMeanNothing) {
  EXPECT_EQ(SlidingCounter::make({-1, seconds(1)}).error().field, "rate");
  EXPECT_EQ(SlidingCounter::make({1, seconds(0)}).error().field, "rate");
  EXPECT_EQ(SlidingCounter::make({1, kWindowMax + kNanosecond}).error().field, "rate");
}

}  // namespace
}  // namespace limit
