// Durable limits: whatever the instant of a crash, what is admitted before and after it together
// keeps the law's bound; and a steady stream hardly notices that there is a log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "limiter/test_limits.h"
#include "limiter/watermark.h"

namespace limiter {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

const Path kAcme{{{"tenant", "acme"}}};

// A log that makes durable what it is told to, and loses the rest in a crash.
class TestJournal : public Journal {
 public:
  uint64_t append(std::string_view record) override {
    records.emplace_back(record);
    return last();
  }
  void sync(Limiter& limiter) { sync(limiter, last()); }
  void sync(Limiter& limiter, size_t through) {
    durable = std::max(durable, through);
    limiter.journaled(durable);
  }
  void crash() { records.resize(durable - removed); }
  void remove(size_t n) {  // The oldest.
    records.erase(records.begin(), records.begin() + static_cast<ptrdiff_t>(n));
    removed += n;
  }
  size_t last() const { return removed + records.size(); }

  std::vector<std::string> records;
  size_t removed = 0;
  size_t durable = 0;
};

LimitSpec durable(LimitSpec spec) {
  spec.durable = true;
  return spec;
}

LimitSpec of_law(Law law) {
  LimitSpec spec;
  spec.law = std::move(law);
  return durable(spec);
}

// A process that can be killed: another limiter on what its journal kept.
struct Process {
  explicit Process(std::vector<NodeSpec> limits) : nodes(std::move(limits)) { start({}); }
  void start(base::Time now) {
    limiter = std::make_unique<TestLimiter>(nodes);
    limiter->limiter.use(&journal);
    for (const std::string& record : journal.records)
      ASSERT_TRUE(limiter->limiter.recover(record, now));
  }
  void kill(base::Time now) {
    journal.crash();
    start(now);
  }
  const Answer& decide(int64_t cost, base::Time now) { return limiter->decide(kAcme, cost, now); }
  int64_t remaining(base::Time now) { return limiter->remaining(kAcme, now); }
  void sync() { journal.sync(limiter->limiter); }

