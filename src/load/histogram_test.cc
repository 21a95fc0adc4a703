#include "load/histogram.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/random.h"

namespace load {
namespace {

TEST(LoadHistogram, EveryValueIsInABucketWhoseTopIsLessThanA256thAboveIt) {
  base::Random random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const uint64_t value = random.next() >> (22 + random.below(42));
    const size_t bucket = Histogram::bucket_of(value);
    ASSERT_GE(Histogram::bucket_top(bucket), value);
    ASSERT_LE(Histogram::bucket_top(bucket) - value, value / 256) << value;
    if (bucket > 0) {
      ASSERT_LT(Histogram::bucket_top(bucket - 1), value);
    }
  }
}

TEST(LoadHistogram, SmallValuesAreExact) {
  Histogram spread;
  for (int64_t i = 1; i <= 500; ++i) spread.add(i);
  EXPECT_EQ(spread.at(0.5), 250);
  EXPECT_EQ(spread.at(0.99), 495);
  EXPECT_EQ(spread.at(1), 500);
  EXPECT_EQ(spread.at(0), 1);
  EXPECT_EQ(spread.least(), 1);
  EXPECT_EQ(spread.most(), 500);
  EXPECT_DOUBLE_EQ(spread.mean(), 250.5);
}

RC_GTEST_PROP(LoadHistogram, QuantilesAreThoseOfTheSortedValuesWithinTheError, ()) {
  auto values = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, 10'000'000'000)));
  Histogram one, other, both;
  for (size_t i = 0; i < values.size(); ++i) (i % 2 == 0 ? one : other).add(values[i]);
  both.merge(one);
  both.merge(other);
  std::sort(values.begin(), values.end());
  for (const double share : {0.0, 0.5, 0.9, 0.99, 0.9999, 1.0}) {
    const auto rank = std::max<double>(std::ceil(share * static_cast<double>(values.size())), 1);
    const int64_t truth = values[static_cast<size_t>(rank) - 1];
    RC_ASSERT(both.at(share) >= truth);
    RC_ASSERT(both.at(share) - truth <= truth / 256);
  }
}

TEST(LoadHistogram, WhatIsBeyondItsEndIsTheGreatestAndWhatIsBelowNothingIsNothing) {
  Histogram spread;
  spread.add(int64_t{1} << 50);
  EXPECT_EQ(spread.at(0.5), int64_t{1} << 50);
  spread.add(-7, 3);
  EXPECT_EQ(spread.at(0.5), 0);
  EXPECT_EQ(Histogram().at(0.99), 0);
}

}  // namespace
}  // namespace load
