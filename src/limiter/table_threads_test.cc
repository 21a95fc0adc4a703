// The table under threads; also run with the thread sanitizer.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "base/random.h"
#include "limiter/test_table.h"

namespace limiter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr int kThreads = 3;

template <typename Body>
void in_threads(Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([=] { body(static_cast<uint64_t>(i)); });
  for (std::thread& thread : threads) thread.join();
}

// Units that each key of a set was charged, by decisions that were allowed.
template <size_t kKeys>
using Charged = std::array<std::atomic<int64_t>, kKeys>;

TEST(TableThreads, WhatWasAdmittedIsWhatWasChargedOfEveryLimit) {
  constexpr size_t kKeys = 40;
  constexpr int64_t kMost = 300;
  TestTable bed;
  const std::array<Law, 4> laws = {limit::Gcra::make({1, hours(1'000)}, kMost).value(),
                                   window_of(kMost, hours(240)), counter_of(kMost, hours(240)),
                                   log_of(kMost, hours(240))};
  std::vector<Hit> all;
  for (uint64_t i = 0; i < kKeys; ++i) all.push_back(bed.hit(i, laws[i % laws.size()]));
  Charged<kKeys> charged{};
  std::atomic<int> refused{0};
  in_threads([&](uint64_t thread) {
    base::Random random(thread);
    std::array<limit::Decision, 6> decisions;
    for (int i = 0; i < 4'000; ++i) {
      std::set<uint64_t> chosen;
      while (chosen.size() < 1 + random.below(6)) chosen.insert(random.below(kKeys));
      std::vector<Hit> hits;
      for (const uint64_t key : chosen) hits.push_back(all[key]);
      const std::span answers(decisions.data(), hits.size());
      if (!bed.table.decide(hits, kNow, Purpose::kCharge, answers)) {
        ++refused;
        continue;
      }
      for (const uint64_t key : chosen) ++charged[key];
    }
  });
  EXPECT_GT(refused, 0);
  for (size_t i = 0; i < kKeys; ++i) {
    EXPECT_LE(charged[i], kMost);
    EXPECT_EQ(bed.remaining(all[i], kNow), kMost - charged[i]) << i;
  }
}

TEST(TableThreads, HoldsNeverPassTheirCapAndAllComeBack) {
  constexpr int64_t kCap = 2;
  TestTable bed;
  const std::array<Hit, 3> holds = {bed.hit(1, holds_of(kCap)), bed.hit(2, holds_of(kCap)),
                                    bed.hit(3, holds_of(kCap))};
  const Hit rate = bed.hit(4, limit::Gcra::make({1, hours(1)}, 500'000).value());
  std::array<std::atomic<int64_t>, 3> held{};
  std::atomic<int64_t> taken{0};
  in_threads([&](uint64_t thread) {
    base::Random random(thread);
    std::array<limit::Decision, 3> decisions;
    for (uint64_t i = 0; i < 5'000; ++i) {
      const size_t a = random.below(3), b = (a + 1) % 3;
      const std::array<Hit, 3> hits = {holds[a], rate, holds[b]};
      const uint64_t id = thread << 32 | i;
      if (!bed.table.decide(hits, kNow, Purpose::kTake, decisions, {.id = id, .ttl = seconds(9)})) {
        continue;
      }
      ++taken;
      EXPECT_LE(++held[a], kCap);
      EXPECT_LE(++held[b], kCap);
      EXPECT_TRUE(bed.table.renew(holds[a], id, kNow + seconds(20), kNow));
      --held[a];
      EXPECT_TRUE(bed.table.release(holds[a], id, kNow));
      --held[b];
      EXPECT_TRUE(bed.table.release(holds[b], id, kNow));
    }
  });
  EXPECT_GT(taken, 0);
  EXPECT_EQ(bed.remaining(rate, kNow), 500'000 - taken);
  for (const Hit& hit : holds) EXPECT_EQ(bed.remaining(hit, kNow), kCap);
}

TEST(TableThreads, GrowthAndSweepsLoseNothingWhileOthersDecide) {
  constexpr uint64_t kKeys = 30'000;
  TestTable bed;
  const Law law = limit::Gcra::make({1, hours(1)}, 1'000).value();
  const Hit any = bed.hit(0, law);
  std::atomic<bool> done{false};
  std::thread sweeps([&] {
    while (!done) bed.table.sweep(kNow, 7);
  });
  // Each thread charges every key once, in an order of its own, some with prefetches and some in
  // pairs; keys of a fourth kind come and go, so that segments merge and split.
  in_threads([&](uint64_t thread) {
    std::array<limit::Decision, 2> decisions;
    for (uint64_t i = 0; i < kKeys; i += 2) {
      std::array<Hit, 2> pair = {any, any};
      pair[0].key = key_of((i + thread * kKeys / kThreads) % kKeys);
      pair[1].key = key_of((i + 1 + thread * kKeys / kThreads) % kKeys);
      for (const Hit& hit : pair) bed.table.prefetch_segment(hit.key);
      for (const Hit& hit : pair) bed.table.prefetch_slot(hit.key);
      if (i % 4 == 0) {
        EXPECT_TRUE(bed.table.decide(pair, kNow, Purpose::kCharge, decisions));
      } else {
        for (const Hit& hit : pair) {
          EXPECT_TRUE(bed.table.decide({&hit, 1}, kNow, Purpose::kCharge, {decisions.data(), 1}));
        }
      }
    }
  });
  done = true;
  sweeps.join();
  EXPECT_EQ(bed.table.size().keys, kKeys);
  for (uint64_t i = 0; i < kKeys; ++i) {
    Hit hit = any;
    hit.key = key_of(i);
    ASSERT_EQ(bed.remaining(hit, kNow), 1'000 - kThreads) << i;
  }
}

TEST(TableThreads, SegmentsMergeAndSplitWhileOthersDecide) {
  TestTable bed;
  const Law law = limit::Gcra::make({1, seconds(1)}, 10).value();
  const Hit any = bed.hit(0, law);
  in_threads([&](uint64_t thread) {
    limit::Decision decision;
    base::Time now = kNow;
    for (uint64_t round = 0; round < 4; ++round, now += seconds(5)) {
      for (uint64_t i = 0; i < 15'000; ++i) {
        Hit hit = any;
        hit.key = key_of(thread << 40 | round << 32 | i);
        EXPECT_TRUE(bed.table.decide({&hit, 1}, now, Purpose::kCharge, {&decision, 1}));
        EXPECT_EQ(decision.remaining, 9);
        if (i % 32 == 0) bed.table.sweep(now, 1);
      }
      bed.table.sweep(now + seconds(3), 200);  // All of this thread's are idle then.
    }
  });
  bed.table.sweep(kNow + hours(1), 1'000);
  EXPECT_EQ(bed.table.size().keys, 0u);
}

}  // namespace
}  // namespace limiter