  std::vector<NodeSpec> nodes;
  TestJournal journal;
  std::unique_ptr<TestLimiter> limiter;
};

struct Admitted {
  int64_t at;
  int64_t units;
};

int64_t units_in(const std::vector<Admitted>& all, int64_t from, int64_t to) {
  int64_t units = 0;
  for (const Admitted& each : all) units += each.at >= from && each.at < to ? each.units : 0;
  return units;
}

// The bounds of docs/algorithms.md over every interval between two admissions.
void expect_bound(const Law& law, const std::vector<Admitted>& all, uint64_t seed) {
  for (size_t i = 0; i < all.size(); ++i) {
    if (const auto* gcra = std::get_if<limit::Gcra>(&law)) {
      int64_t units = 0;
      for (size_t j = i; j < all.size(); ++j) {
        units += all[j].units;
        const base::Int128 leaked =
            base::Int128{all[j].at - all[i].at} * gcra->rate().count / gcra->rate().period.count();
        ASSERT_LE(units, gcra->burst() + static_cast<int64_t>(leaked)) << "seed " << seed;
      }
    } else if (const auto* window = std::get_if<limit::FixedWindow>(&law)) {
      const auto span = window->window_at(base::time_from(all[i].at));
      ASSERT_LE(units_in(all, base::nanoseconds(span.start), base::nanoseconds(span.end)),
                window->count())
          << "seed " << seed;
    } else if (const auto* log = std::get_if<limit::SlidingLog>(&law)) {
      ASSERT_LE(units_in(all, all[i].at, all[i].at + log->rate().period.count()), log->count())
          << "seed " << seed;
    } else if (const auto* counter = std::get_if<limit::SlidingCounter>(&law)) {
      const int64_t period = counter->rate().period.count();
      const int64_t start = all[i].at / period * period;
      ASSERT_LE(units_in(all, start, start + period), counter->count()) << "seed " << seed;
      // The estimate, at each admission.
      const base::Int128 before = units_in(all, start - period, start);
      const base::Int128 weighed = before * (start + period - all[i].at);
      const base::Int128 now = units_in(all, start, all[i].at + 1);
      ASSERT_LE(weighed + now * period, base::Int128{counter->count()} * period) << "seed " << seed;
    }
  }
}

std::vector<Law> laws() {
  return {limit::Gcra::make({7, seconds(3)}, 12).value(),
          limit::Gcra::make({200, seconds(1)}, 90).value(),
          limit::FixedWindow::make({12, seconds(2)}).value(),
          limit::FixedWindow::make_calendar(40, limit::CalendarUnit::kDay,
                                            std::make_shared<limit::Zone>())
              .value(),
          limit::SlidingCounter::make({15, seconds(2)}).value(),
          limit::SlidingLog::make({15, seconds(2)}).value()};
}

// Asks, syncs, reservations that give back, and crashes, at random; after a crash only what was
// synced is known.
TEST(Durable, NoCrashEverAdmitsMoreThanTheLaw) {
  size_t law_index = 0;
  for (const Law& law : laws()) {
    ++law_index;
    const bool slow = law_index == 4;  // A calendar day passes in steps of hours.
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      base::Random random(seed * 100 + law_index);
      Process p({node("tenant", "acme", {of_law(law)})});
      std::vector<Admitted> admitted;
      base::Time now = at({});
      int crashes = 0;
      for (int i = 0; i < 400; ++i) {
        if (random.below(2) == 0) {
          const int64_t step = static_cast<int64_t>(random.below(100)) * 1'000'000;
          now += base::Duration(slow ? step * 3600 * 10 : step);
        }
        const auto dice = random.below(12);
        if (dice == 0) {
          p.kill(now);
          ++crashes;
        } else if (dice < 5) {
          const size_t behind = p.journal.last() - p.journal.durable;
          p.journal.sync(p.limiter->limiter, p.journal.durable + random.below(behind + 1));
        } else if (dice == 5) {
          size_t slice = 0;
          while (p.limiter->limiter.rejournal(slice, now)) continue;
        } else {
          const auto cost = 1 + static_cast<int64_t>(random.below(3));
          if (p.decide(cost, now).allowed) admitted.push_back({base::nanoseconds(now), cost});
        }
      }
      EXPECT_GT(crashes, 5);
      EXPECT_GT(admitted.size(), 5u) << "law " << law_index << ", seed " << seed;
      expect_bound(law, admitted, seed);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Durable, ASteadyStreamWaitsOnlyAtItsFirstTouch) {
  const std::vector<Law> steady{limit::Gcra::make({1000, seconds(1)}, 100).value(),
                                limit::Gcra::make({50, seconds(1)}, 1).value(),
                                limit::FixedWindow::make({2000, seconds(2)}).value(),
                                limit::SlidingCounter::make({2000, seconds(2)}).value(),
                                limit::SlidingLog::make({2000, seconds(2)}).value()};
  for (const Law& law : steady) {
    Process p({node("tenant", "acme", {of_law(law)})});
    const base::Duration step = milliseconds(20);  // 50 a second; a sync takes 8 ms.
    int waited = 0, allowed = 0;
    for (int i = 0; i < 500; ++i) {
      const base::Time now = at(step * i);
      const Answer& answer = p.decide(1, now);
      waited += answer.logging;
      allowed += answer.allowed;
      p.sync();
    }
    EXPECT_EQ(waited, 1) << law.index();
    EXPECT_EQ(allowed, 499) << law.index();
  }
}

TEST(Durable, BlocksGrowWithThePaceUpToAQuarterOfTheBound) {
  Process p({node("tenant", "acme", {durable(gcra(100'000, seconds(1), 100'000))})});
  base::Time now = at({});
  for (int i = 0; i < 20'000; ++i) {  // 20 a millisecond, a sync each 2 ms.
    p.decide(1, now);
    if (i % 20 == 0) now += milliseconds(1);
    if (i % 40 == 0) p.sync();
  }
  EXPECT_LT(p.journal.records.size(), 60u);
  p.kill(now);
  EXPECT_GE(p.remaining(now), 100'000 * 3 / 4 - 1) << "a crash wastes at most a block";
}

TEST(Durable, ARefusalForTheJournalSaysSoChargesNothingAndIsToldWhenItIsOver) {
  Process p({node("tenant", "acme", {named("d", durable(window(10, seconds(60))))}),
             node("queue", "q", {named("plain", window(10, seconds(60)))})});
  std::vector<uint32_t> told;
  Limiter& limiter = p.limiter->limiter;
  limiter.on_freed([&](uint32_t watcher, base::Hash128) { told.push_back(watcher); });
  const Path both{{{"queue", "q"}}, {{"tenant", "acme"}}}, plain{{{"queue", "q"}}};
  const Ask ask{.domain = "d", .descriptors = both.get(), .cost = 2};
  const TakeTerms terms{.holds = false};
  Answer answer;
  const auto obstacle = limiter.take(ask, terms, at({}), &answer).value();
  ASSERT_TRUE(obstacle);
  EXPECT_TRUE(obstacle->asking);
  EXPECT_TRUE(answer.logging);
  EXPECT_EQ(obstacle->limited_by, "d");
  limiter.watch(obstacle->state, 9);
  EXPECT_TRUE(limiter.take(ask, terms, at({})).value()->asking);
  EXPECT_EQ(p.limiter->remaining(plain, at({})), 10);
  p.sync();
  EXPECT_THAT(told, ElementsAre(9));
  EXPECT_FALSE(limiter.take(ask, terms, at({}), &answer).value());
  EXPECT_FALSE(answer.logging);
  EXPECT_EQ(p.limiter->remaining(plain, at({})), 8);
}

TEST(Durable, WithoutAJournalOrWithOneThatFailedItRefuses) {
  TestLimiter t({node("tenant", "acme", {durable(window(10, seconds(60)))})});
  EXPECT_EQ(t.decide(kAcme, 1, at({})).numbers.retry_after, seconds(1));
  Process p(std::vector<NodeSpec>{node("tenant", "acme", {durable(window(10, seconds(60)))})});
  p.decide(1, at({}));
  p.sync();
  EXPECT_TRUE(p.decide(1, at({})).allowed);
  p.limiter->limiter.journal_failed();
  const Answer& answer = p.decide(1, at({}));
  EXPECT_FALSE(answer.allowed);
  EXPECT_FALSE(answer.logging);
  EXPECT_EQ(answer.numbers.retry_after, seconds(1));
}

TEST(Durable, AFailureWakesWhoWaitsForTheJournal) {
  Process p(std::vector<NodeSpec>{node("tenant", "acme", {durable(window(10, seconds(60)))})});
  Limiter& limiter = p.limiter->limiter;
  int told = 0;
  limiter.on_freed([&](uint32_t, base::Hash128) { ++told; });
  const Ask ask{.domain = "d", .descriptors = kAcme.get()};
  limiter.watch(limiter.take(ask, {.holds = false}, at({})).value()->state, 0);
  limiter.journal_failed();
  EXPECT_EQ(told, 1);
}

TEST(Durable, WhatWasUsedStaysUsedWhenTheLimitChangesAcrossTheRestart) {
  for (const Law& law : laws()) {
    Process p(std::vector<NodeSpec>{node("tenant", "acme", {of_law(law)})});
    p.decide(1, at({}));
    p.sync();
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(p.decide(1, at({})).allowed);
      p.sync();
    }
    p.nodes = {node("tenant", "acme", {durable(gcra(1, std::chrono::hours(1), 100))})};
    p.kill(at({}));
    EXPECT_LE(p.remaining(at({})), 90) << law.index();
    EXPECT_GE(p.remaining(at({})), 100 - 10 - 24) << law.index();
  }
}

TEST(Durable, AReloadOfALimitThatWasNotDurableForAWhileCountsItsCharges) {
  Process p(std::vector<NodeSpec>{node("tenant", "acme", {durable(window(100, seconds(60)))})});
  p.decide(1, at({}));
  p.sync();
  ASSERT_TRUE(p.decide(1, at({})).allowed);
  p.limiter->reload({node("tenant", "acme", {window(100, seconds(60))})});
  ASSERT_TRUE(p.decide(80, at({})).allowed);
  p.limiter->reload(p.nodes);
  EXPECT_TRUE(p.decide(1, at({})).logging) << "the old block does not know of the 80";
  p.sync();
  ASSERT_TRUE(p.decide(1, at({})).allowed);
  p.kill(at({}));
  EXPECT_LE(p.remaining(at({})), 18);
}

TEST(Durable, ForgetIsRemembered) {
  Process p(std::vector<NodeSpec>{node("tenant", "acme", {durable(window(10, seconds(60)))})});
  p.decide(8, at({}));
  p.sync();
  ASSERT_TRUE(p.decide(8, at({})).allowed);
  ASSERT_TRUE(p.limiter->limiter.forget("d", kAcme.first()));
  p.sync();
  p.kill(at({}));
  EXPECT_EQ(p.remaining(at({})), 10);
}

TEST(Durable, TheJournalWrittenAnewSaysTheSameAndForgetsWhatIsIdle) {
  Process p({node("tenant", "", {durable(window(100, std::chrono::hours(1)))})});
  Limiter& limiter = p.limiter->limiter;
  const Path other{{{"tenant", "other"}}};
  base::Time now = at({});
  for (int i = 0; i < 40; ++i) {
    p.decide(1, now);
    p.limiter->decide(other, 1, now);
    p.sync();
  }
  const auto anew = [&] {
    const size_t before = p.journal.records.size();
    size_t slice = 0;
    while (limiter.rejournal(slice, now)) continue;
    p.sync();
    p.journal.remove(before);
    return p.journal.records.size();
  };
  EXPECT_EQ(anew(), 2u);
  Process restarted(p.nodes);
  restarted.journal.records = p.journal.records;
  restarted.start(now);
  EXPECT_LE(restarted.remaining(now), p.remaining(now));
  EXPECT_GE(restarted.remaining(now), p.remaining(now) - 25);
  now += std::chrono::hours(2);
  EXPECT_EQ(anew(), 0u);
  EXPECT_TRUE(p.decide(1, now).logging) << "a first touch again";
}

TEST(Durable, AConcurrencyLimitCannotBe) {
  std::vector<DomainSpec> specs;
  specs.push_back(domain({node("tenant", "acme", {durable(concurrency(1))})}));
  Limiter limiter(LimiterOptions{});
  const auto errors = limiter.reload(std::move(specs));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].what,
            "a concurrency limit cannot be durable; holds of deliveries survive anyway");
}

TEST(Durable, ARecordOfAnotherFormatIsRefusedInWords) {
  TestLimiter t({});
  EXPECT_EQ(t.limiter.recover("short", at({})).error().code, base::Code::kInvalid);
  EXPECT_FALSE(t.limiter.recover(std::string(Journal::kRecordBytes, '\xff'), at({})));
  std::string negative(Journal::kRecordBytes, '\0');
  negative[0] = 1;
  EXPECT_FALSE(t.limiter.recover(negative, at({}))) << "a rate of nothing";
}

}  // namespace
}  // namespace limiter
