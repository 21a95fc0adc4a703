#include "fetch/spill.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>

#include "base/random.h"

namespace fetch {
namespace {

std::string text_of(base::Random& random) { return std::string(random.below(300), 'x'); }

TEST(Spill, GivesEveryHostItsLinesBackInOrder) {
  base::Random random(3);
  Spill spill({});
  constexpr size_t kHosts = 50;
  std::vector<Spill::Lines> lines(kHosts);
  std::vector<std::deque<Spill::Line>> expected(kHosts);
  for (uint64_t i = 0; i < 50'000; ++i) {
    const size_t host = random.below(kHosts);
    if (random.below(5) < 3) {
      const std::string text = text_of(random);
      ASSERT_TRUE(spill.has_room(lines[host]));
      ASSERT_TRUE(spill.add(lines[host], i, text).has_value());
      expected[host].push_back({i, text});
    } else if (!expected[host].empty()) {
      const auto line = spill.take(lines[host]);
      ASSERT_TRUE(line.has_value());
      ASSERT_EQ(line->index, expected[host].front().index);
      ASSERT_EQ(line->text, expected[host].front().text);
      expected[host].pop_front();
    }
    ASSERT_EQ(lines[host].count(), expected[host].size());
  }
  for (size_t host = 0; host < kHosts; ++host) {
    for (; !expected[host].empty(); expected[host].pop_front())
      ASSERT_EQ(spill.take(lines[host])->text, expected[host].front().text);
    EXPECT_TRUE(lines[host].empty());
  }
  EXPECT_EQ(spill.hosts(), 0u);
}

TEST(Spill, UsesItsBlocksAgain) {
  Spill spill({});
  Spill::Lines lines;
  const std::string text(1000, 'x');
  uint64_t most = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(spill.add(lines, 1, text).has_value());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(spill.take(lines).has_value());
    if (round == 0) most = spill.file_bytes();
  }
  EXPECT_EQ(spill.file_bytes(), most);
}

TEST(Spill, KeepsItsBounds) {
  Spill spill({.file_bytes_max = 10 * Spill::kBlockBytes, .hosts_max = 2});
  Spill::Lines first, second, third;
  const std::string text(1000, 'x');
  size_t added = 0;
  while (spill.has_room(first)) {
    ASSERT_TRUE(spill.add(first, added++, text).has_value());
    ASSERT_LT(added, 1000u);
  }
  EXPECT_LE(spill.file_bytes(), 10 * Spill::kBlockBytes);
  EXPECT_GE(added, 40u);
  ASSERT_TRUE(spill.add(second, 0, "y").has_value());
  EXPECT_FALSE(spill.has_room(third));
  for (size_t i = 0; i < added; ++i) ASSERT_EQ(spill.take(first)->index, i);
  EXPECT_TRUE(spill.has_room(third));
}

TEST(Spill, ADiskThatFailsLosesNothingAndTakesNoMore) {
  Spill spill({}, "/nowhere/at/all");
  Spill::Lines lines;
  const std::string text(3000, 'x');
  EXPECT_TRUE(spill.add(lines, 1, text).has_value());
  EXPECT_FALSE(spill.add(lines, 2, text).has_value());
  EXPECT_FALSE(spill.has_room(lines));
  EXPECT_EQ(spill.take(lines)->index, 1u);
  EXPECT_EQ(spill.take(lines)->index, 2u);
}

TEST(Spill, LeavesNoFileBehind) {
  const auto dir = std::filesystem::temp_directory_path() / "ratelimmq-spill-test";
  std::filesystem::create_directories(dir);
  {
    Spill spill({}, dir.string());
    Spill::Lines lines;
    ASSERT_TRUE(spill.add(lines, 1, std::string(10'000, 'x')).has_value());
    EXPECT_GT(spill.file_bytes(), 0u);
    EXPECT_TRUE(std::filesystem::is_empty(dir));
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace fetch
