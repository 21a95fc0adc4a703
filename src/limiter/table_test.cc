#include "limiter/table.h"

#include <gtest/gtest.h>

#include <array>

#include "limiter/test_table.h"

namespace limiter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Table, ChargesWhatItAllows) {
  TestTable bed;
  const Hit hit = bed.hit(1, per_second(1, 3));
  for (int64_t left : {2, 1, 0}) {
    const limit::Decision decision = bed.one(hit, kNow);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.remaining, left);
  }
  const limit::Decision refused = bed.one(hit, kNow);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, seconds(1));
  EXPECT_TRUE(bed.one(hit, kNow + seconds(1)).allowed);
}

TEST(Table, ARefusalByOneChargesNone) {
  TestTable bed;
  const Hit wide = bed.hit(1, per_second(1, 10));
  const Hit narrow = bed.hit(2, log_of(2));
  EXPECT_TRUE(bed.decide({wide, narrow}, kNow).allowed);
  EXPECT_TRUE(bed.decide({wide, narrow}, kNow).allowed);
  const TestTable::Answer refused = bed.decide({wide, narrow}, kNow);
  EXPECT_FALSE(refused.allowed);
  EXPECT_TRUE(refused.decisions[0].allowed);
  EXPECT_EQ(refused.decisions[0].remaining, 8);  // As it is: not charged.
  EXPECT_FALSE(refused.decisions[1].allowed);
  EXPECT_EQ(bed.remaining(wide, kNow), 8);
}

TEST(Table, NeitherRefusalNorPeekNorACostOfNothingMakesAState) {
  TestTable bed;
  EXPECT_FALSE(bed.one(bed.hit(1, per_second(1, 3), 4), kNow).allowed);
  EXPECT_TRUE(bed.one(bed.hit(2, per_second(1, 3), 2), kNow, Purpose::kPeek).allowed);
  EXPECT_TRUE(bed.one(bed.hit(3, per_second(1, 3), 0), kNow).allowed);
  EXPECT_FALSE(bed.decide({bed.hit(4, log_of(5)), bed.hit(5, window_of(5), 6)}, kNow).allowed);
  EXPECT_TRUE(bed.one(bed.hit(6, holds_of(5)), kNow).allowed);
  EXPECT_EQ(bed.table.size().keys, 0u);
}

TEST(Table, APeekTellsTheStateAsItIs) {
  TestTable bed;
  const Hit hit = bed.hit(1, per_second(1, 10), 4);
  ASSERT_TRUE(bed.one(hit, kNow).allowed);
  const limit::Decision peek = bed.one(hit, kNow, Purpose::kPeek);
  EXPECT_TRUE(peek.allowed);
  EXPECT_EQ(peek.remaining, 6);
  EXPECT_EQ(peek.reset_after, seconds(4));
  EXPECT_FALSE(bed.one(bed.hit(1, per_second(1, 10), 7), kNow, Purpose::kPeek).allowed);
}

TEST(Table, AShadowNeverRefusesAndIsChargedWhenItAllows) {
  TestTable bed;
  Hit shadow = bed.hit(1, per_second(1, 2));
  shadow.shadow = true;
  const Hit real = bed.hit(2, per_second(1, 3));
  EXPECT_TRUE(bed.decide({shadow, real}, kNow).decisions[0].allowed);
  EXPECT_TRUE(bed.decide({shadow, real}, kNow).decisions[0].allowed);
  const TestTable::Answer third = bed.decide({shadow, real}, kNow);
  EXPECT_TRUE(third.allowed);
  EXPECT_FALSE(third.decisions[0].allowed);
  EXPECT_TRUE(bed.decide({shadow}, kNow).allowed);

  // Refused as a whole: the shadow is not charged though it would allow.
  const TestTable::Answer refused = bed.decide({shadow, real}, kNow + milliseconds(999));
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(bed.remaining(shadow, kNow + seconds(2)), 2);
}

