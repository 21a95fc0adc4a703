#include "load/schedule.h"

#include <gtest/gtest.h>

#include "load/histogram.h"

namespace load {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(Schedule, ThreePerSecondDoNotDriftInADay) {
  const Schedule schedule(base::time_from(5), 3, 1);
  EXPECT_EQ(schedule.due(0), base::time_from(5));
  EXPECT_EQ(schedule.due(1), base::time_from(5 + 333'333'333));
  EXPECT_EQ(schedule.due(3 * 86'400), base::time_from(5 + 86'400'000'000'000));
}

TEST(Schedule, BatchesAreAsFarApartAsTheirRequestsTakeTogether) {
  const Schedule schedule(base::time_from(0), 1'000'000, 64);
  EXPECT_EQ(schedule.due(1), base::time_from(64'000));
  EXPECT_EQ(schedule.due(15'625), base::time_from(1'000'000'000));
}

// A server that answers in 100 µs, but for one second in which it does nothing.
base::Time answered(base::Time sent) {
  const base::Time stall = base::time_from(4000 * kMs), end = base::time_from(5000 * kMs);
  const base::Time at = sent >= stall && sent < end ? end : sent;
  return at + base::Duration(kMs / 10);
}

// One connection at a time: each request leaves when the one before is answered, and it is due.
struct Spreads {
  Histogram since_due, since_sent;
};
Spreads drive(uint64_t per_second, uint64_t requests) {
  const Schedule schedule(base::time_from(0), per_second, 1);
  Spreads spreads;
  base::Time free = base::time_from(0);
  for (uint64_t i = 0; i < requests; ++i) {
    const base::Time sent = std::max(schedule.due(i), free);
    free = answered(sent);
    spreads.since_due.add((free - schedule.due(i)).count());
    spreads.since_sent.add((free - sent).count());
  }
  return spreads;
}

TEST(Schedule, AStallOfASecondShowsInTheTailThoughOnlyOneRequestWasSentIntoIt) {
  const Spreads spreads = drive(1000, 10'000);
  EXPECT_LT(spreads.since_sent.at(0.99), kMs);  // What coordinated omission would tell.
  EXPECT_GT(spreads.since_due.at(0.99), 900 * kMs);
  EXPECT_GT(spreads.since_due.at(0.95), 450 * kMs);
  EXPECT_LT(spreads.since_due.at(0.5), kMs);
}

}  // namespace
}  // namespace load
