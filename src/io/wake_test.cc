// Bells between threads, and alarms that are set again and again.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "io/clock.h"
#include "io/io.h"

namespace io {
namespace {

using namespace std::chrono_literals;

TEST(Bell, EveryRingIsHeardByALookThatComesAfterIt) {
  constexpr uint64_t kEach = 20'000;
  constexpr size_t kThreads = 3;
  Loop loop;
  std::atomic<uint64_t> put{0};
  uint64_t seen = 0, heard = 0;
  Bell bell(loop.poll(), [&] {
    ++heard;
    seen = put.load();
    if (seen == kThreads * kEach) loop.stop();
  });
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (uint64_t n = 0; n < kEach; ++n) {
        put.fetch_add(1);
        bell.ring();
      }
    });
  }
  loop.run();  // A ring that got lost would leave it waiting for ever.
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen, kThreads * kEach);
  EXPECT_LE(heard, kThreads * kEach + 1);
}

TEST(Alarm, RingsOnceForTheEarliestInstant) {
  Loop loop;
  const base::Duration began = monotonic();
  std::vector<base::Duration> rings;
  Alarm alarm(loop.poll(), [&] { rings.push_back(monotonic() - began); });
  alarm.within(40ms);
  alarm.within(10ms);
  alarm.within(60ms);  // Later than what is set: nothing.
  loop.after(120ms, [&] { loop.stop(); });
  loop.run();
  ASSERT_EQ(rings.size(), 1u);
  EXPECT_GE(rings[0], 10ms);
}

TEST(Alarm, AnInstantThatIsOverRingsAtOnce) {
  Loop loop;
  Alarm alarm(loop.poll(), [&] { loop.stop(); });
  alarm.within(-5s);
  loop.run();
}

// Lateness is the machine's; the bound of the product is 2 ms, so the median must be far below.
TEST(Alarm, IsMuchMoreExactThanAMillisecond) {
  Loop loop;
  std::vector<base::Duration> late;
  base::Duration due{};
  Alarm* again = nullptr;
  Alarm alarm(loop.poll(), [&] {
    late.push_back(monotonic() - due);
    if (late.size() == 100) return loop.stop();
    due = monotonic() + 700us;
    again->within(700us);
  });
  again = &alarm;
  due = monotonic() + 700us;
  alarm.within(700us);
  loop.run();
  std::ranges::sort(late);
  EXPECT_GE(late.front(), -1us);
  EXPECT_LT(late[late.size() / 2], 1ms);
}

}  // namespace
}  // namespace io
