#include "server/gather.h"

#include <gtest/gtest.h>

namespace server {
namespace {

using std::chrono::microseconds;

constexpr microseconds kSync(1000);

base::Time at(int64_t us) { return base::time_from(1'000'000'000 + us * 1000); }

void arrive(Gather& gather, int count) {
  for (int i = 0; i < count; ++i) gather.arrived();
}

// A batch of so many that leaves at `us` and is back a sync later; returns when.
int64_t sync(Gather& gather, int64_t us) {
  gather.handed(at(us));
  gather.back(at(us + kSync.count()));
  return us + kSync.count();
}

// Syncs until it knows how long they take. What it expects by then: `count`.
int64_t learn(Gather& gather, int count) {
  int64_t us = 0;
  for (int i = 0; i < 20; ++i) {
    arrive(gather, count);
    us = sync(gather, us);
  }
  return us;
}

TEST(Gather, TheFirstRequestLeavesAtOnce) {
  Gather gather;
  gather.arrived();
  EXPECT_LE(gather.leave_at(), at(0));
}

TEST(Gather, ThoseWhoWereAnsweredAreWaitedFor) {
  Gather gather;
  const int64_t back = learn(gather, 50);
  arrive(gather, 10);
  EXPECT_GT(gather.leave_at(), at(back));
  EXPECT_LE(gather.leave_at(), at(back + kSync.count() / 2));
  arrive(gather, 34);
  EXPECT_LE(gather.leave_at(), at(back)) << "nearly all are there";
}

TEST(Gather, TwoGroupsBecomeOne) {
  Gather gather;
  int64_t us = learn(gather, 25);
  arrive(gather, 25);
  gather.handed(at(us));
  arrive(gather, 25);  // The other group, while the first one's batch is out.
  gather.back(at(us + kSync.count()));
  us += kSync.count();
  EXPECT_GT(gather.leave_at(), at(us)) << "the first group comes back";
  arrive(gather, 25);
  EXPECT_LE(gather.leave_at(), at(us));
}

TEST(Gather, ALoneClientIsNeverHeldUp) {
  Gather gather;
  int64_t us = 0;
  for (int i = 0; i < 100; ++i) {
    gather.arrived();
    ASSERT_LE(gather.leave_at(), at(us));
    us = sync(gather, us);
  }
}

TEST(Gather, WaitsInVainBecomeRare) {
  Gather gather;
  int64_t us = learn(gather, 25);
  int held_up = 0;
  for (int i = 0; i < 1000; ++i) {
    gather.handed(at(us));
    arrive(gather, 20);  // Others than those who are answered now.
    us += kSync.count();
    gather.back(at(us));
    if (gather.leave_at() <= at(us)) continue;
    ++held_up;
    us += kSync.count() / 2;
    arrive(gather, 10);
    ASSERT_LE(gather.leave_at(), at(us)) << "not longer than half a sync";
  }
  EXPECT_GE(held_up, 1);
  EXPECT_LE(held_up, 12);
}

TEST(Gather, AFastDiskIsNotWaitedFor) {
  Gather gather;
  for (int64_t us = 0; us < 1000; us += 40) {
    arrive(gather, 50);
    gather.handed(at(us));
    gather.back(at(us + 20));
    gather.arrived();
    ASSERT_LE(gather.leave_at(), at(us + 20));
  }
}

}  // namespace
}  // namespace server
