#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "dispatch/test_bed.h"

namespace dispatch {
namespace {

using namespace std::chrono_literals;

// Several session threads, one that looks and one that keeps house; what they counted adds up, and
// the limiter and the hosts agree in the end.
TEST(HostsThreads, CountsAddUpAndNobodyStaysBlocked) {
  TestBed bed({.breaker_failures = 3, .backoff_base = 1ms, .backoff_max = 5ms, .probe = 1ms});
  constexpr int kThreads = 4, kRequests = 4000, kHosts = 40;
  const base::Time start = bed.now;
  std::atomic<int64_t> tick{0};
  std::atomic<bool> over{false};
  const auto now = [&] { return start + std::chrono::microseconds(tick.fetch_add(50)); };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      base::Random random(static_cast<uint64_t>(t));
      for (int i = 0; i < kRequests; ++i) {
        const std::string host = "h" + std::to_string(random.below(kHosts));
        const base::Time started = now();
        bed.hosts.begin(host, started);
        const uint64_t fate = random.below(10);
        const base::Time ended = now();
        if (fate == 0) {
          bed.hosts.dropped(host, ended);
          continue;
        }
        Exchange exchange{.status = fate == 1 ? 429 : 200};
        if (fate < 6 && fate > 1) exchange = {.failure = Failure::kConnect};
        bed.hosts.end(host, judge(exchange, ended, 0s), exchange, {.started = started}, ended);
      }
    });
  }
  threads.emplace_back([&] {
    while (!over) {
      metric::Families families;
      bed.hosts.waiting(0, {{"blocked", 1}}, start);
      bed.hosts.collect(families, now());
      EXPECT_LE(bed.hosts.rows(10, now()).size(), 10u);
    }
  });
  threads.emplace_back([&] {
    while (!over) bed.hosts.tick(now());
  });
  for (int t = 0; t < kThreads; ++t) threads[static_cast<size_t>(t)].join();
  over = true;
  for (size_t t = kThreads; t < threads.size(); ++t) threads[t].join();

  EXPECT_EQ(bed.hosts.in_flight(), 0u);
  bed.now = now() + 1s;
  uint64_t ended = 0;
  for (int i = 0; i < kHosts; ++i) {
    const std::string host = "h" + std::to_string(i);
    ended += bed.row(host).requests;
    bed.now += 1s;
    bed.answer(host, 200);
    EXPECT_EQ(bed.row(host).reason, "");
    EXPECT_FALSE(bed.take(host)) << host;
    bed.release(host);
  }
  EXPECT_GT(ended, uint64_t{kThreads} * kRequests * 8 / 10);
  EXPECT_LT(ended, uint64_t{kThreads} * kRequests);
}

}  // namespace
}  // namespace dispatch
