#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gateway/hash_shop.h"
#include "gateway/registry.h"
#include "gateway/site_bed.h"
#include "io/clock.h"

namespace gateway {
namespace {

TEST(HashShopThreads, AskForTheSameKeysAndEachKeyIsComputedOnce) {
  constexpr int kThreads = 4, kKeys = 50;
  const ComputeHash options{.rounds = 200, .threads = 2};
  const io::SystemClock clock;
  HashShop shop(options, 1, clock);
  std::atomic<int> firsts{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      io::Loop loop;
      int told = 0;
      for (int i = 0; i < kKeys; ++i) {
        const Digest key = sha256(std::to_string(i));
        const auto asked = shop.ask(key, clock.now(), {&loop, &loop},
                                    [&](const auto& made) { told += made ? 1 : 0; });
        if (asked.found == HashShop::Found::kHit) ++told;
        if (asked.found != HashShop::Found::kFirst) continue;
        ++firsts;
        shop.compute(key);
      }
      EXPECT_TRUE(site_bed::run(loop, [&] { return told == kKeys; }));
      shop.leave(&loop);
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(firsts, kKeys);
  EXPECT_EQ(shop.cached(), static_cast<size_t>(kKeys));
}

TEST(RegistryThreads, WhatIsChosenIsSettledAndNothingStaysInFlight) {
  Options options;
  options.choose = Choose::kLeastLoaded;
  Registry registry(options);
  constexpr base::Time kStart = base::time_from(1'700'000'000'000'000'000);
  for (int i = 0; i < 4; ++i) registry.add("h" + std::to_string(i), 1, {}, kStart).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5'000; ++i) {
        const base::Time now = kStart + std::chrono::microseconds(i);
        const auto chosen = registry.choose("", now);
        if (chosen && i % 3 == 0) registry.failed(chosen->id, now, now);
        if (chosen && i % 3 != 0) registry.answered(chosen->id, std::chrono::microseconds(9), now);
        if (t == 0 && i % 100 == 0) registry.instances(now);
        if (t == 1 && i % 100 == 0) registry.add("h1", 1, {}, now).value();
      }
    });
  }
  for (std::thread& each : threads) each.join();
  for (const Instance& each : registry.instances(kStart)) EXPECT_EQ(each.in_flight, 0u);
}

}  // namespace
}  // namespace gateway
