#include "limit/window.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "limit/arithmetic.h"
#include "limit/testing.h"

namespace limit {
namespace {

using base::Duration;
using base::Time;
using base::time_from;
using std::chrono::hours;
using std::chrono::seconds;

constexpr Duration kNanosecond(1);

FixedWindow any_window() {
  using rc::gen::inRange;
  return FixedWindow::make({*inRange<int64_t>(1, 30), Duration(*inRange<int64_t>(1, 300))}).value();
}

struct Key {
  FixedWindow law;
  WindowState state{};

  Decision take(Time now, int64_t cost) {
    const auto [decision, next] = law.check(state, now, cost);
    if (decision.allowed) state = next;
    return decision;
  }
};

int64_t in_window(const FixedWindow& law, const History& admitted, int64_t at) {
  const Span window = law.window_at(time_from(at));
  int64_t units = 0;
  for (const Charge& charge : admitted) {
    if (time_from(charge.at) >= window.start && time_from(charge.at) < window.end) {
      units += charge.units;
    }
  }
  return units;
}

RC_GTEST_PROP(FixedWindow, AdmitsWhatFitsIntoEachWindowAndNoMore, ()) {
  Key key{any_window()};
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.wait;
    const int64_t used = in_window(key.law, admitted, now);
    RC_ASSERT(key.law.used(key.state, time_from(now)) == used);
    const Decision decision = key.take(time_from(now), step.cost);
    RC_ASSERT(decision.allowed == (used + step.cost <= key.law.count()));
    RC_ASSERT(decision.remaining == key.law.count() - used - (decision.allowed ? step.cost : 0));
    if (decision.allowed) admitted.push_back({now, step.cost});
  }
  for (const Charge& charge : admitted) {
    RC_ASSERT(in_window(key.law, admitted, charge.at) <= key.law.count());
  }
  RC_ASSERT(most_within(admitted, key.law.rate().period) <= 2 * key.law.count());
}

RC_GTEST_PROP(FixedWindow, TimeThatGoesBackStaysInTheWindow, ()) {
  Key key{any_window()};
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.choice % 3 == 0 ? -step.wait : step.wait;
    if (!key.take(time_from(now), step.cost).allowed || step.cost == 0) continue;
    admitted.push_back({std::max(now, key.state.start), step.cost});
  }
  for (const Charge& charge : admitted) {
    RC_ASSERT(in_window(key.law, admitted, charge.at) <= key.law.count());
  }
}

RC_GTEST_PROP(FixedWindow, CountsUnitsGivenBackAsNeverAdmitted, ()) {
  Key key{any_window()};
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.wait;
    if (step.choice % 2 == 0 && !admitted.empty()) {
      Charge& charge = admitted[step.choice / 2 % admitted.size()];
      const int64_t back = std::min(step.cost, charge.units);
      key.state = key.law.give_back(key.state, time_from(charge.at), back, time_from(now));
      charge.units -= back;
    } else if (key.take(time_from(now), step.cost).allowed) {
      admitted.push_back({now, step.cost});
    }
    RC_ASSERT(key.law.used(key.state, time_from(now)) == in_window(key.law, admitted, now));
  }
}

RC_GTEST_PROP(FixedWindow, ChargesOverNOnlyByTheOverdraft, ()) {
  Key key{any_window()};
  const int64_t overdraft = *rc::gen::inRange<int64_t>(0, 20);
  History admitted;
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), 2 * key.law.count())) {
    now += step.wait;
    int64_t charged = 0;
    key.state = key.law.charge_over(key.state, time_from(now), step.cost, overdraft, charged);
    RC_ASSERT(charged <= step.cost);
    admitted.push_back({now, charged});
    RC_ASSERT(in_window(key.law, admitted, now) <= key.law.count() + overdraft);
  }
}

RC_GTEST_PROP(FixedWindow, HintsAreExact, ()) {
  Key key{any_window()};
  int64_t now = kStart;
  for (const Step& step : *steps(key.law.rate().period.count(), key.law.count() + 1)) {
    now += step.choice % 8 == 0 ? -step.wait : step.wait;
    const Decision decision = key.take(time_from(now), step.cost);
    const Time reset = time_from(now) + decision.reset_after;
    RC_ASSERT(key.law.idle(key.state, reset));
    RC_ASSERT(reset == time_from(now) || !key.law.idle(key.state, reset - kNanosecond));
    RC_ASSERT(decision.allowed == (decision.retry_after == Duration{}));
    RC_ASSERT((decision.retry_after == kNever) == (step.cost > key.law.count()));
    if (decision.allowed || decision.retry_after == kNever) continue;
    const Time retry = time_from(now) + decision.retry_after;
    RC_ASSERT(key.law.check(key.state, retry, step.cost).decision.allowed);
    RC_ASSERT(!key.law.check(key.state, retry - kNanosecond, step.cost).decision.allowed);
  }
}

