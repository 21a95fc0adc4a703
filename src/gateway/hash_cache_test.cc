#include "gateway/hash_cache.h"

#include <gtest/gtest.h>

#include <list>
#include <string>

#include "base/random.h"

namespace gateway {
namespace {

constexpr base::Time kStart = base::time_from(1'700'000'000'000'000'000);

base::Time at(int seconds) { return kStart + std::chrono::seconds(seconds); }
Digest of(int number) { return sha256(std::to_string(number)); }

TEST(HashCache, BelievesAHashUntilItsTimeIsOver) {
  HashCache cache(10, 1);
  cache.put(of(1), of(100), at(5));
  EXPECT_EQ(cache.find(of(1), at(4)), of(100));
  EXPECT_FALSE(cache.find(of(2), at(4)));
  EXPECT_FALSE(cache.find(of(1), at(5)));
  EXPECT_EQ(cache.size(), 0u);
  cache.put(of(1), of(101), at(7));
  cache.put(of(1), of(102), at(9));
  EXPECT_EQ(cache.find(of(1), at(8)), of(102));
  EXPECT_EQ(cache.size(), 1u);
}

TEST(HashCache, WithoutEntriesItKeepsNothing) {
  HashCache cache(0, 1);
  cache.put(of(1), of(100), at(5));
  EXPECT_FALSE(cache.find(of(1), at(0)));
}

// Held against a list in the order of use.
TEST(HashCache, TheLeastRecentlyUsedGoesFirst) {
  constexpr size_t kMost = 8;
  base::Random random(7);
  HashCache cache(kMost, 1);
  struct Known {
    int key, hash, until;
  };
  std::list<Known> model;
  for (int step = 0; step < 20'000; ++step) {
    const int key = static_cast<int>(random.below(14)), now = step / 10;
    const auto known = std::find_if(model.begin(), model.end(),
                                    [&](const Known& each) { return each.key == key; });
    if (random.below(3) == 0) {
      const int until = now + 1 + static_cast<int>(random.below(20));
      if (known != model.end())
        model.erase(known);
      else if (model.size() == kMost)
        model.pop_back();
      model.push_front({key, step, until});
      cache.put(of(key), of(step), at(until));
    } else if (known == model.end() || known->until <= now) {
      if (known != model.end()) model.erase(known);
      ASSERT_FALSE(cache.find(of(key), at(now))) << step;
    } else {
      ASSERT_EQ(cache.find(of(key), at(now)), of(known->hash)) << step;
      model.splice(model.begin(), model, known);
    }
    ASSERT_EQ(cache.size(), model.size()) << step;
  }
}

}  // namespace
}  // namespace gateway
