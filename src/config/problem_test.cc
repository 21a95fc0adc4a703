#include "config/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace config {
namespace {

TEST(Problem, TextHasWhatIsKnownOfThePlace) {
  EXPECT_EQ(to_string(Problem{"a.yaml", 3, 5, "bad"}), "a.yaml:3:5: bad");
  EXPECT_EQ(to_string(Problem{"environment", 0, 0, "bad"}), "environment: bad");
  EXPECT_EQ(to_string(Problem{"", 0, 0, "bad"}), "bad");
}

TEST(Problems, StandInFileOrderThenByPlace) {
  Problems problems;
  problems.add({"b", 2, 1}, "third");
  problems.add({"a", 1, 1}, "fourth");
  problems.add({"b", 1, 9}, "second");
  problems.add({"b", 1, 2}, "first");
  std::string order;
  for (const Problem& problem : problems.sorted()) order += problem.what + ' ';
  EXPECT_EQ(order, "first second third fourth ");
}

TEST(Problems, AreBoundedAndSayHowManyWereLeftOut) {
  Problems problems;
  for (size_t i = 0; i < Problems::kMax + 7; ++i) problems.add({"a", 1, 1}, "bad");
  const std::vector<Problem> all = problems.sorted();
  ASSERT_EQ(all.size(), Problems::kMax + 1);
  EXPECT_EQ(to_string(all.back()), "7 more problems");
}

TEST(Problems, AreOneLineOfBoundedLengthEach) {
  Problems problems;
  problems.add({"a", 1, 1}, "key '\n" + std::string(10'000, 'k') + "'");
  const std::string what = problems.sorted().at(0).what;
  EXPECT_EQ(what.find('\n'), std::string::npos);
  EXPECT_EQ(what.size(), Problems::kWhatMax + std::string("…").size());
}

TEST(Suggestion, IsTheNearestWordWithinTwoEdits) {
  constexpr std::array<std::string_view, 4> kWords{"listen", "limits", "log", "rate_limit"};
  EXPECT_EQ(nearest("litsen", kWords), "listen");
  EXPECT_EQ(nearest("lsiten", kWords), "listen");
  EXPECT_EQ(nearest("ratelimit", kWords), "rate_limit");
  EXPECT_EQ(nearest("limit", kWords), "limits");
  EXPECT_EQ(nearest("xyz", kWords), "");
  EXPECT_EQ(nearest("l", kWords), "");
  EXPECT_EQ(nearest(std::string(100'000, 'l'), kWords), "");
  EXPECT_EQ(suggestion("litsen", kWords), " (listen?)");
  EXPECT_EQ(suggestion("queue", kWords), "");
}

TEST(Shown, IsOneShortLineOfWholeCharacters) {
  EXPECT_EQ(shown("a\nb\x01"), "a b ");
  EXPECT_EQ(shown(std::string(63, 'a') + "äbc"), std::string(63, 'a') + "…");
}

}  // namespace
}  // namespace config
