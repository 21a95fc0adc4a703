#include "fetch/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "fetch/counting_server.h"

namespace fetch {
namespace {

using namespace std::chrono_literals;
using Answer = CountingServer::Answer;
using Asked = CountingServer::Asked;

#ifdef RATELIMMQ_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

size_t count_ok(const std::vector<Result>& results) {
  return static_cast<size_t>(std::ranges::count_if(results, &Result::ok));
}

TEST(FetchOne, TellsWhatCameAndHowLongItTook) {
  CountingServer server;
  const Result result = fetch_one(server.url(1), 5s);
  EXPECT_TRUE(result.ok) << result.error;
  EXPECT_EQ(result.status_code, 200);
  EXPECT_EQ(result.bytes_read, 5u);
  EXPECT_EQ(result.url, server.url(1));
  EXPECT_GT(result.elapsed, 0ns);
  EXPECT_FALSE(fetch_one("ftp://x/", 1s).error.empty());
}

TEST(FetchOne, EndsAtItsDeadline) {
  CountingServer server([](const Asked&) { return Answer{.hangs = true}; });
  const Result result = fetch_one(server.url(1), 50ms);
  EXPECT_FALSE(result.ok);
  EXPECT_THAT(result.error, testing::StartsWith("timeout"));
}

TEST(RunPool, GivesResultsInTheOrderOfTheUrlsAndNeverPassesItsCaps) {
  CountingServer server([](const Asked& asked) {
    return Answer{.body = asked.path, .delay = std::chrono::milliseconds(asked.path.size() % 5)};
  });
  std::vector<std::string> urls;
  for (int i = 0; i < 3000; ++i)
    urls.push_back(server.url(1 + i % 7, "/" + std::string(static_cast<size_t>(i % 40), 'x')));
  const auto results =
      run_pool(urls, over_http(), {.total_concurrency = 20, .per_host_concurrency = 4});
  ASSERT_EQ(results.size(), urls.size());
  for (size_t i = 0; i < urls.size(); ++i) {
    ASSERT_TRUE(results[i].ok) << results[i].error;
    ASSERT_EQ(results[i].url, urls[i]);
    ASSERT_EQ(results[i].bytes_read, 1 + i % 40);
  }
  EXPECT_LE(server.most_open_of_a_host(), 4u);
  EXPECT_LE(server.most_open(), 20u);
  EXPECT_GE(server.most_open(), 8u);  // On a machine that is busy, too.
  EXPECT_EQ(server.requests(), urls.size());
}

TEST(RunPool, WhatIsNoUrlIsAResultWithAnError) {
  CountingServer server;
  const std::vector<std::string> urls = {"nonsense", server.url(1), "http://user@host/", "",
                                         "http://x/" + std::string(10'000, 'y')};
  const auto results = run_pool(urls, over_http(), {});
  EXPECT_EQ(count_ok(results), 1u);
  for (const size_t i : {0u, 2u, 3u, 4u}) {
    EXPECT_FALSE(results[i].error.empty());
    EXPECT_EQ(results[i].url, urls[i]);
  }
}

TEST(RunPool, ALimitOutOfItsBoundsIsAnErrorOfEveryUrl) {
  const std::vector<std::string> urls = {"http://127.0.0.1:1/"};
  for (const PoolLimits& limits :
       {PoolLimits{.total_concurrency = 0}, PoolLimits{.per_host_concurrency = 0},
        PoolLimits{.total_concurrency = 4, .per_host_concurrency = 5},
        PoolLimits{.rate = limit::Rate{0, 1s}}}) {
    EXPECT_FALSE(run_pool(urls, over_http(), limits).front().error.empty());
  }
  EXPECT_TRUE(run_pool({}, over_http(), {}).empty());
}

TEST(RunPool, KeepsARateAndUsesAllOfIt) {
  CountingServer server;
  std::vector<std::string> urls;
  for (int i = 0; i < 600; ++i) urls.push_back(server.url(1 + i % 20));
  const auto results = run_pool(urls, over_http(), {.rate = limit::Rate{400, 1s}});
  EXPECT_EQ(count_ok(results), urls.size());
  const auto arrivals = server.arrivals();
  // In any span t at most burst + t · rate; a request may be late by what the machine is.
  constexpr double kBurst = 40;
  for (size_t i = 0; i + 200 < arrivals.size(); i += 10) {
    const std::chrono::duration<double> span = arrivals[i + 200].at - arrivals[i].at;
    EXPECT_LE(200, kBurst + 400 * span.count() + 100);
  }
  const std::chrono::duration<double> all = arrivals.back().at - arrivals.front().at;
  EXPECT_LE(all.count(), (600 - kBurst) / 400 / 0.1);
}

TEST(RunPool, KeepsARateOfEachHost) {
  CountingServer server;
  std::vector<std::string> urls;
  for (int i = 0; i < 400; ++i) urls.push_back(server.url(1 + i % 4));
  const auto start = CountingServer::Clock::now();
  run_pool(urls, over_http(), {.host_rate = limit::Rate{100, 1s}});
  const std::chrono::duration<double> all = CountingServer::Clock::now() - start;
  EXPECT_GE(all.count(), 0.89);  // MemoryQueue's test is exact; here the machine may be busy.
}

TEST(RunPool, ADeadHostDelaysNobody) {
  CountingServer server([](const Asked& asked) {
    return asked.host == "127.0.0.1" ? Answer{.after_requests = 1008} : Answer{};
  });
  std::vector<std::string> urls;
  for (int i = 0; i < 8; ++i) urls.push_back(server.url(1));
  for (int i = 0; i < 1000; ++i) urls.push_back(server.url(2 + i % 5));
  // Its eight answers come when all others are through, or never.
  const auto results = run_pool(urls, over_http({.timeout = 60s}),
                                {.total_concurrency = 20, .per_host_concurrency = 8});
  EXPECT_EQ(count_ok(results), 1008u);
}

// The issue that dispatch was built for, whole: in little under sanitizers.
TEST(RunPool, FetchesAHundredThousandUrlsOfThreeHundredHosts) {
  constexpr int kHosts = 300, kEach = kSanitized ? 20 : 334;
  constexpr double kPerSecond = 100;  // With a burst of 100 ms' worth.
  CountingServer server;
  std::vector<std::string> urls;
  for (int i = 0; i < kHosts * kEach; ++i) urls.push_back(server.url(1 + i % kHosts));
  const auto start = CountingServer::Clock::now();
  const auto results = run_pool(urls, over_http({.timeout = 60s}),
                                {.total_concurrency = 200,
                                 .per_host_concurrency = 4,
                                 .host_rate = limit::Rate{static_cast<int64_t>(kPerSecond), 1s}});
  const std::chrono::duration<double> all = CountingServer::Clock::now() - start;
  EXPECT_EQ(count_ok(results), urls.size());
  EXPECT_EQ(server.requests(), urls.size());
  EXPECT_LE(server.most_open(), 200u);
  EXPECT_LE(server.most_open_of_a_host(), 4u);
  EXPECT_GE(all.count(), (kEach - kPerSecond / 10) / kPerSecond);
}

TEST(RunPool, RunsAFunctionOfOnesOwnUnderTheSameCaps) {
  std::atomic<int> now = 0, most = 0;
  std::vector<std::string> urls;
  for (int i = 0; i < 200; ++i)
    urls.push_back("http://host" + std::to_string(i % 3) + "/" + std::to_string(i));
  const auto results = run_pool(
      urls, Fetch([&](const std::string& url) {
        int seen = ++now;
        for (int before = most; seen > before && !most.compare_exchange_weak(before, seen);) {
        }
        std::this_thread::sleep_for(1ms);
        --now;
        if (url.ends_with("/7")) throw std::runtime_error("seven");
        return Result{.ok = true, .status_code = 200, .bytes_read = url.size()};
      }),
      {.total_concurrency = 5, .per_host_concurrency = 2});
  EXPECT_EQ(count_ok(results), 199u);
  EXPECT_EQ(results[7].error, "seven");
  for (size_t i = 0; i < urls.size(); ++i) EXPECT_EQ(results[i].url, urls[i]);
  EXPECT_LE(most, 5);
  EXPECT_GE(most, 2);
}

}  // namespace
}  // namespace fetch
