#include "limit/concurrency.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <map>

#include "limit/testing.h"

namespace limit {
namespace {

using base::Duration;
using base::Time;
using base::time_from;
using std::chrono::seconds;

constexpr Duration kNanosecond(1);
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

Concurrency make(int64_t cap) { return Concurrency::make(cap, seconds(60)).value(); }

// The law told as a plain map of id to end.
struct Model {
  std::map<uint64_t, int64_t> until;

  int64_t live(int64_t now) const {
    return std::ranges::count_if(until, [&](const auto& hold) { return hold.second > now; });
  }
  bool has(uint64_t id, int64_t now) const {
    const auto hold = until.find(id);
    return hold != until.end() && hold->second > now;
  }
};

RC_GTEST_PROP(Concurrency, HoldsAreTakenRenewedReleasedAndOver, ()) {
  const int64_t cap = *rc::gen::inRange<int64_t>(1, 20);
  const Concurrency law = make(cap);
  HoldState state;
  Model model;
  int64_t now = kStart;
  for (const Step& step : *steps(50, 100)) {
    now += step.wait;
    const uint64_t id = step.choice / 4;
    const int64_t until = now + step.cost;
    const bool held = model.has(id, now);
    switch (step.choice % 4) {
      case 0:
        RC_ASSERT(law.release(state, time_from(now), id) == held);
        model.until.erase(id);
        break;
      case 1:
        RC_ASSERT(law.renew(state, time_from(now), id, time_from(until)) == held);
        if (held) model.until[id] = until;
        break;
      default:
        RC_ASSERT(law.check(state, time_from(now), 1).allowed == (model.live(now) < cap));
        if (model.live(now) == cap) break;
        law.take(state, time_from(now), id, time_from(until));
        model.until[id] = until;
    }
    RC_ASSERT(law.used(state, time_from(now)) == model.live(now));
    RC_ASSERT(model.live(now) <= cap);
    RC_ASSERT(law.check(state, time_from(now), 0).remaining == cap - model.live(now));
  }
}

RC_GTEST_PROP(Concurrency, RetryAfterIsTheFirstInstantThatIsAllowed, ()) {
  const int64_t cap = *rc::gen::inRange<int64_t>(1, 20);
  const Concurrency law = make(cap);
  HoldState state;
  int64_t now = kStart;
  uint64_t id = 0;
  for (const Step& step : *steps(20, 100)) {
    now += step.wait;
    if (law.check(state, time_from(now), 1).allowed) {
      law.take(state, time_from(now), ++id, time_from(now + step.cost));
    }
    const int64_t holds = step.choice % (cap + 2);
    const Decision decision = law.check(state, time_from(now), holds);
    RC_ASSERT(decision.allowed == (decision.retry_after == Duration{}));
    RC_ASSERT((decision.retry_after == kNever) == (holds > cap));
    if (decision.allowed || decision.retry_after == kNever) continue;
    const Time retry = time_from(now) + decision.retry_after;
    RC_ASSERT(law.check(state, retry, holds).allowed);
    RC_ASSERT(!law.check(state, retry - kNanosecond, holds).allowed);
  }
}

RC_GTEST_PROP(Concurrency, ResetAfterIsTheFirstInstantThatIsIdle, ()) {
  const Concurrency law = make(20);
  HoldState state;
  int64_t now = kStart;
  uint64_t id = 0;
  for (const Step& step : *steps(20, 100)) {
    now += step.wait;
    if (law.check(state, time_from(now), 1).allowed) {
      law.take(state, time_from(now), ++id, time_from(now + step.cost));
    }
    const Time reset = time_from(now) + law.check(state, time_from(now), 0).reset_after;
    RC_ASSERT(law.idle(state, reset));
    RC_ASSERT(reset == time_from(now) || !law.idle(state, reset - kNanosecond));
  }
}

TEST(Concurrency, AHoldThatVanishedEndsByItself) {
  const Concurrency law = make(1);
  HoldState state;
  const Time now = time_from(kStart);
  law.take(state, now, 7, now + seconds(5));
  EXPECT_EQ(law.check(state, now, 1).retry_after, seconds(5));
  EXPECT_TRUE(law.check(state, now + seconds(5), 1).allowed);
  EXPECT_FALSE(law.renew(state, now + seconds(5), 7, now + seconds(9)));
  EXPECT_FALSE(law.release(state, now + seconds(5), 7));
}

TEST(Concurrency, AHoldIsNeverLongerThanItsTtl) {
  const Concurrency law = make(1);
  HoldState state;
  const Time now = time_from(kStart);
  law.take(state, now, 7, now + seconds(500));
  EXPECT_EQ(law.check(state, now, 1).retry_after, seconds(60));
  ASSERT_TRUE(law.renew(state, now + seconds(30), 7, Time::max()));
  EXPECT_EQ(law.check(state, now, 1).retry_after, seconds(90));
}

TEST(Concurrency, TakingAnIdTwiceHoldsOnce) {
  const Concurrency law = make(2);
  HoldState state;
  const Time now = time_from(kStart);
  law.take(state, now, 7, now + seconds(5));
  law.take(state, now, 7, now + seconds(9));
  EXPECT_EQ(law.used(state, now), 1);
  EXPECT_EQ(law.check(state, now, 2).retry_after, seconds(9));
}

TEST(Concurrency, ALoweredCapKeepsWhatIsHeld) {
  HoldState state;
  const Time now = time_from(kStart);
  for (uint64_t id = 1; id <= 5; ++id) make(5).take(state, now, id, now + Duration(int64_t(id)));
  const Decision decision = make(2).check(state, now, 1);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.remaining, 0);
  EXPECT_EQ(decision.retry_after, Duration(4));
  EXPECT_FALSE(make(2).check(state, now, 0).allowed);
}

TEST(Concurrency, ManyMoreHoldsThanTheCapNeverFit) {
  const Concurrency law = make(3);
  EXPECT_EQ(law.check(HoldState{}, time_from(kStart), 4).retry_after, kNever);
  EXPECT_EQ(law.check(HoldState{}, time_from(kStart), kMost).retry_after, kNever);
  EXPECT_EQ(law.check(HoldState{}, time_from(kStart), kMost).remaining, 3);
}

TEST(Concurrency, MemoryFollowsWhatIsHeld) {
  const Concurrency law = Concurrency::make(10'000, seconds(60)).value();
  HoldState state;
  const Time now = time_from(kStart);
  EXPECT_EQ(state.bytes(), 0u);
  for (uint64_t id = 0; id < 4096; ++id) law.take(state, now, id, now + seconds(1));
  EXPECT_EQ(law.used(state, now), 4096);
  EXPECT_LE(state.bytes(), 2u * 4096 * 16);
  for (uint64_t id = 0; id < 4096; ++id) ASSERT_TRUE(law.release(state, now, id));
  EXPECT_EQ(state.bytes(), 0u);
  for (uint64_t id = 0; id < 100'000; ++id) {
    const Time at = now + Duration(static_cast<int64_t>(id));
    law.take(state, at, id, at + Duration(10));
  }
  EXPECT_LE(state.bytes(), 64u * 16);
}

TEST(Concurrency, RefusesParametersThatMeanNothing) {
  EXPECT_EQ(Concurrency::make(0, seconds(1)).error().field, "concurrency");
  EXPECT_EQ(Concurrency::make(-1, seconds(1)).error().field, "concurrency");
  EXPECT_EQ(Concurrency::make(Concurrency::kCapMax + 1, seconds(1)).error().field, "concurrency");
  EXPECT_EQ(Concurrency::make(1, seconds(0)).error().field, "ttl");
  EXPECT_EQ(Concurrency::make(1, Concurrency::kTtlMax + kNanosecond).error().field, "ttl");
}

}  // namespace
}  // namespace limit
