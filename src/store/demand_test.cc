#include "store/demand.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace store {
namespace {

using std::chrono::milliseconds;

base::Hash128 key(base::Random& random) { return {random.next(), random.next()}; }

TEST(Demand, IsCountedInSpans) {
  Demand demand;
  base::Random random(1);
  const base::Hash128 a = key(random);
  const base::Time start = base::time_from(1'000'000'000);
  EXPECT_EQ(demand.count(a, 3, start, milliseconds(10)), 3);
  EXPECT_EQ(demand.count(a, 4, start + milliseconds(9), milliseconds(10)), 7);
  EXPECT_EQ(demand.count(a, 1, start + milliseconds(10), milliseconds(10)), 1);
}

TEST(Demand, AHotKeyIsSeenAmongAMillionColdOnes) {
  Demand demand;
  base::Random random(2);
  const base::Hash128 hot = key(random);
  const base::Time start = base::time_from(1'000'000'000);
  int64_t most = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const base::Time now = start + base::Duration(i * 1000);
    demand.count(key(random), 1, now, milliseconds(100));
    if (i % 100 == 0) most = std::max(most, demand.count(hot, 1, now, milliseconds(100)));
  }
  EXPECT_GT(most, 500);  // Of a thousand in a span.
}

}  // namespace
}  // namespace store
