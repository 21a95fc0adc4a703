#include "load/precision.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace load {
namespace {

constexpr int64_t kMs = 1'000'000;
const Law kLaw{.count = 100, .burst = 5, .period = std::chrono::seconds(1)};

Admitted at(int64_t from_ms, int64_t to_ms, uint64_t key = 0) {
  return {key, base::time_from(from_ms * kMs), base::time_from(to_ms * kMs), true};
}

TEST(Precision, ALawThatIsKeptExactlyHasNoExcessAndNoLateness) {
  std::vector<Admitted> all;
  for (int64_t i = 0; i < 5; ++i) all.push_back(at(1000, 1000));
  for (int64_t i = 1; i <= 500; ++i) all.push_back(at(1000, 1000 + 10 * i));
  const Precision one = judge(kLaw, all);
  EXPECT_EQ(one.admitted, 505u);
  EXPECT_EQ(one.keys, 1u);
  EXPECT_NEAR(one.excess_seen, 0, 1e-9);
  EXPECT_LE(one.excess_certain, 0);
  EXPECT_NEAR(one.of_limit, 1, 1e-9);
  EXPECT_NEAR(one.per_second, 100, 1e-6);
  EXPECT_EQ(one.lateness.count(), 500u);
  EXPECT_EQ(one.lateness.most(), 0);
}

TEST(Precision, SevenAtOnceAreTwoTooMany) {
  std::vector<Admitted> all;
  for (int64_t i = 0; i < 7; ++i) all.push_back(at(1000, 1000));
  const Precision one = judge(kLaw, all);
  EXPECT_NEAR(one.excess_seen, 2, 1e-9);
  EXPECT_NEAR(one.excess_certain, 2, 1e-9);
}

// Their answers arrived together, but each was on its way long enough to have been in time.
TEST(Precision, AnswersThatArriveTogetherAreSeenAsExcessButNotForCertain) {
  std::vector<Admitted> all;
  for (int64_t i = 0; i < 7; ++i) all.push_back(at(1000, 1030));
  const Precision one = judge(kLaw, all);
  EXPECT_NEAR(one.excess_seen, 2, 1e-9);
  EXPECT_NEAR(one.excess_certain, -1, 1e-9);
}

TEST(Precision, AnExcessInTheMiddleOfALongTimeIsFound) {
  std::vector<Admitted> all;
  for (int64_t i = 0; i < 1000; ++i) all.push_back(at(20 * i, 20 * i));  // Half of the limit.
  for (int64_t i = 0; i < 9; ++i) all.push_back(at(10'005, 10'005));
  EXPECT_NEAR(judge(kLaw, all).excess_certain, 4.5, 1e-9);
}

TEST(Precision, KeysAreJudgedOneByOne) {
  std::vector<Admitted> all;
  for (uint64_t key = 0; key < 10; ++key) {
    for (int64_t i = 0; i < 5; ++i) all.push_back(at(1000, 1000, key));
  }
  const Precision one = judge(kLaw, all);
  EXPECT_EQ(one.keys, 10u);
  EXPECT_NEAR(one.excess_certain, 0, 1e-9);
}

TEST(Precision, LatenessIsFromTheFirstInstantThatTheLawAllows) {
  const Law strict{.count = 100, .burst = 1, .period = std::chrono::seconds(1)};
  std::vector<Admitted> all = {at(0, 0), at(0, 13), at(0, 23), at(0, 38)};
  const Precision one = judge(strict, all);
  EXPECT_EQ(one.lateness.count(), 3u);  // The first one did not wait.
  EXPECT_NEAR(static_cast<double>(one.lateness.most()), 5.0 * kMs, 0.02 * kMs);
  EXPECT_EQ(one.lateness.least(), 0);
}

// The first five answers were slow; that does not make those behind them look punctual.
TEST(Precision, ASlowFirstAnswerHidesNoLateness) {
  std::vector<Admitted> all;
  for (int64_t i = 0; i < 5; ++i) all.push_back(at(1000, 1008));
  for (int64_t i = 1; i <= 20; ++i) all.push_back(at(1000, 1002 + 10 * i));
  const Precision one = judge(kLaw, all);
  EXPECT_EQ(one.lateness.count(), 20u);
  EXPECT_EQ(one.lateness.least(), 2 * kMs);
}

// Whatever a true limiter admits between question and answer is no certain excess.
TEST(Precision, NoHistoryOfALimiterThatKeepsItsLawIsCertainlyOverIt) {
  base::Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Admitted> all;
    int64_t tat = 0, now = 0;  // In µs; each unit takes 10,000.
    for (int i = 0; i < 300; ++i) {
      now += static_cast<int64_t>(random.below(15'000));
      if (std::max(tat, now) + 10'000 - now > 50'000) continue;
      tat = std::max(tat, now) + 10'000;
      const auto before = static_cast<int64_t>(random.below(30'000));
      const auto after = static_cast<int64_t>(random.below(30'000));
      all.push_back({0, base::time_from((100'000 + now - before) * 1000),
                     base::time_from((100'000 + now + after) * 1000), false});
    }
    ASSERT_LE(judge(kLaw, all).excess_certain, 1e-9);
  }
}

}  // namespace
}  // namespace load