TEST(FixedWindow, IsAlignedToTheEpochAlsoBeforeIt) {
  const FixedWindow law = FixedWindow::make({1, seconds(60)}).value();
  const auto start = [&](int64_t s) {
    return law.window_at(time_from(s * 1'000'000'000)).start.time_since_epoch() / seconds(1);
  };
  EXPECT_EQ(start(0), 0);
  EXPECT_EQ(start(59), 0);
  EXPECT_EQ(start(60), 60);
  EXPECT_EQ(start(1'234'567'890), 1'234'567'860);
  EXPECT_EQ(start(-1), -60);
  EXPECT_EQ(start(-60), -60);
  EXPECT_EQ(start(-61), -120);
}

TEST(FixedWindow, RefusalAndPeekChargeNothing) {
  Key key{FixedWindow::make({2, seconds(1)}).value()};
  const Time now = time_from(kStart);
  EXPECT_EQ(key.law.check(key.state, now, 0).next, WindowState{});
  ASSERT_TRUE(key.take(now, 1).allowed);
  EXPECT_EQ(key.law.check(key.state, now, 2).next, key.state);
  EXPECT_EQ(key.take(now, 0).remaining, 1);
}

TEST(FixedWindow, CountsAtTheEndOfTheirTypeDoNotOverflow) {
  Key key{FixedWindow::make({kUnitsMax, kWindowMax}).value()};
  const Time now = time_from(kStart);
  ASSERT_TRUE(key.take(now, kUnitsMax).allowed);
  EXPECT_FALSE(key.take(now, 1).allowed);
  EXPECT_FALSE(key.take(now, kUnitsMax).allowed);
  int64_t charged = -1;
  EXPECT_EQ(key.law.charge_over(key.state, now, kUnitsMax, kUnitsMax, charged), key.state);
  EXPECT_EQ(charged, 0);
}

TEST(FixedWindow, WhatWasUsedUnderAHigherLimitStaysUsed) {
  const FixedWindow law = FixedWindow::make({5, seconds(1)}).value();
  const Time now = time_from(1'750'000'000'250'000'000);
  Key key{law, law.with_used(kUnitsMax, now)};
  EXPECT_EQ(law.used(key.state, now), kUnitsMax);
  const Decision decision = key.take(now, 0);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.remaining, 0);
  EXPECT_EQ(decision.retry_after, std::chrono::milliseconds(750));
  EXPECT_TRUE(key.take(now + decision.retry_after, 5).allowed);
}

TEST(FixedWindow, ACountOfZeroIsAlwaysOverTheLimit) {
  Key key{FixedWindow::make({0, seconds(1)}).value()};
  for (const int64_t cost : {int64_t{0}, int64_t{1}, kUnitsMax}) {
    EXPECT_FALSE(key.take(time_from(kStart), cost).allowed);
    EXPECT_EQ(key.take(time_from(kStart), cost).retry_after, kNever);
  }
}

TEST(FixedWindow, CountsByTheCalendarOfAZone) {
  auto zone = std::make_shared<Zone>();
  zone->first_offset = hours(2);
  Key key{FixedWindow::make_calendar(3, CalendarUnit::kDay, zone).value()};
  const Time noon = time_from(1'751'364'000'000'000'000);  // 2025-07-01 10:00 UTC.
  ASSERT_TRUE(key.take(noon, 3).allowed);
  EXPECT_EQ(key.take(noon, 1).retry_after, hours(12));
  EXPECT_TRUE(key.take(noon + hours(12), 1).allowed);
  EXPECT_EQ(key.law.calendar(), CalendarUnit::kDay);
  EXPECT_EQ(key.law.rate(), (Rate{3, hours(24)}));
}

TEST(FixedWindow, EqualZonesMakeEqualLaws) {
  const auto make = [](Duration offset) {
    auto zone = std::make_shared<Zone>();
    zone->first_offset = offset;
    return FixedWindow::make_calendar(3, CalendarUnit::kDay, zone).value();
  };
  EXPECT_EQ(make(hours(1)), make(hours(1)));
  EXPECT_FALSE(make(hours(1)) == make(hours(2)));
  EXPECT_FALSE(make(hours(0)) == FixedWindow::make({3, hours(24)}).value());
}

TEST(FixedWindow, RefusesParametersThatMeanNothing) {
  EXPECT_EQ(FixedWindow::make({-1, seconds(1)}).error().field, "rate");
  EXPECT_EQ(FixedWindow::make({1, seconds(0)}).error().field, "rate");
  EXPECT_EQ(FixedWindow::make({1, kWindowMax + kNanosecond}).error().field, "rate");
  const auto zone = std::make_shared<Zone>();
  EXPECT_EQ(FixedWindow::make_calendar(-1, CalendarUnit::kDay, zone).error().field, "rate");
  EXPECT_EQ(FixedWindow::make_calendar(1, CalendarUnit::kDay, nullptr).error().field, "zone");
  const auto unsorted = std::make_shared<Zone>();
  unsorted->changes = {{time_from(2), hours(1)}, {time_from(1), hours(2)}};
  EXPECT_EQ(FixedWindow::make_calendar(1, CalendarUnit::kDay, unsorted).error().field, "zone");
  const auto wild = std::make_shared<Zone>();
  wild->first_offset = hours(27);
  EXPECT_EQ(FixedWindow::make_calendar(1, CalendarUnit::kDay, wild).error().field, "zone");
}

}  // namespace
}  // namespace limit
