// States under laws: what carries over when a limit changes (through the table, as decisions do).
#include "limiter/cell.h"

#include <gtest/gtest.h>

#include "limiter/test_table.h"

namespace limiter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr HoldTerms kHold{.id = 77, .ttl = seconds(30)};

// Each law with room for 10.
const std::vector<Law> kRates = {per_second(1, 10), window_of(10), counter_of(10), log_of(10)};

TEST(Cell, WhatWasUsedStaysUsedUnderEveryOtherRate) {
  for (const Law& from : kRates) {
    for (const Law& to : kRates) {
      TestTable bed;
      ASSERT_TRUE(bed.one(bed.hit(1, from, 7), kNow).allowed);
      EXPECT_EQ(bed.remaining(bed.hit(1, to), kNow), 3) << from.index() << " " << to.index();
      EXPECT_FALSE(bed.one(bed.hit(1, to, 4), kNow).allowed);
      EXPECT_TRUE(bed.one(bed.hit(1, to, 3), kNow).allowed);
      EXPECT_FALSE(bed.one(bed.hit(1, to), kNow).allowed);
    }
  }
}

TEST(Cell, AnotherRateOfTheSameLawKeepsWhatWasUsed) {
  const std::vector<std::pair<Law, Law>> pairs = {{per_second(1, 10), per_second(3, 20)},
                                                  {window_of(10), window_of(20)},
                                                  {counter_of(10), counter_of(20)},
                                                  {counter_of(10), counter_of(20, seconds(30))},
                                                  {log_of(10), log_of(20)},
                                                  {log_of(10), log_of(20, seconds(30))}};
  for (const auto& [from, to] : pairs) {
    TestTable bed;
    ASSERT_TRUE(bed.one(bed.hit(1, from, 7), kNow).allowed);
    EXPECT_EQ(bed.remaining(bed.hit(1, to), kNow), 13);
    EXPECT_EQ(bed.one(bed.hit(1, to), kNow).remaining, 12);
  }
}

TEST(Cell, ASmallerLimitRefusesUntilEnoughHasLeftIt) {
  TestTable bed;
  ASSERT_TRUE(bed.one(bed.hit(1, per_second(1, 10), 9), kNow).allowed);
  const Hit smaller = bed.hit(1, per_second(1, 3));
  const limit::Decision refused = bed.one(smaller, kNow);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, seconds(7));
  EXPECT_TRUE(bed.one(smaller, kNow + seconds(7)).allowed);
}

TEST(Cell, APeekLeavesTheOldState) {
  TestTable bed;
  const Hit old = bed.hit(1, log_of(10), 4);
  ASSERT_TRUE(bed.one(old, kNow).allowed);
  const size_t bytes = bed.table.size().bytes;
  EXPECT_EQ(bed.remaining(bed.hit(1, window_of(10)), kNow), 6);
  EXPECT_EQ(bed.table.size().bytes, bytes);
  EXPECT_EQ(bed.remaining(old, kNow + seconds(60)), 10);  // Still a log, from that instant.
}

TEST(Cell, HoldsStayHoldsUnderAnotherCap) {
  TestTable bed;
  ASSERT_TRUE(bed.decide({bed.hit(1, holds_of(5))}, kNow, Purpose::kTake, kHold).allowed);
  const Hit changed = bed.hit(1, holds_of(2, seconds(90)));
  EXPECT_EQ(bed.remaining(changed, kNow), 1);
  EXPECT_TRUE(bed.table.renew(changed, kHold.id, kNow + seconds(50), kNow));
  EXPECT_EQ(bed.remaining(changed, kNow + seconds(40)), 1);
  EXPECT_TRUE(bed.table.release(changed, kHold.id, kNow));
  EXPECT_EQ(bed.remaining(changed, kNow), 2);
}

TEST(Cell, BetweenHoldsAndARateNothingCarriesOver) {
  for (const Law& rate : kRates) {
    TestTable bed;
    const Hit holds = bed.hit(1, holds_of(3));
    const Hit units = bed.hit(1, rate, 2);
    ASSERT_TRUE(bed.decide({holds}, kNow, Purpose::kTake, kHold).allowed);
    EXPECT_EQ(bed.one(units, kNow).remaining, 8);
    EXPECT_EQ(bed.remaining(holds, kNow), 3);
    ASSERT_TRUE(bed.decide({holds}, kNow, Purpose::kTake, kHold).allowed);
    EXPECT_EQ(bed.remaining(units, kNow), 10);
  }
}

Hit ad_hoc(uint64_t key, const Law& law, int64_t cost = 1) {
  return {.key = key_of(key), .law = &law, .law_number = kAdHoc, .cost = cost, .shadow = false};
}

TEST(Cell, ALawThatACallerBringsKeepsItsInstant) {
  TestTable bed;
  const Law thirds = limit::Gcra::make({3, seconds(10)}, 10).value();
  const Law tenths = per_second(10, 100);
  ASSERT_TRUE(bed.one(ad_hoc(1, thirds), kNow).allowed);  // 3 1/3 s ahead.
  EXPECT_EQ(bed.one(ad_hoc(1, tenths), kNow).remaining, 65);
  EXPECT_EQ(bed.remaining(ad_hoc(1, thirds), kNow), 8);  // 3.44 s ahead are 1.03 units.
}

TEST(Cell, ANumberedLawTakesOverTheInstantOfABroughtOne) {
  TestTable bed;
  const Law brought = per_second(1, 10);
  ASSERT_TRUE(bed.one(ad_hoc(1, brought, 5), kNow).allowed);
  EXPECT_EQ(bed.one(bed.hit(1, per_second(2, 20)), kNow).remaining, 9);
  EXPECT_EQ(bed.remaining(bed.hit(1, window_of(20)), kNow), 9);
}

TEST(Cell, BytesOfOwnedStatesAreCountedAndReturned) {
  TestTable bed;
  const auto bytes = [&] { return bed.table.size().bytes; };
  ASSERT_TRUE(bed.one(bed.hit(0, per_second(1, 10)), kNow).allowed);
  const size_t empty = bytes();
  const Hit log = bed.hit(1, log_of(1'000));
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(bed.one(log, kNow + milliseconds(i)).allowed);
  EXPECT_GE(bytes(), empty + 16'000);
  // A counter that takes over frees the log; forgetting it frees the counter.
  ASSERT_TRUE(bed.one(bed.hit(1, counter_of(2'000)), kNow + seconds(2)).allowed);
  EXPECT_LE(bytes(), empty + Region::kPageBytes + 64);
  const size_t segment_page = bytes() / Region::kPageBytes;
  bed.table.forget(key_of(1));
  EXPECT_EQ(bytes() / Region::kPageBytes, segment_page);
  EXPECT_EQ((bytes() - empty) % Region::kPageBytes, 0u);
}

TEST(Cell, IdleStatesAreToldByTheirLaw) {
  for (const Law& law : kRates) {
    TestTable bed;
    ASSERT_TRUE(bed.one(bed.hit(1, law, 5), kNow).allowed);
    EXPECT_EQ(bed.table.sweep(kNow + milliseconds(4'999), 100), 0u);
    EXPECT_EQ(bed.table.sweep(kNow + seconds(121), 100), 1u);
    EXPECT_EQ(bed.table.size().keys, 0u);
  }
}

}  // namespace
}  // namespace limiter
