// Whoever watches, asks, is refused and sleeps until told is always woken; run under a thread
// sanitizer too (preset tsan).
#include <gtest/gtest.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "limiter/test_limits.h"

namespace limiter {
namespace {

constexpr size_t kThreads = 4;

// A shard that sleeps until it is told.
class Sleeper {
 public:
  void wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    told_.notify_one();
  }
  bool sleep() {  // False: nobody woke it.
    std::unique_lock lock(mutex_);
    const bool woken = told_.wait_for(lock, seconds(20), [&] { return woken_; });
    woken_ = false;
    return woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  bool woken_ = false;
};

template <typename Work>
void in_threads(Work work) {
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

// Each thread takes the one hold that there is, again and again; it has no other way to learn that
// the hold came free than being told.
TEST(TakeThreads, AReleaseWakesEveryoneThatSleeps) {
  TestLimiter t({node("tenant", "", {concurrency(1)})});
  const Path acme{{{"tenant", "acme"}}};
  const Ask ask{.domain = "d", .descriptors = acme.get()};
  std::array<Sleeper, kThreads> sleepers;
  t.limiter.on_freed([&](uint32_t watcher, base::Hash128) { sleepers[watcher].wake(); });
  std::atomic<int> held{0};
  in_threads([&](uint32_t thread) {
    for (uint64_t round = 0; round < 500; ++round) {
      const uint64_t id = 1 + thread + round * kThreads;
      const TakeTerms terms{.hold_id = id, .ttl = std::chrono::hours(1)};
      auto obstacle = t.limiter.take(ask, terms, at({})).value();
      while (obstacle) {
        const base::Hash128 state = obstacle->state;
        t.limiter.watch(state, thread);
        obstacle = t.limiter.take(ask, terms, at({})).value();
        ASSERT_TRUE(!obstacle || sleepers[thread].sleep()) << "a wake-up was lost";
        t.limiter.unwatch(state, thread);
      }
      EXPECT_EQ(++held, 1);
      --held;
      if (round % 3 == 0) {
        t.limiter.untake(ask, terms, at({}));
      } else {
        t.limiter.release(ask, id, at({}));
      }
    }
  });
}

// Promises come and go while others charge: each withdrawal wakes who was refused for it.
TEST(TakeThreads, AWithdrawnPromiseWakesWhoWasRefusedForIt) {
  TestLimiter t({node("tenant", "", {gcra(1, std::chrono::hours(1), 1)})});
  const Path acme{{{"tenant", "acme"}}};
  const Ask ask{.domain = "d", .descriptors = acme.get()};
  std::array<Sleeper, kThreads> sleepers;
  t.limiter.on_freed([&](uint32_t watcher, base::Hash128) { sleepers[watcher].wake(); });
  in_threads([&](uint32_t thread) {
    const uint64_t owner = thread + 1;
    for (int round = 0; round < 300; ++round) {
      const TakeTerms terms{.holds = false, .promised_to = owner};
      const bool promised = t.limiter.promise(ask, owner, at({})).has_value();
      auto obstacle = t.limiter.take(ask, terms, at({})).value();
      while (obstacle) {
        const base::Hash128 state = obstacle->state;
        t.limiter.watch(state, thread);
        obstacle = t.limiter.take(ask, terms, at({})).value();
        // Whoever has the promise waits only for a unit, the others for both.
        ASSERT_TRUE(!obstacle || sleepers[thread].sleep()) << "a wake-up was lost";
        t.limiter.unwatch(state, thread);
      }
      t.limiter.untake(ask, terms, at({}));
      if (promised) t.limiter.withdraw(owner);
    }
  });
}

}  // namespace
}  // namespace limiter
