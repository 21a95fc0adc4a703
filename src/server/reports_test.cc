// How many lines somebody outside may cause.
#include "server/reports.h"

#include <gtest/gtest.h>

namespace server {
namespace {

TEST(Reports, SoManyAMinuteAndThenNone) {
  Reports reports;
  const base::Time now = base::time_from(1'800'000'000'000'000'000);
  for (uint32_t i = 0; i < Reports::kLinesMax; ++i) EXPECT_TRUE(reports.one_more(now));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(reports.one_more(now + std::chrono::seconds(59)));
  EXPECT_TRUE(reports.one_more(now + std::chrono::seconds(60)));
}

}  // namespace
}  // namespace server