TEST(Table, HoldsAreTakenOnlyOnPurpose) {
  TestTable bed;
  const Hit holds = bed.hit(1, holds_of(2));
  const Hit rate = bed.hit(2, per_second(1, 10));
  const auto take = [&](uint64_t id) {
    return bed.decide({holds, rate}, kNow, Purpose::kTake, {.id = id, .ttl = seconds(10)});
  };
  EXPECT_TRUE(bed.decide({holds, rate}, kNow).allowed);
  EXPECT_EQ(bed.remaining(holds, kNow), 2);
  EXPECT_TRUE(take(1).allowed);
  EXPECT_TRUE(take(2).allowed);
  EXPECT_FALSE(take(3).allowed);
  EXPECT_FALSE(bed.decide({holds, rate}, kNow).allowed);
  EXPECT_EQ(bed.remaining(rate, kNow), 7);
  EXPECT_TRUE(bed.table.release(holds, 1, kNow));
  EXPECT_FALSE(bed.table.release(holds, 1, kNow));
  EXPECT_TRUE(take(3).allowed);
}

TEST(Table, AHoldEndsWithItsTimeWhichTheLawCuts) {
  TestTable bed;
  const Hit holds = bed.hit(1, holds_of(1, seconds(5)));
  ASSERT_TRUE(bed.decide({holds}, kNow, Purpose::kTake, {.id = 1, .ttl = seconds(60)}).allowed);
  EXPECT_FALSE(bed.one(holds, kNow + seconds(4)).allowed);
  EXPECT_TRUE(bed.table.renew(holds, 1, kNow + seconds(8), kNow + seconds(4)));
  EXPECT_FALSE(bed.one(holds, kNow + seconds(7)).allowed);
  EXPECT_TRUE(bed.one(holds, kNow + seconds(8)).allowed);
  EXPECT_FALSE(bed.table.renew(holds, 1, kNow + seconds(12), kNow + seconds(8)));
}

TEST(Table, SeveralHoldsOfOneHitAreTakenAndReleasedTogether) {
  TestTable bed;
  const Hit three = bed.hit(1, holds_of(5), 3);
  const HoldTerms hold{.id = 9, .ttl = seconds(10)};
  ASSERT_TRUE(bed.decide({three}, kNow, Purpose::kTake, hold).allowed);
  EXPECT_EQ(bed.remaining(three, kNow), 2);
  EXPECT_TRUE(bed.table.release(three, 9, kNow));
  EXPECT_EQ(bed.remaining(three, kNow), 5);
}

TEST(Table, GivesBackWhatHasNotLeakedBack) {
  TestTable bed;
  for (const Law& law : {per_second(1, 10), window_of(10), counter_of(10), log_of(10)}) {
    const Hit hit = bed.hit(law.index(), law, 6);
    ASSERT_TRUE(bed.one(hit, kNow).allowed);
    bed.table.give_back(hit, kNow, 4, kNow);
    EXPECT_EQ(bed.remaining(hit, kNow), 8) << law.index();
  }
  const Hit absent = bed.hit(99, per_second(1, 10));
  bed.table.give_back(absent, kNow, 4, kNow);
  EXPECT_EQ(bed.remaining(absent, kNow), 10);
}

TEST(Table, ChargesOverTheLimitUpToTheOverdraft) {
  TestTable bed;
  for (const Law& law : {per_second(1, 10), window_of(10), counter_of(10), log_of(10)}) {
    const Hit hit = bed.hit(law.index(), law, 6);
    ASSERT_TRUE(bed.one(hit, kNow).allowed);
    EXPECT_EQ(bed.table.charge_over(hit, kNow, 9, 2), 6);
    EXPECT_FALSE(bed.one(bed.hit(law.index(), law, 0), kNow).allowed) << law.index();
  }
  EXPECT_EQ(bed.table.charge_over(bed.hit(99, window_of(10)), kNow, 3, 0), 3);
  EXPECT_EQ(bed.remaining(bed.hit(99, window_of(10)), kNow), 7);
}

TEST(Table, ForgettingMakesAKeyNew) {
  TestTable bed;
  const Hit hit = bed.hit(1, log_of(3), 3);
  ASSERT_TRUE(bed.one(hit, kNow).allowed);
  bed.table.forget(hit.key);
  bed.table.forget(key_of(2));
  EXPECT_EQ(bed.remaining(hit, kNow), 3);
  EXPECT_EQ(bed.table.size().keys, 0u);
}

