// Whoever was promised an instant finds room at it, whatever the others do; and they may do what
// does not stand in its way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "limiter/test_limits.h"
#include "limiter/test_table.h"

namespace limiter {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr uint64_t kOwner = 77;
const Path kAcme{{{"tenant", "acme"}}};

LimitSpec spec_of(Law law) {
  LimitSpec spec;
  spec.law = std::move(law);
  return spec;
}

std::vector<Law> rates() {
  return {per_second(3, 10), limit::Gcra::make({7, seconds(3)}, 10).value(),
          window_of(10, seconds(5)), counter_of(10, seconds(5)), log_of(10, seconds(5))};
}

bool take(TestLimiter& t, int64_t cost, base::Time now, uint64_t promised_to = 0) {
  const TakeTerms terms{.holds = false, .promised_to = promised_to};
  const Ask ask{.domain = "d", .descriptors = kAcme.get(), .cost = cost};
  return !t.limiter.take(ask, terms, now).value();
}

base::Result<base::Time> promise(TestLimiter& t, int64_t cost, base::Time now,
                                 uint64_t owner = kOwner) {
  const Ask ask{.domain = "d", .descriptors = kAcme.get(), .cost = cost};
  return t.limiter.promise(ask, owner, now);
}

// Greedy others, who ask for something at every turn, through every way there is to be charged.
TEST(Promises, NobodyElseCanStarveAPromisedAsk) {
  for (const Law& law : rates()) {
    for (uint64_t seed = 1; seed <= 25; ++seed) {
      base::Random random(seed);
      TestLimiter t({node("tenant", "acme", {spec_of(law)})});
      base::Time now = at(milliseconds(static_cast<int64_t>(random.below(5000))));
      for (int i = 0; i < 30; ++i) {
        now += milliseconds(static_cast<int64_t>(random.below(200)));
        take(t, 1 + static_cast<int64_t>(random.below(3)), now);
      }
      const auto cost = 1 + static_cast<int64_t>(random.below(10));
      const Ask ask{.domain = "d", .descriptors = kAcme.get(), .cost = cost, .dry_run = true};
      const base::Duration wait = t.decide(ask, now).numbers.retry_after;
      const base::Time due = promise(t, cost, now).value();
      EXPECT_EQ(due, now + wait) << "the first instant at which it fits";
      while (now < due) {
        const auto more = 1 + static_cast<int64_t>(random.below(4));
        if (random.below(4) == 0) {
          const Ask other{.domain = "d", .descriptors = kAcme.get(), .cost = 1};
          const auto opened = t.limiter.reserve(other, seconds(60), now).value();
          const bool reserved = !opened.id.empty();
          ASSERT_TRUE(!reserved || t.limiter.commit(opened.id, more + 1, now));
        } else {
          take(t, more, now);
        }
        now += milliseconds(1 + static_cast<int64_t>(random.below(150)));
      }
      ASSERT_TRUE(take(t, cost, due, kOwner)) << "law " << law.index() << ", seed " << seed;
    }
  }
}

TEST(Promises, ARefusalForAPromiseSaysAnInstantThatIsNotEarly) {
  int refused = 0;
  for (const Law& law : rates()) {
    for (uint64_t seed = 1; seed <= 25; ++seed) {
      base::Random random(seed);
      TestLimiter t({node("tenant", "acme", {spec_of(law)})});
      base::Time now = at(milliseconds(static_cast<int64_t>(random.below(5000))));
      take(t, 10, now);
      now += milliseconds(static_cast<int64_t>(random.below(1000)));
      ASSERT_TRUE(promise(t, 1 + static_cast<int64_t>(random.below(10)), now));
      const auto cost = 1 + static_cast<int64_t>(random.below(9));
      const Answer& answer = t.decide(kAcme, cost, now);
      if (answer.allowed) continue;
      ++refused;
      const base::Duration wait = answer.numbers.retry_after;
      ASSERT_TRUE(t.decide(kAcme, cost, now + wait).allowed) << law.index() << " seed " << seed;
    }
  }
  EXPECT_GT(refused, 80);
}

TEST(Promises, OthersMayUseWhatIsOver) {
  TestLimiter t({node("tenant", "acme", {gcra(1, seconds(1), 10)})});
  ASSERT_TRUE(take(t, 8, at({})));                              // 2 are left.
  EXPECT_EQ(promise(t, 6, at({})).value(), at(seconds(4)));     // 6 then.
  EXPECT_FALSE(take(t, 1, at({})));                             // That would be 5 then.
  const base::Time later = at(seconds(4)) + milliseconds(500);  // The owner is late.
  EXPECT_FALSE(take(t, 1, later));
  t.limiter.withdraw(kOwner);
  ASSERT_EQ(promise(t, 3, later).value(), later);
  EXPECT_EQ(
      t.decide(Ask{.domain = "d", .descriptors = kAcme.get(), .cost = 1, .dry_run = true}, later)
          .numbers.remaining,
      3);  // 6 and a half, 3 are promised.
  EXPECT_TRUE(take(t, 3, later));
  EXPECT_FALSE(take(t, 1, later));
  EXPECT_TRUE(take(t, 3, later, kOwner));
}

TEST(Promises, AFixedWindowIsTheOthersUntilThePromisedOneBegins) {
  TestLimiter t({node("tenant", "acme", {window(10, seconds(100))})});
  ASSERT_TRUE(take(t, 6, at({})));
  const base::Time due = promise(t, 10, at({})).value();
  EXPECT_GT(due, at({}));
  EXPECT_TRUE(take(t, 4, at({})));
  EXPECT_FALSE(take(t, 1, due));
  EXPECT_TRUE(take(t, 10, due, kOwner));
}

TEST(Promises, OneAStateAndOneAnOwner) {
  TestLimiter t({node("tenant", "acme", {gcra(1, seconds(1), 10)}),
                 node("queue", "", {gcra(1, seconds(1), 10)})});
  const Path both{{{"tenant", "acme"}}, {{"queue", "q"}}}, queue{{{"queue", "q"}}};
  ASSERT_TRUE(promise(t, 1, at({})));
  const Ask ask{.domain = "d", .descriptors = both.get(), .cost = 1};
  EXPECT_EQ(t.limiter.promise(ask, 2, at({})).error().code, base::Code::kFull);
  EXPECT_TRUE(t.limiter.promise({.domain = "d", .descriptors = queue.get()}, 3, at({})));
  EXPECT_EQ(promise(t, 11, at({}), 4).error().code, base::Code::kFull);
  t.limiter.withdraw(kOwner);
  EXPECT_EQ(promise(t, 11, at({}), 4).error().field, "cost");
  // The owner of the queue's promise goes over to the tenant's: the queue is free.
  ASSERT_TRUE(promise(t, 5, at({}), 3));
  EXPECT_EQ(t.decide(queue, 10, at({})).allowed, true);
  EXPECT_FALSE(take(t, 6, at({})));
}

TEST(Promises, EndsASecondAfterItsInstantOrWithAReload) {
  TestLimiter t({node("tenant", "acme", {gcra(1, seconds(1), 10)})});
  ASSERT_TRUE(promise(t, 10, at({})));
  EXPECT_FALSE(take(t, 1, at(seconds(1)) - base::Duration(1)));
  EXPECT_TRUE(take(t, 1, at(seconds(1))));
  const base::Time due = promise(t, 10, at(seconds(1))).value();
  EXPECT_EQ(due, at(seconds(2)));
  t.limiter.tick(due + milliseconds(999));
  EXPECT_FALSE(take(t, 1, due));
  t.reload({node("tenant", "acme", {gcra(1, seconds(1), 10)})});
  EXPECT_TRUE(take(t, 1, due));
  ASSERT_TRUE(promise(t, 9, due));
  t.limiter.tick(due + seconds(1));
  EXPECT_TRUE(promise(t, 9, due, 8)) << "the tick has ended the other's";
}

TEST(Promises, WithdrawingTellsWhoWatchesTheState) {
  TestLimiter t({node("tenant", "acme", {gcra(1, seconds(1), 10)})});
  std::vector<uint32_t> told;
  t.limiter.on_freed([&](uint32_t watcher, base::Hash128) { told.push_back(watcher); });
  ASSERT_TRUE(promise(t, 10, at({})));
  const Ask ask{.domain = "d", .descriptors = kAcme.get(), .cost = 1};
  const auto obstacle = t.limiter.take(ask, {.holds = false}, at({})).value();
  ASSERT_TRUE(obstacle);
  EXPECT_EQ(obstacle->retry_after, seconds(1));
  t.limiter.watch(obstacle->state, 5);
  t.limiter.withdraw(kOwner);
  EXPECT_THAT(told, ElementsAre(5));
  EXPECT_TRUE(take(t, 1, at({})));
}

TEST(Promises, WaitsForABlockAndPassesOverHoldsAndShadows) {
  LimitSpec shadow = gcra(1, seconds(1), 1);
  shadow.shadow = true;
  shadow.name = "shadow";
  TestLimiter t({node("tenant", "acme", {shadow, named("flight", concurrency(1))})});
  ASSERT_TRUE(t.limiter.block("d", kAcme.first(), at(seconds(60)), at({})));
  EXPECT_EQ(promise(t, 5, at({})).value(), at(seconds(60)));
}

TEST(Promises, OfLimitsOfQuotaModeTheFirstToFreeIsPromised) {
  LimitSpec slow = named("slow", gcra(1, seconds(10), 1)),
            fast = named("fast", gcra(1, seconds(1), 1));
  slow.quota = fast.quota = true;
  TestLimiter t({node("tenant", "acme", {slow, fast})});
  ASSERT_TRUE(take(t, 1, at({})));
  ASSERT_EQ(promise(t, 1, at({})).value(), at(seconds(1)));
  EXPECT_FALSE(take(t, 1, at(seconds(1))));
  EXPECT_TRUE(take(t, 1, at(seconds(1)), kOwner));
}

}  // namespace
}  // namespace limiter
