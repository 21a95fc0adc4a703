// Growing, shrinking, and the ceiling.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "limiter/test_table.h"

namespace limiter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Law kDaily = limit::Gcra::make({24, hours(24)}, 24).value();  // One unit: busy for an hour.

double bytes_per_key(const TestTable& bed, uint64_t keys) {
  return static_cast<double>(bed.table.size().bytes) / static_cast<double>(keys);
}

void add(TestTable& bed, uint64_t first, uint64_t end, base::Time now = kNow) {
  Hit hit = bed.hit(first, kDaily);
  limit::Decision decision;
  for (uint64_t key = first; key < end; ++key) {
    hit.key = key_of(key);
    ASSERT_TRUE(bed.table.decide({&hit, 1}, now, Purpose::kCharge, {&decision, 1})) << key;
  }
}

TEST(TableRoom, AKeyCostsAtMost48BytesAtAnySize) {
  TestTable bed({.memory_bytes_max = size_t{1} << 30});
  constexpr uint64_t kKeys = 500'000;  // bench/table_bench.cc: millions.
  double most = 0;
  for (uint64_t keys = 20'000; keys < kKeys; keys += keys / 50) {
    add(bed, bed.table.size().keys, keys);
    ASSERT_EQ(bed.table.size().keys, keys);
    most = std::max(most, bytes_per_key(bed, keys));
  }
  EXPECT_LE(most, 48);
  EXPECT_GE(most, 40);
}

