#include "gateway/hash_shop.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "gateway/site_bed.h"
#include "io/clock.h"

namespace gateway {
namespace {

using site_bed::run;

struct ShopBed {
  explicit ShopBed(ComputeHash with = {.rounds = 1000, .threads = 1}) : options(with) {}

  HashShop::Asked ask(std::string_view data, const void* who) {
    return shop.ask(sha256(data), clock.now(), {&loop, who}, [this](const auto& made) {
      told.push_back(made ? std::optional(*made) : std::nullopt);
    });
  }

  ComputeHash options;
  io::SystemClock clock;
  io::Loop loop;
  HashShop shop{options, 1, clock};
  std::vector<std::optional<HashShop::Made>> told;
};

TEST(HashShop, OneComputationServesAllWhoAskMeanwhile) {
  ShopBed bed;
  int who = 0;
  EXPECT_EQ(bed.ask("x", &who).found, HashShop::Found::kFirst);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(bed.ask("x", &who).found, HashShop::Found::kJoined);
  bed.shop.compute(sha256("x"));
  ASSERT_TRUE(run(bed.loop, [&] { return bed.told.size() == 10; }));
  int firsts = 0;
  for (const auto& made : bed.told) {
    ASSERT_TRUE(made);
    EXPECT_EQ(made->hash, bed.told[0]->hash);
    EXPECT_FALSE(made->cached);
    firsts += made->first;
  }
  EXPECT_EQ(firsts, 1);
  const HashShop::Asked again = bed.ask("x", &who);
  EXPECT_EQ(again.found, HashShop::Found::kHit);
  EXPECT_EQ(again.hash, bed.told[0]->hash);
}

TEST(HashShop, WhatTheStoreHadIsToldAsCached) {
  ShopBed bed;
  int who = 0;
  bed.ask("x", &who);
  bed.ask("x", &who);
  bed.shop.found(sha256("x"), sha256("y"), bed.clock.now() + std::chrono::minutes(1));
  ASSERT_TRUE(run(bed.loop, [&] { return bed.told.size() == 2; }));
  EXPECT_TRUE(bed.told[1]->cached);
  EXPECT_EQ(bed.told[1]->hash, sha256("y"));
  EXPECT_EQ(bed.ask("x", &who).found, HashShop::Found::kHit);
}

TEST(HashShop, WhenTooManyWaitAllWhoAskedForThatKeyAreTold) {
  ShopBed bed({.rounds = 100'000'000, .threads = 1, .waiting_max = 1});
  int who = 0;
  for (int i = 0; i < 8; ++i) {
    bed.ask(std::to_string(i), &who);
    bed.ask(std::to_string(i), &who);
    bed.shop.compute(sha256(std::to_string(i)));
  }
  ASSERT_TRUE(run(bed.loop, [&] { return bed.told.size() >= 10; }));
  for (const auto& made : bed.told) EXPECT_FALSE(made);
  EXPECT_LE(bed.shop.waiting(), 2u);
  EXPECT_EQ(bed.ask("7", &who).found, HashShop::Found::kFirst) << "the next one may try again";
}

TEST(HashShop, WhoeverLeavesIsToldNothingAndWhatItWasToLookUpIsComputedForTheOthers) {
  ShopBed bed;
  int here = 0;
  {
    io::Loop gone;
    EXPECT_EQ(
        bed.shop.ask(sha256("x"), bed.clock.now(), {&gone, &gone}, [](const auto&) { FAIL(); })
            .found,
        HashShop::Found::kFirst);
    EXPECT_EQ(bed.ask("x", &here).found, HashShop::Found::kJoined);
    bed.shop.leave(&gone);
  }
  ASSERT_TRUE(run(bed.loop, [&] { return bed.told.size() == 1; }));
  EXPECT_TRUE(bed.told[0]);
}

}  // namespace
}  // namespace gateway
