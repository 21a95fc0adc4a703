#include "queue/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/random.h"
#include "queue/test_bed.h"

namespace queue {
namespace {

using testing::ElementsAre;

TEST(Turns, KeysTakeTurnsWhateverTheirBacklog) {
  Bed bed;
  std::vector<Number> a, b;
  for (int i = 0; i < 3; ++i) a.push_back(bed.enqueue({.key = "a"}));
  for (int i = 0; i < 3; ++i) b.push_back(bed.enqueue({.key = "b"}));
  EXPECT_THAT(bed.drain(), ElementsAre(a[0], b[0], a[1], b[1], a[2], b[2]));
}

TEST(Turns, WeightsAreByKeyAndAStarIsForTheOthers) {
  Settings settings;
  settings.weights = {{"a", 6}, {"*", 2}};
  Bed bed(settings);
  for (const char* key : {"a", "b", "c"})
    for (int i = 0; i < 1000; ++i) bed.enqueue({.key = key});
  std::map<std::string, int> served;
  for (int i = 0; i < 500; ++i) {
    const Number number = bed.lease();
    ++served[std::string(bed.store.flow(bed.store.find(number)->flow).key)];
  }
  EXPECT_NEAR(served["a"], 300, 2);
  EXPECT_NEAR(served["b"], 100, 2);
  settings.weights = {{"b", 3}};
  bed.store.set_queue(1, "q", settings);
  served.clear();
  for (int i = 0; i < 500; ++i) {
    const Number number = bed.lease();
    ++served[std::string(bed.store.flow(bed.store.find(number)->flow).key)];
  }
  EXPECT_NEAR(served["a"], 100, 2) << "other weights hold from the next delivery";
  EXPECT_NEAR(served["b"], 300, 2);
}

// Over every interval: the difference of normalised service walks within the stated bound, while
// other keys come and go, are parked, or are served out of turn.
TEST(Turns, TwoKeysThatAlwaysHaveWorkStayWithinTheStatedBound) {
  constexpr int64_t kCostMax = 40;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    base::Random random(seed);
    Settings settings;
    const std::array<std::string, 3> steady = {"s0", "s1", "s2"};
    std::array<double, 3> weight{}, served{};
    for (size_t i = 0; i < 3; ++i) {
      const auto w = static_cast<uint32_t>(1 + random.below(9));
      settings.weights.emplace_back(steady[i], w);
      weight[i] = w;
    }
    Bed bed(settings);
    const auto cost = [&] { return static_cast<int64_t>(1 + random.below(kCostMax)); };
    for (int i = 0; i < 2; ++i)
      for (const std::string& key : steady) bed.enqueue({.key = key, .cost = cost()});
    std::array<std::array<double, 2>, 3> range{};  // Of each pair's difference: least, most.
    for (int step = 0; step < 2000; ++step) {
      if (random.below(3) == 0)
        bed.enqueue({.key = "guest" + std::to_string(random.below(30)), .cost = cost()});
      const Number number = bed.lease();
      const auto view = bed.store.find(number);
      const std::string key(bed.store.flow(view->flow).key);
      const auto who = std::find(steady.begin(), steady.end(), key) - steady.begin();
      bed.enqueue({.key = key, .cost = cost()});  // A steady key never runs out.
      bed.store.remove(number);
      if (who == 3) {  // A guest leaves again, or stands aside.
        const Number left = bed.next_number - 1;
        if (random.below(2) == 0) bed.store.remove(left);
        continue;
      }
      served[static_cast<size_t>(who)] += static_cast<double>(view->cost);
      for (size_t pair = 0; pair < 3; ++pair) {
        const size_t i = pair, j = (pair + 1) % 3;
        const double apart = served[i] / weight[i] - served[j] / weight[j];
        range[pair] = {std::min(range[pair][0], apart), std::max(range[pair][1], apart)};
        ASSERT_LE(range[pair][1] - range[pair][0],
                  kCostMax / weight[i] + kCostMax / weight[j] + 0.01)
            << "seed " << seed << " step " << step;
      }
    }
    for (const double units : served) ASSERT_GT(units, 0);
  }
}

TEST(Turns, AKeyThatComesBackEarnsNoCredit) {
  for (const bool parked : {false, true}) {
    Bed bed;
    std::vector<Number> a;
    if (parked) {
      for (int i = 0; i < 5; ++i) a.push_back(bed.enqueue({.key = "a"}));
      bed.store.park(bed.store.find(a[0])->flow);
    }
    for (int i = 0; i < 100; ++i) bed.enqueue({.key = "b"});
    for (int i = 0; i < 50; ++i) bed.store.remove(bed.lease());
    if (parked)
      bed.store.unpark(bed.store.find(a[0])->flow);
    else
      for (int i = 0; i < 5; ++i) a.push_back(bed.enqueue({.key = "a"}));
    int of_a = 0;
    for (int i = 0; i < 4; ++i) of_a += std::count(a.begin(), a.end(), bed.lease()) > 0;
    EXPECT_GE(of_a, 2);
    EXPECT_LE(of_a, 3) << "next, once";
  }
}

TEST(Turns, AKeyThatRunsEmptyBetweenItsMessagesDoesNotStarveTheOthers) {
  Bed bed;
  for (int i = 0; i < 100; ++i) bed.enqueue({.key = "steady"});
  int steady = 0;
  for (int i = 0; i < 100; ++i) {
    const Number quick = bed.enqueue({.key = "quick"});
    const Number number = bed.lease();
    steady += number != quick;
    bed.store.remove(number);
    if (number != quick) bed.store.remove(quick);
  }
  EXPECT_GE(steady, 45);
}

TEST(Turns, AFloodOfNewKeysStarvesNoKeyAndIsForgotten) {
  Bed bed;
  for (int i = 0; i < 11'000; ++i) bed.enqueue({.key = "steady"});
  const size_t memory = bed.store.memory_bytes();
  const Number last_steady = bed.next_number - 1;
  int since = 0, longest = 0;
  for (int i = 0; i < 20'000; ++i) {  // A new key each time, that does not stay for long.
    const std::string key = "new" + std::to_string(i);
    const Number fresh = bed.enqueue({.key = key});
    const Number number = bed.lease();
    since = number <= last_steady ? 0 : since + 1;
    longest = std::max(longest, since);
    bed.store.remove(number);
    if (number != fresh) bed.store.remove(fresh);
    ASSERT_NE(number, last_steady) << "the steady key is always there";
  }
  EXPECT_GE(longest, 2) << "a flood it was";
  EXPECT_LE(longest, static_cast<int>(Turns::kIdleMin) + 8);
  EXPECT_LE(bed.store.memory_bytes(), memory + (size_t{1} << 18));
}

TEST(Turns, CostsBeyondAllBoundsSaturate) {
  Bed bed;
  for (int i = 0; i < 3; ++i) {
    bed.enqueue({.key = "a", .cost = INT64_MAX});
    bed.enqueue({.key = "b", .cost = INT64_MAX});
  }
  EXPECT_EQ(bed.drain().size(), 6u);
  const Number a = bed.enqueue({.key = "a"}), b = bed.enqueue({.key = "b"});
  EXPECT_THAT(bed.drain(), ElementsAre(a, b));
}

}  // namespace
}  // namespace queue
