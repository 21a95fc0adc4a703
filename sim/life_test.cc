#include <gtest/gtest.h>

#include "sim/sim.h"

namespace sim {
namespace {

TEST(Life, TheSameSeedGivesTheSameDigest) {
  for (const uint64_t seed : {120u, 121u, 122u}) {
    const Outcome once = live({.seed = seed, .steps = 400});
    const Outcome again = live({.seed = seed, .steps = 400});
    EXPECT_EQ(once.digest, again.digest) << seed;
    EXPECT_EQ(once.counts.requests, again.counts.requests) << seed;
    EXPECT_NE(once.digest, live({.seed = seed + 1000, .steps = 400}).digest) << seed;
  }
}

TEST(Life, AFewSeedsKeepEveryPromise) {
  Outcome::Counts sum;
  for (uint64_t seed = 1; seed < 31; ++seed) {
    const Outcome outcome = live({.seed = seed, .steps = 400});
    ASSERT_FALSE(outcome.broken) << "seed " << seed << ": " << *outcome.broken;
    sum.deliveries += outcome.counts.deliveries;
    sum.power_cuts += outcome.counts.power_cuts;
    sum.corruptions_refused += outcome.counts.corruptions_refused;
    sum.replays_compared += outcome.counts.replays_compared;
    sum.idle_turns_judged += outcome.counts.idle_turns_judged;
    sum.pushes += outcome.counts.pushes;
  }
  // Of nothing, nothing is proved.
  EXPECT_GT(sum.deliveries, 1000u);
  EXPECT_GT(sum.power_cuts, 5u);
  EXPECT_GT(sum.corruptions_refused, 5u);
  EXPECT_GT(sum.replays_compared, 50u);
  EXPECT_GT(sum.idle_turns_judged, 100u);
  EXPECT_GT(sum.pushes, 100u);
}

}  // namespace
}  // namespace sim
