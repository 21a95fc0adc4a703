#include "limiter/law.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "limiter/test_table.h"

namespace limiter {
namespace {

using std::chrono::seconds;

Law day_in(std::string zone, base::Duration offset) {
  auto z = std::make_shared<limit::Zone>();
  z->name = std::move(zone);
  z->first_offset = offset;
  return limit::FixedWindow::make_calendar(10, limit::CalendarUnit::kDay, std::move(z)).value();
}

TEST(Laws, EqualLawsShareANumber) {
  Laws laws;
  const LawNumber first = laws.number(per_second(5, 10)).value();
  EXPECT_NE(first, kAdHoc);
  EXPECT_EQ(laws.number(per_second(5, 10)).value(), first);
  EXPECT_EQ(laws.number(day_in("X", seconds(60))).value(),
            laws.number(day_in("X", seconds(60))).value());
}

TEST(Laws, DifferentLawsHaveDifferentNumbers) {
  Laws laws;
  const std::vector<Law> all = {per_second(5, 10),
                                per_second(5, 11),
                                per_second(6, 10),
                                window_of(10),
                                window_of(10, seconds(61)),
                                counter_of(10),
                                log_of(10),
                                holds_of(10),
                                holds_of(10, seconds(61)),
                                day_in("X", seconds(60)),
                                day_in("X", seconds(61)),
                                day_in("Y", seconds(60))};
  std::vector<LawNumber> numbers;
  for (const Law& law : all) numbers.push_back(laws.number(law).value());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(laws.at(numbers[i]) == all[i]);
    for (size_t j = 0; j < i; ++j) EXPECT_NE(numbers[i], numbers[j]) << i << " " << j;
  }
}

TEST(Laws, HaveABound) {
  Laws laws(3'000);
  for (LawNumber i = 1; i < 3'000; ++i) ASSERT_EQ(laws.number(window_of(i)).value(), i);
  const auto one_more = laws.number(window_of(3'000));
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().code, base::Code::kFull);
  for (LawNumber i = 1; i < 3'000; ++i) ASSERT_TRUE(laws.at(i) == window_of(i));
  EXPECT_EQ(laws.number(window_of(7)).value(), 7u);
}

TEST(Laws, AreReadWhileOthersAreAdded) {
  Laws laws;
  const LawNumber first = laws.number(per_second(1, 1)).value();
  std::thread adds([&] {
    for (int64_t i = 2; i < 5'000; ++i) ASSERT_TRUE(laws.number(per_second(i, i)));
  });
  for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(laws.at(first) == per_second(1, 1));
  adds.join();
  EXPECT_EQ(laws.number(per_second(1, 1)).value(), first);
}

}  // namespace
}  // namespace limiter
