#include "fetch/memory_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"
#include "dispatch/hosts.h"

namespace fetch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// A queue that is told the time; what runs is ended by hand.
struct Bed {
  explicit Bed(MemoryQueue::Terms terms = {}) {
    auto made = MemoryQueue::make(
        terms,
        [this](const MemoryQueue::Run& run) {
          const std::string body(run.body);
          running.push_back({run.receipt, body});
          started.push_back(body);
          ++in_all;
        },
        now);
    EXPECT_TRUE(made.has_value());
    queue = std::move(*made);
  }
  queue::Number add(const std::string& host, const std::string& body) {
    return queue->add(host, body, now);
  }
  void turn() { queue->turn(now); }
  // To the next instant at which something is due, not past `until`.
  bool step(base::Time until) {
    const base::Time due = queue->due();
    if (due > until) return false;
    now = std::max(now, due);
    turn();
    return true;
  }
  std::vector<std::string> take_started() { return std::exchange(started, {}); }
  engine::Receipt receipt(const std::string& body) {
    const auto found = std::ranges::find(running, body, &Running::body);
    EXPECT_TRUE(found != running.end());
    const engine::Receipt receipt = found->receipt;
    running.erase(found);
    return receipt;
  }
  void done(const std::string& body) {
    queue->done(receipt(body), now);
    turn();
  }

  struct Running {
    engine::Receipt receipt;
    std::string body;
  };
  base::Time now = base::time_from(1'750'000'000'000'000'000);
  std::unique_ptr<MemoryQueue> queue;
  std::vector<Running> running;
  std::vector<std::string> started;
  size_t in_all = 0;
};

limit::Gcra gcra(int64_t count, base::Duration period, int64_t burst) {
  return *limit::Gcra::make({count, period}, burst);
}

TEST(MemoryQueue, HandsOutWhatTheCapsLetRunAndTheNextWhenOneIsDone) {
  Bed bed({.total = 3, .per_host = 2});
  for (const char* body : {"a1", "a2", "a3", "b1", "b2"}) bed.add({body[0]}, body);
  bed.turn();
  EXPECT_THAT(bed.take_started(), ElementsAre("a1", "b1", "a2"));
  bed.done("a1");
  EXPECT_THAT(bed.take_started(), ElementsAre("b2"));
  bed.done("a2");
  EXPECT_THAT(bed.take_started(), ElementsAre("a3"));
}

TEST(MemoryQueue, NeverRunsMoreThanTheCapsAndLosesNothing) {
  base::Random random(7);
  Bed bed({.total = 10, .per_host = 3});
  constexpr int kAll = 3000;
  for (int i = 0; i < kAll; ++i) bed.add(std::to_string(random.below(7)), std::to_string(i));
  std::map<std::string, int> seen;
  bed.turn();
  for (int ended = 0; ended < kAll;) {
    ASSERT_LE(bed.running.size(), 10u);
    ASSERT_FALSE(bed.running.empty());
    const std::string body = bed.running[random.below(bed.running.size())].body;
    switch (random.below(4)) {
      case 0:
        bed.queue->back(bed.receipt(body), bed.now);
        break;
      case 1:
        bed.queue->again(bed.receipt(body), bed.now);
        break;
      default:
        bed.queue->done(bed.receipt(body), bed.now);
        ++seen[body];
        ++ended;
    }
    bed.turn();
    while (ended < kAll && bed.running.empty()) ASSERT_TRUE(bed.step(base::Time::max()));
  }
  EXPECT_EQ(seen.size(), size_t{kAll});
}

TEST(MemoryQueue, AFailureComesBackAfterAGrowingPause) {
  MemoryQueue::Terms terms;
  terms.backoff = {.base = 1s, .factor_milli = 2000, .max = 60s, .jitter_ppm = 0};
  Bed bed(terms);
  bed.add("a", "x");
  bed.turn();
  base::Time before = bed.now;
  for (const base::Duration pause : {1s, 2s, 4s}) {
    bed.queue->again(bed.receipt("x"), bed.now);
    bed.turn();
    while (bed.running.empty()) ASSERT_TRUE(bed.step(base::Time::max()));
    EXPECT_EQ(bed.now - before, pause);
    before = bed.now;
  }
}

TEST(MemoryQueue, ABlockedHostDelaysNoOther) {
  Bed bed({.total = 4, .per_host = 2});
  const limiter::Entry host[] = {{dispatch::kHostKey, "a"}};
  ASSERT_TRUE(
      bed.queue->limiter().block(dispatch::kDomain, host, bed.now + 10s, bed.now).has_value());
  for (int i = 0; i < 100; ++i) bed.add("a", "a" + std::to_string(i));
  for (const char* body : {"b1", "b2", "b3"}) bed.add("b", body);
  bed.turn();
  EXPECT_THAT(bed.take_started(), ElementsAre("b1", "b2"));
  const base::Time before = bed.now;
  while (bed.started.empty()) ASSERT_TRUE(bed.step(base::Time::max()));
  EXPECT_EQ(bed.now - before, 10s);
  EXPECT_EQ(bed.started.front(), "a0");
}

TEST(MemoryQueue, KeepsARateAndUsesAllOfIt) {
  MemoryQueue::Terms terms;
  terms.rate = gcra(100, 1s, 10);
  Bed bed(terms);
  for (int i = 0; i < 3000; ++i) bed.add(std::to_string(i % 50), std::to_string(i));
  bed.turn();
  const base::Time end = bed.now + 20s;
  for (;;) {
    while (!bed.running.empty()) bed.queue->done(bed.receipt(bed.running.back().body), bed.now);
    if (!bed.step(end)) break;
  }
  EXPECT_LE(bed.in_all, 2010u);
  EXPECT_GE(bed.in_all, 2009u);
}

TEST(MemoryQueue, WhatWaitsCanBeTakenOutAndWhatRunsCannot) {
  Bed bed({.total = 1, .per_host = 1});
  const queue::Number first = bed.add("a", "1"), second = bed.add("a", "2");
  bed.turn();
  EXPECT_EQ(bed.queue->take_out(first, bed.now), std::nullopt);
  EXPECT_EQ(bed.queue->take_out(second, bed.now), "2");
  EXPECT_EQ(bed.queue->take_out(second, bed.now), std::nullopt);
  bed.done("1");
  EXPECT_THAT(bed.take_started(), ElementsAre("1"));
}

TEST(MemoryQueue, RefusesLimitsOutOfBounds) {
  const auto made = MemoryQueue::make({.total = 0}, [](const MemoryQueue::Run&) {}, {});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().field, "total");
}

}  // namespace
}  // namespace fetch
