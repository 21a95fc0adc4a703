#include "gateway/choice.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/hash.h"

namespace gateway {
namespace {

std::vector<Candidate> of_hosts(size_t count) {
  std::vector<Candidate> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back({.hash = base::hash128("10.0.0." + std::to_string(i) + ":8001", 0).low});
  }
  return out;
}

TEST(Choice, RandomTakesAllEquallyOften) {
  const std::vector<Candidate> candidates = of_hosts(5);
  base::Random random(1);
  std::array<int, 5> taken{};
  for (int i = 0; i < 10'000; ++i) ++taken.at(choose(Choose::kRandom, candidates, "", random));
  for (const int count : taken) EXPECT_NEAR(count, 2000, 200);
}

TEST(Choice, OfTwoTheOneWithLessInFlightIsTakenThenTheQuickerOne) {
  base::Random random(1);
  const Candidate busy{.in_flight = 9}, idle{.in_flight = 2};
  const std::array<Candidate, 2> loaded = {busy, idle};
  const std::array<Candidate, 2> slow = {Candidate{.latency = std::chrono::milliseconds(9)},
                                         Candidate{.latency = std::chrono::milliseconds(1)}};
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(choose(Choose::kLeastLoaded, loaded, "", random), 1u);
    EXPECT_EQ(choose(Choose::kLeastLoaded, slow, "", random), 1u);
  }
}

TEST(Choice, TheMostLoadedOfManyIsNeverTaken) {
  base::Random random(1);
  std::vector<Candidate> candidates = of_hosts(10);
  candidates[7].in_flight = 100;
  std::array<int, 10> taken{};
  for (int i = 0; i < 10'000; ++i) ++taken.at(choose(Choose::kLeastLoaded, candidates, "", random));
  EXPECT_EQ(taken[7], 0);
  for (size_t i = 0; i < taken.size(); ++i) EXPECT_TRUE(i == 7 || taken.at(i) > 500);
}

TEST(Choice, RendezvousIsTheSameWhateverTheOrder) {
  base::Random random(1);
  const std::vector<Candidate> forth = of_hosts(7);
  const std::vector<Candidate> back(forth.rbegin(), forth.rend());
  for (int i = 0; i < 500; ++i) {
    const std::string key = "tenant=" + std::to_string(i);
    EXPECT_EQ(forth[choose(Choose::kRendezvous, forth, key, random)].hash,
              back[choose(Choose::kRendezvous, back, key, random)].hash);
  }
}

TEST(Choice, WhenAnInstanceGoesOnlyItsOwnKeysMoveAndTheySpread) {
  base::Random random(1);
  const std::vector<Candidate> before = of_hosts(5);
  std::vector<Candidate> after = before;
  after.erase(after.begin() + 2);
  std::array<int, 5> owned{};
  std::array<int, 4> inherited{};
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = "tenant=" + std::to_string(i);
    const size_t old = choose(Choose::kRendezvous, before, key, random);
    const size_t now = choose(Choose::kRendezvous, after, key, random);
    ++owned.at(old);
    if (old != 2) {
      EXPECT_EQ(before[old].hash, after[now].hash);
    } else {
      ++inherited.at(now);
    }
  }
  for (const int count : owned) EXPECT_NEAR(count, 2000, 200);
  for (const int count : inherited) EXPECT_NEAR(count, 500, 120);
}

}  // namespace
}  // namespace gateway
