#include "load/keys.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace load {
namespace {

TEST(Keys, OneIsAlwaysTheSameAndTurnsGoRound) {
  base::Random random(1);
  const Keys one({KeysLike::kOne, 10, 0}), turn({KeysLike::kTurn, 10, 0});
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(one.draw(random, i), 0u);
    EXPECT_EQ(turn.draw(random, i), i % 10);
  }
}

TEST(Keys, UniformKeysAreAllDrawnAboutAsOften) {
  base::Random random(2);
  const Keys keys({KeysLike::kUniform, 100, 0});
  std::vector<int> drawn(100);
  for (int i = 0; i < 100'000; ++i) ++drawn.at(keys.draw(random, 0));
  for (const int times : drawn) EXPECT_NEAR(times, 1000, 200);  // Six deviations.
}

// Each rank is drawn with the probability r^-s / (1^-s + … + n^-s), to six deviations.
void expect_zipf(uint64_t count, double exponent) {
  constexpr int kDraws = 400'000;
  base::Random random(3);
  const Keys keys({KeysLike::kZipf, count, exponent});
  std::vector<int> drawn(count);
  for (int i = 0; i < kDraws; ++i) ++drawn.at(keys.draw(random, 0));
  double sum = 0;
  for (uint64_t r = 1; r <= count; ++r) sum += std::pow(static_cast<double>(r), -exponent);
  for (uint64_t r = 1; r <= count; ++r) {
    const double share = std::pow(static_cast<double>(r), -exponent) / sum;
    const double deviation = std::sqrt(kDraws * share * (1 - share));
    ASSERT_NEAR(drawn[r - 1], kDraws * share, 6 * deviation + 1)
        << count << ' ' << exponent << ' ' << r;
  }
}

TEST(Keys, ZipfDrawsEachRankAsOftenAsItsLawSays) {
  for (const double exponent : {0.5, 0.99, 1.0, 1.0001, 1.5, 3.0}) expect_zipf(100, exponent);
  expect_zipf(1, 0.99);
  expect_zipf(2, 0.99);
  expect_zipf(10'000, 0.99);
}

TEST(Keys, ZipfOverAHundredMillionKeysReachesFarAndStaysInside) {
  constexpr uint64_t kCount = 100'000'000;
  base::Random random(4);
  const Keys keys({KeysLike::kZipf, kCount, 0.99});
  std::set<uint64_t> seen;
  uint64_t most = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t key = keys.draw(random, 0);
    ASSERT_LT(key, kCount);
    seen.insert(key);
    most = std::max(most, key);
  }
  EXPECT_GT(most, kCount / 2);
  EXPECT_GT(seen.size(), 30'000u);  // By its law about two thirds are new ones.
}

}  // namespace
}  // namespace load
