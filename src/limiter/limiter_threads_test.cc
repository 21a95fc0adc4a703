// Decisions, reservations, holds and reloads from several threads at once; run under a thread
// sanitizer too (preset tsan).
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "limiter/test_limits.h"

namespace limiter {
namespace {

constexpr base::Duration kHour = std::chrono::hours(1);
constexpr int kThreads = 4;
constexpr int kRounds = 400;

template <typename Work>
void in_threads(Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

std::vector<NodeSpec> tenant_and_user(int64_t tenant, int64_t user) {
  return {node("tenant", "", {window(tenant, kHour)}), node("user", "", {window(user, kHour)})};
}

// With a limit on the tenant below that of all users together, every allowed ask takes one of each.
TEST(LimiterThreads, AllOrNoneHoldsWhateverTheOrderOfDescriptors) {
  constexpr int64_t kTenant = 500, kUser = 200;
  TestLimiter t(tenant_and_user(kTenant, kUser));
  std::atomic<int64_t> allowed{0};
  in_threads([&](int thread) {
    const std::vector<Entry> entries{{"tenant", "acme"}, {"user", thread % 2 ? "u" : "v"}};
    const Descriptor tenant(&entries[0], 1), user(&entries[1], 1);
    const std::vector<Descriptor> forth{tenant, user}, back{user, tenant};
    Batch batch;
    for (int round = 0; round < kRounds; ++round) {
      batch.clear();
      for (int i = 0; i < 4; ++i) batch.add({.domain = "d", .descriptors = i % 2 ? forth : back});
      t.limiter.decide(batch, at({}));
      for (size_t i = 0; i < batch.size(); ++i) allowed += batch.answer(i).allowed;
    }
  });
  EXPECT_EQ(allowed, 2 * kUser);
  const Path acme{{{"tenant", "acme"}}};
  EXPECT_EQ(t.remaining(acme, at({})), kTenant - 2 * kUser);
}

// Limits only ever rise or fall between two values; in the end nothing was charged beyond what was
// admitted, and what was reserved and cancelled is back.
TEST(LimiterThreads, ReloadsAndSettlementsLoseNoCharge) {
  constexpr int64_t kMuch = 1'000'000;
  TestLimiter t(tenant_and_user(kMuch, kMuch));
  const Path both{{{"tenant", "acme"}}, {{"user", "u"}}};
  const Ask ask{.domain = "d", .descriptors = both.get(), .cost = 3};
  std::atomic<int64_t> units{0};
  in_threads([&](int thread) {
    Batch batch;
    for (int round = 0; round < kRounds; ++round) {
      if (thread == 0 && round % 8 == 0) {
        std::vector<DomainSpec> specs;
        specs.push_back(domain(tenant_and_user(kMuch + round % 16, kMuch)));
        ASSERT_TRUE(t.limiter.reload(std::move(specs)).empty());
      }
      batch.clear();
      batch.add(ask);
      t.limiter.decide(batch, at({}));
      if (batch.answer(0).allowed) units += 3;
      const auto opened = t.limiter.reserve(ask, seconds(60), at({})).value();
      ASSERT_FALSE(opened.id.empty());
      if (round % 2 == 0) {
        ASSERT_TRUE(t.limiter.cancel(opened.id, at({})));
      } else {
        units += t.limiter.commit(opened.id, 1 + round % 5, at({})).value();
      }
    }
  });
  t.reload(tenant_and_user(kMuch, kMuch));
  EXPECT_EQ(t.remaining(Path{{{"user", "u"}}}, at({})), kMuch - units);
  // The tenant's limit changed now and then between a reservation and its end, and then nothing
  // was given back: what is left may be less than that, never more.
  EXPECT_LE(t.remaining(Path{{{"tenant", "acme"}}}, at({})), kMuch - units);
}

TEST(LimiterThreads, NeverMoreHoldsThanTheCap) {
  constexpr int kCap = 3;
  TestLimiter t({node("tenant", "", {concurrency(kCap)})});
  const Path acme{{{"tenant", "acme"}}};
  std::atomic<int> held{0}, most{0}, taken{0};
  in_threads([&](int) {
    for (int round = 0; round < kRounds; ++round) {
      const auto opened =
          t.limiter.acquire({.domain = "d", .descriptors = acme.get()}, seconds(60), at({}));
      if (opened->id.empty()) continue;
      const int now = ++held;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
      ++taken;
      EXPECT_TRUE(t.limiter.renew(opened->id, seconds(50), at({})));
      --held;
      EXPECT_TRUE(t.limiter.release(opened->id, at({})));
    }
  });
  EXPECT_LE(most, kCap);
  EXPECT_GE(taken, kRounds);
  EXPECT_TRUE(t.decide(acme, 1, at({})).allowed);
}

}  // namespace
}  // namespace limiter