TEST(Table, ABlockLastsUntilItsInstant) {
  TestTable bed;
  EXPECT_FALSE(bed.table.any_blocks());
  EXPECT_EQ(bed.table.blocked_until(key_of(1), kNow), kNow);
  EXPECT_TRUE(bed.table.block(key_of(1), kNow + seconds(5), kNow));
  EXPECT_TRUE(bed.table.any_blocks());
  EXPECT_EQ(bed.table.blocked_until(key_of(1), kNow), kNow + seconds(5));
  EXPECT_TRUE(bed.table.block(key_of(1), kNow + seconds(2), kNow));
  EXPECT_EQ(bed.table.blocked_until(key_of(1), kNow), kNow + seconds(2));
  EXPECT_LE(bed.table.blocked_until(key_of(1), kNow + seconds(3)), kNow + seconds(3));
  const base::Time gone = kNow + seconds(2) + Table::kSkew;
  EXPECT_EQ(bed.table.sweep(gone - milliseconds(1), 100), 0u);
  EXPECT_EQ(bed.table.sweep(gone, 100), 1u);
  EXPECT_FALSE(bed.table.any_blocks());
}

TEST(Table, AThreadWhoseClockIsAheadDropsNothingThatOthersStillCount) {
  TestTable bed;
  const Law law = per_second(10, 10);
  const Hit hit = bed.hit(1, law);
  ASSERT_TRUE(bed.one(hit, kNow).allowed);
  const base::Time ahead = kNow + Table::kSkew;  // Idle there.
  EXPECT_EQ(bed.table.sweep(ahead, 100), 0u);
  for (uint64_t key = 100; key < 20'000; ++key)
    ASSERT_TRUE(bed.one(bed.hit(key, law), ahead).allowed);
  EXPECT_EQ(bed.one(hit, kNow).remaining, 8);
  EXPECT_EQ(bed.table.sweep(kNow + seconds(5), 1'000), 19'901u);
}

TEST(Table, TellsWhichHitsWereLetThroughUncounted) {
  TestTable bed({.memory_bytes_max = 1, .when_full = WhenFull::kAllow});
  const std::vector<Hit> hits = {bed.hit(1, per_second(1, 3)), bed.hit(2, log_of(3)),
                                 bed.hit(3, per_second(1, 3), 0)};
  std::vector<limit::Decision> decisions(3);
  std::array<bool, 3> uncounted{};
  EXPECT_TRUE(bed.table.decide(hits, kNow, Purpose::kCharge, decisions, {}, uncounted));
  EXPECT_EQ(uncounted, (std::array{true, true, false}));
  TestTable roomy;
  const Hit counted = roomy.hit(1, per_second(1, 3));
  EXPECT_TRUE(roomy.table.decide({&counted, 1}, kNow, Purpose::kCharge, {decisions.data(), 1}, {},
                                 {uncounted.data(), 1}));
  EXPECT_FALSE(uncounted[0]);
}

TEST(Table, TheEpochEndsABlock) {
  TestTable bed;
  EXPECT_TRUE(bed.table.block(key_of(1), kNow + seconds(5), kNow));
  EXPECT_TRUE(bed.table.block(key_of(1), base::Time{}, kNow));
  EXPECT_TRUE(bed.table.block(key_of(2), base::Time{}, kNow));
  EXPECT_FALSE(bed.table.any_blocks());
  EXPECT_LE(bed.table.blocked_until(key_of(1), kNow), kNow);
  EXPECT_EQ(bed.table.size().keys, 0u);
}

TEST(Table, DecidesOverManyKeysAtOnce) {
  TestTable bed;
  std::vector<Hit> hits;
  for (uint64_t i = 0; i < 300; ++i) hits.push_back(bed.hit(i, per_second(1, 2)));
  EXPECT_TRUE(bed.decide(hits, kNow).allowed);
  EXPECT_TRUE(bed.one(hits[123], kNow).allowed);
  EXPECT_FALSE(bed.decide(hits, kNow).allowed);
  for (uint64_t i = 0; i < 300; ++i) EXPECT_EQ(bed.remaining(hits[i], kNow), i == 123 ? 0 : 1);
  EXPECT_TRUE(bed.decide({}, kNow).allowed);
}

}  // namespace
}  // namespace limiter