TEST(TableRoom, AnEmptyTableIsSmall) {
  const TestTable bed;
  EXPECT_LE(bed.table.size().bytes, 20'000u);
}

TEST(TableRoom, NoCallMovesMoreThanAFewThousandSlots) {
  TestTable bed;
  add(bed, 0, 300'000);
  EXPECT_GE(bed.table.size().moved_max, 1'000u);
  EXPECT_LE(bed.table.size().moved_max, 3'000u);
  EXPECT_GE(bed.table.size().segments, 200u);
}

TEST(TableRoom, GrowthLosesNoKey) {
  TestTable bed;
  base::Random random(5);
  const Law law = per_second(1, 1'000);
  std::vector<int64_t> charged(60'000);
  Hit hit = bed.hit(0, law);
  limit::Decision decision;
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t key = random.below(charged.size());
    hit.key = key_of(key);
    ASSERT_TRUE(bed.table.decide({&hit, 1}, kNow, Purpose::kCharge, {&decision, 1}));
    ++charged[key];
    ASSERT_EQ(decision.remaining, 1'000 - charged[key]);
  }
}

TEST(TableRoom, GrowthDropsIdleKeysFirst) {
  TestTable bed;
  for (int round = 0; round < 20; ++round) add(bed, 0, 20'000, kNow + hours(2) * round);
  const size_t bytes = bed.table.size().bytes;
  // Other keys each time, and what they took of the table is idle again.
  for (uint64_t round = 1; round < 50; ++round) {
    add(bed, round * 20'000, (round + 1) * 20'000,
        kNow + hours(2) * static_cast<int64_t>(round + 30));
  }
  EXPECT_LE(bed.table.size().bytes, bytes * 2);
  EXPECT_LE(bed.table.size().keys, 40'000u);
}

TEST(TableRoom, RoomForOneKeyOfADecisionIsNotMadeByDroppingAnother) {
  TestTable bed;
  add(bed, 0, 20'000);
  const base::Time later = kNow + hours(2);
  for (uint64_t round = 0; round < 50; ++round) {
    std::vector<Hit> hits;  // Idle ones that are still there, and new ones.
    for (uint64_t i = round * 100; i < (round + 1) * 100; ++i) {
      hits.push_back(bed.hit(i, kDaily));
      hits.push_back(bed.hit(1'000'000 + i, kDaily));
    }
    ASSERT_TRUE(bed.decide(hits, later).allowed);
    for (const Hit& hit : hits) ASSERT_EQ(bed.remaining(hit, later), 23);
  }
}

TEST(TableRoom, SweepDropsOnlyIdleKeysAndGivesMemoryBack) {
  TestTable bed;
  add(bed, 0, 200'000);
  add(bed, 0, 5'000, kNow + milliseconds(1));  // A second unit: busy for an hour more.
  const size_t full = bed.table.size().bytes;
  const base::Time later = kNow + hours(1) + seconds(1);

  size_t dropped = 0;
  while (size_t more = bed.table.sweep(later, 1'000)) dropped += more;
  for (int i = 0; i < 5; ++i) bed.table.sweep(later, 1'000);  // Neighbours become one.
  EXPECT_EQ(dropped, 195'000u);
  EXPECT_EQ(bed.table.size().keys, 5'000u);
  EXPECT_LE(bed.table.size().bytes, full / 20);
  EXPECT_LE(bed.table.size().segments, 20u);
  const Hit any = bed.hit(0, kDaily);
  for (uint64_t key = 0; key < 10'000; ++key) {
    Hit hit = any;
    hit.key = key_of(key);
    ASSERT_EQ(bed.remaining(hit, later), key < 5'000 ? 23 : 24) << key;
  }
}

TEST(TableRoom, SweepGoesRoundInSlices) {
  TestTable bed;
  add(bed, 0, 50'000);
  const size_t segments = bed.table.size().segments;
  size_t slices = 0;
  while (bed.table.size().keys != 0) {
    bed.table.sweep(kNow + hours(2), 4);
    ASSERT_LE(++slices, segments);
  }
  EXPECT_GE(slices, 4u);
}

constexpr size_t kCeiling = 1 << 20;

// Adds keys until the first is refused; returns how many there are.
uint64_t fill(TestTable& bed) {
  uint64_t keys = 0;
  while (bed.one(bed.hit(keys, kDaily), kNow).allowed) ++keys;
  return keys;
}

TEST(TableRoom, AtTheCeilingNewKeysAreRefusedAndOldOnesWork) {
  TestTable bed({.memory_bytes_max = kCeiling});
  const uint64_t keys = fill(bed);
  EXPECT_GE(keys, kCeiling / 50);
  const limit::Decision refused = bed.one(bed.hit(keys, kDaily), kNow);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.limit, 24);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(refused.retry_after, Table::kFullRetry);
  EXPECT_EQ(bed.table.size().refused_full, 2u);
  for (uint64_t key = 0; key < keys; ++key) {
    ASSERT_EQ(bed.one(bed.hit(key, kDaily), kNow).remaining, 22);
  }
}

TEST(TableRoom, TheCeilingIsKept) {
  TestTable bed({.memory_bytes_max = kCeiling});
  for (uint64_t key = 0; key < 100'000; ++key) bed.one(bed.hit(key, kDaily), kNow);
  EXPECT_LE(bed.table.size().bytes, kCeiling);
  EXPECT_GE(bed.table.size().bytes, kCeiling * 95 / 100);
}

TEST(TableRoom, AtTheCeilingIdleKeysMakeRoom) {
  TestTable bed({.memory_bytes_max = kCeiling});
  const uint64_t keys = fill(bed);
  add(bed, keys, keys * 19 / 10, kNow + hours(2));
  EXPECT_LE(bed.table.size().bytes, kCeiling);
}

TEST(TableRoom, AtTheCeilingKeysMayBeAllowedUncounted) {
  TestTable bed({.memory_bytes_max = kCeiling, .when_full = WhenFull::kAllow});
  for (uint64_t key = 0; key < 100'000; ++key) {
    ASSERT_TRUE(bed.one(bed.hit(key, kDaily), kNow).allowed);
  }
  const Table::Size size = bed.table.size();
  EXPECT_EQ(size.refused_full, 100'000 - size.keys);
  EXPECT_GE(size.refused_full, 50'000u);
  // Together with others, too.
  std::vector<Hit> hits;
  for (uint64_t key = 100'000; key < 100'050; ++key) hits.push_back(bed.hit(key, log_of(5)));
  EXPECT_TRUE(bed.decide(hits, kNow).allowed);
}

// Room for some: many keys, or one whose state grows.
TEST(TableRoom, TheCeilingIsKeptByStatesOnTheHeap) {
  for (const Law& law : {log_of(100'000), counter_of(100'000), holds_of(100'000)}) {
    for (const uint64_t keys : {uint64_t{1}, uint64_t{3}, uint64_t{60'000}}) {
      if (keys < 100 && law.index() == counter_of(1).index()) continue;
      TestTable bed({.memory_bytes_max = kCeiling});
      uint64_t allowed = 0;
      for (uint64_t i = 0; i < 90'000; ++i) {
        const base::Time now = kNow + base::Duration(i);
        const HoldTerms hold{.id = i, .ttl = seconds(50)};
        allowed += bed.decide({bed.hit(i % keys, law)}, now, Purpose::kTake, hold).allowed;
        ASSERT_LE(bed.table.size().bytes, kCeiling) << law.index();
      }
      EXPECT_GE(allowed, 5'000u);
      EXPECT_EQ(bed.table.size().refused_full, 90'000 - allowed);
      EXPECT_GE(bed.table.size().refused_full, 1'000u);
    }
  }
}

TEST(TableRoom, AStateThatMayNotGrowIsChargedWhereItNeedNot) {
  TestTable bed({.memory_bytes_max = kCeiling});
  const Hit log = bed.hit(0, log_of(100'000));
  base::Time now = kNow;
  while (bed.one(log, now).allowed) now += base::Duration(1);
  EXPECT_EQ(bed.table.charge_over(log, now, 5, 5), 0);
  EXPECT_TRUE(bed.one(log, now - base::Duration(1)).allowed);  // As the last one: shares its entry.
  EXPECT_TRUE(bed.one(log, kNow + seconds(60)).allowed);       // The first one has left.
}

TEST(TableRoom, AtTheCeilingIdleStatesOnTheHeapMakeRoom) {
  TestTable bed({.memory_bytes_max = kCeiling});
  uint64_t keys = 0;
  while (bed.one(bed.hit(keys, log_of(5)), kNow).allowed) ++keys;
  uint64_t allowed = 0;
  for (uint64_t key = keys; key < 2 * keys; ++key)
    allowed += bed.one(bed.hit(key, log_of(5)), kNow + seconds(62)).allowed;
  EXPECT_GE(allowed, keys / 10 * 8);
  EXPECT_LE(bed.table.size().bytes, kCeiling);
}

TEST(TableRoom, ATableFilledByBlocksSplits) {
  TestTable bed;
  constexpr uint64_t kBlocks = 120'000;
  for (uint64_t key = 0; key < kBlocks; ++key)
    ASSERT_TRUE(bed.table.block(key_of(key), kNow + seconds(5), kNow)) << key;
  for (uint64_t key = 0; key < kBlocks; ++key)
    ASSERT_EQ(bed.table.blocked_until(key_of(key), kNow), kNow + seconds(5));
  EXPECT_GE(bed.table.size().segments, 80u);
}

TEST(TableRoom, ADecisionThatFindsNoRoomForOneKeyAddsNone) {
  TestTable bed({.memory_bytes_max = kCeiling});
  const uint64_t full = fill(bed);
  const size_t keys = bed.table.size().keys;
  std::vector<Hit> hits = {bed.hit(0, kDaily)};
  for (uint64_t key = full; key < full + 500; ++key) hits.push_back(bed.hit(key, log_of(5)));
  const size_t bytes = bed.table.size().bytes;
  EXPECT_FALSE(bed.decide(hits, kNow).allowed);
  EXPECT_EQ(bed.table.size().keys, keys);
  EXPECT_LE(bed.table.size().bytes, bytes);
  EXPECT_EQ(bed.remaining(hits[0], kNow), 23);
}

TEST(TableRoom, AtTheCeilingShadowsAndBlocksGoOn) {
  TestTable bed({.memory_bytes_max = kCeiling});
  for (uint64_t key = 0; key < 100'000; ++key) bed.one(bed.hit(key, kDaily), kNow);
  for (uint64_t key = 200'000; key < 200'100; ++key) {
    Hit shadow = bed.hit(key, kDaily);
    shadow.shadow = true;
    ASSERT_TRUE(bed.decide({shadow}, kNow).allowed);
    ASSERT_TRUE(bed.table.block(key_of(key + 1'000'000), kNow + seconds(5), kNow));
    ASSERT_EQ(bed.table.blocked_until(key_of(key + 1'000'000), kNow), kNow + seconds(5));
  }
  EXPECT_EQ(bed.table.charge_over(bed.hit(300'000, kDaily), kNow, 2, 0) % 2, 0);
}

TEST(TableRoom, KeysThatAllMeetInOneSegmentAreRefusedNotLost) {
  TestTable bed;
  Hit hit = bed.hit(0, kDaily);
  limit::Decision decision;
  uint64_t allowed = 0;
  for (uint64_t i = 0; i < 10'000; ++i) {
    hit.key = {42, i << 40};
    allowed += bed.table.decide({&hit, 1}, kNow, Purpose::kCharge, {&decision, 1});
  }
  EXPECT_GE(allowed, 2'000u);
  EXPECT_EQ(bed.table.size().keys, allowed);
  EXPECT_EQ(bed.table.size().refused_full, 10'000 - allowed);
  // Nor is what was made for it: a build with the address sanitizer tells.
  Hit counter = bed.hit(0, counter_of(5));
  counter.key = {42, uint64_t{20'000} << 40};
  EXPECT_EQ(bed.table.charge_over(counter, kNow, 1, 0), 0);
}

}  // namespace
}  // namespace limiter
