#include "fetch/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "fetch/counting_server.h"
#include "io/clock.h"

namespace fetch {
namespace {

using namespace std::chrono_literals;
using Answer = CountingServer::Answer;
using Asked = CountingServer::Asked;
using testing::HasSubstr;
using testing::StartsWith;

// Runs a sweep over URLs in memory to its end, or to where `until` says.
struct Bed {
  SweepOptions options;
  std::vector<Finished> finished;  // As they came; `host` is not kept.
  Progress last;
  size_t most_in_hand = 0;
  uint64_t most_on_disk = 0;
  std::function<bool()> until = [] { return false; };
  std::string error;

  Bed() {
    options.client.guard = *http::AddressGuard::make(http::GuardMode::kOff, {});
    options.limits.backoff = {.base = 10ms, .factor_milli = 2000, .max = 1s, .jitter_ppm = 0};
  }
  base::Duration run(const std::vector<std::string>& urls) {
    UrlsInMemory source(urls);
    return run(source);
  }
  base::Duration run(Source& source) {
    io::Loop loop;
    const io::SystemClock clock;
    const base::Time start = clock.now();
    std::unique_ptr<Sweep> sweep;
    const auto took_one = [&](Finished&& one) {
      one.host = {};
      finished.push_back(std::move(one));
      if (finished.size() % 64 == 0) look(*sweep);
      if (until()) {
        sweep->stop();
        loop.stop();
      }
    };
    auto made = Sweep::make(loop, clock, options, source, took_one, [&] { loop.stop(); });
    EXPECT_TRUE(made.has_value());
    sweep = *std::move(made);
    sweep->start();
    loop.run();
    look(*sweep);
    last = sweep->progress();
    error = sweep->error();
    return clock.now() - start;
  }
  void look(const Sweep& sweep) {
    const Progress progress = sweep.progress();
    most_in_hand = std::max(most_in_hand, progress.in_hand);
    most_on_disk = std::max(most_on_disk, progress.on_disk);
  }
  size_t count_ok() const {
    return static_cast<size_t>(
        std::ranges::count_if(finished, [](const Finished& each) { return each.result.ok; }));
  }
  std::set<uint64_t> indexes() const {
    std::set<uint64_t> out;
    for (const Finished& each : finished) out.insert(each.index);
    return out;
  }
};

TEST(Sweep, TriesAgainWhatMayBeBetterLaterAndNothingElse) {
  std::map<std::string, int> asked_for;
  CountingServer server([&](const Asked& asked) {
    const int attempt = ++asked_for[asked.path];
    if (asked.path == "/500") return Answer{.status = attempt < 3 ? 500 : 200};
    if (asked.path == "/close") return Answer{.closes = true};
    return Answer{.status = 404};
  });
  Bed bed;
  bed.options.terms.retries = 2;
  bed.run({server.url(1, "/500"), server.url(2, "/close"), server.url(3, "/404")});
  ASSERT_EQ(bed.finished.size(), 3u);
  EXPECT_EQ(bed.count_ok(), 1u);
  EXPECT_EQ(asked_for["/500"], 3);
  EXPECT_GE(asked_for["/close"], 3);
  EXPECT_EQ(asked_for["/404"], 1);
  for (const Finished& each : bed.finished) {
    if (each.index == 1) {
      EXPECT_THAT(each.result.error, StartsWith("broken"));
    }
    if (each.index == 2) {
      EXPECT_EQ(each.result.error, "status 404");
    }
  }
}

TEST(Sweep, ABurstOf429HoldsTheHostBackOnceAndLosesNothing) {
  std::atomic<int> refusals = 0;
  std::atomic<int64_t> until_ms = 0;
  const auto start = CountingServer::Clock::now();
  const auto passed_ms = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(CountingServer::Clock::now() -
                                                                 start)
        .count();
  };
  std::atomic<int> early = 0, since = 0;
  CountingServer server([&](const Asked& asked) {
    if (asked.host != "127.0.0.1") return Answer{};
    const int64_t now = passed_ms();
    if (until_ms == 0 && ++since > 20) until_ms = now + 1000;
    if (until_ms == 0 || now >= until_ms) return Answer{};
    ++refusals;
    early += now > until_ms - 800;  // After the burst, before its end.
    return Answer{.status = 429, .fields = "Retry-After: 1\r\n"};
  });
  Bed bed;
  bed.options.limits.per_host = 8;
  std::vector<std::string> urls;
  for (int i = 0; i < 100; ++i) urls.push_back(server.url(1));
  for (int i = 0; i < 200; ++i) urls.push_back(server.url(2));
  bed.run(urls);
  EXPECT_EQ(bed.count_ok(), 300u);
  EXPECT_GE(refusals, 1);
  EXPECT_LE(refusals, 8);  // What was on its way.
  EXPECT_EQ(early, 0);
}

TEST(Sweep, AHostThatPutsOffForLongerThanWeWaitIsGivenUpAtOnce) {
  CountingServer server([](const Asked& asked) {
    if (asked.host == "127.0.0.2") return Answer{};
    return Answer{.status = 429, .fields = "Retry-After: 3600\r\n"};
  });
  Bed bed;
  bed.options.give_up = 2s;
  bed.options.limits.per_host = 4;
  bed.options.window.most = 100;
  std::vector<std::string> urls;
  for (int i = 0; i < 500; ++i) urls.push_back(server.url(1));
  for (int i = 0; i < 50; ++i) urls.push_back(server.url(2));
  EXPECT_LT(bed.run(urls), 1500ms);
  EXPECT_EQ(bed.count_ok(), 50u);
  EXPECT_EQ(bed.indexes().size(), 550u);
  EXPECT_LE(server.requests(), 54u + 4u);
  for (const Finished& each : bed.finished) {
    if (!each.result.ok) {
      EXPECT_THAT(each.result.error, HasSubstr("429 Retry-After 3600 s"));
    }
  }
}

TEST(Sweep, AHostThatIsSilentForLongerThanWeWaitIsGivenUp) {
  CountingServer server([](const Asked&) { return Answer{.hangs = true}; });
  Bed bed;
  bed.options.give_up = 300ms;
  bed.options.terms.timeout = 100ms;
  bed.options.limits.per_host = 2;
  const std::vector<std::string> urls(200, server.url(1));
  EXPECT_LT(bed.run(urls), 2s);
  EXPECT_EQ(bed.finished.size(), 200u);
  EXPECT_LE(server.requests(), 12u);
}

TEST(Sweep, ARedirectStandsInLineAtItsOwnHost) {
  CountingServer* at = nullptr;
  CountingServer server([&](const Asked& asked) {
    if (asked.host == "127.0.0.9") {
      EXPECT_EQ(asked.head.find("X-Mine"), std::string::npos);  // Another origin.
      return Answer{.delay = 2ms};
    }
    EXPECT_NE(asked.head.find("X-Mine: yes"), std::string::npos);
    if (asked.path == "/loop") return Answer{.status = 302, .fields = "Location: /loop\r\n"};
    return Answer{.status = 301, .fields = "Location: " + at->url(9, "/there") + "\r\n"};
  });
  at = &server;
  Bed bed;
  bed.options.fields = {{"X-Mine", "yes"}};
  bed.options.terms.redirects = 3;
  bed.options.limits.per_host = 3;
  std::vector<std::string> urls;
  for (int i = 0; i < 200; ++i) urls.push_back(server.url(1 + i % 8));
  urls.push_back(server.url(1, "/loop"));
  bed.run(urls);
  EXPECT_EQ(bed.count_ok(), 200u);
  EXPECT_EQ(server.most_open_of_a_host(), 3u);
  EXPECT_EQ(server.requests(), 404u);
  for (const Finished& each : bed.finished) {
    EXPECT_EQ(each.result.url, urls[each.index]);
    if (!each.result.ok) {
      EXPECT_EQ(each.result.error, "more than 3 redirects");
    }
  }
}

TEST(Sweep, WithoutRedirectsA3xxIsAFailure) {
  CountingServer server(
      [](const Asked&) { return Answer{.status = 301, .fields = "Location: /x\r\n"}; });
  Bed bed;
  bed.run({server.url(1)});
  EXPECT_EQ(server.requests(), 1u);
  EXPECT_EQ(bed.finished.front().result.error, "status 301");
}

// The function of one's own is quick, so this is about the window alone.
TEST(Sweep, AFileSortedByHostKeepsNoHostWaitingAndTheWindowKeepsItsBound) {
  constexpr size_t kHosts = 100, kEach = 1000, kAll = kHosts * kEach;
  struct Sorted final : Source {
    Got next(Line& line) override {
      if (at == kAll) return Got::kEnd;
      text = "http://host" + std::to_string(at / kEach) + "/" + std::to_string(at % kEach);
      line = {at++, text, false};
      return Got::kLine;
    }
    size_t at = 0;
    std::string text;
  } source;
  Bed bed;
  bed.options.blocking = [](const std::string& url) {
    return Result{.ok = true, .status_code = 200, .bytes_read = url.size()};
  };
  bed.options.limits.total = 4;
  bed.options.limits.per_host = 1;
  bed.options.window.most = 1000;
  bed.run(source);
  EXPECT_EQ(bed.count_ok(), kAll);
  EXPECT_EQ(bed.indexes().size(), kAll);
  EXPECT_LE(bed.most_in_hand, 1000u);
  EXPECT_GT(bed.most_on_disk, kAll / 2);
  std::vector<size_t> first(kHosts, kAll), next(kHosts, 0);
  for (size_t i = 0; i < kAll; ++i) {
    const uint64_t index = bed.finished[i].index;
    const size_t host = index / kEach;
    first[host] = std::min(first[host], i);
    ASSERT_EQ(index % kEach, next[host]++);  // One at a time, so in their order.
  }
  // Every host was under way before a fifth of all was done.
  EXPECT_LT(*std::ranges::max_element(first), kAll / 5);
}

TEST(Sweep, StopsInTheMiddleAndSaysWhatIsDone) {
  CountingServer server([](const Asked&) { return Answer{.delay = 1ms}; });
  Bed bed;
  bed.until = [&] { return bed.finished.size() == 100; };
  bed.run(std::vector<std::string>(1000, server.url(1)));
  EXPECT_EQ(bed.finished.size(), 100u);
}

TEST(Sweep, HandsOutBodiesAsTheyCome) {
  CountingServer server([](const Asked& asked) { return Answer{.body = asked.path}; });
  Bed bed;
  std::map<uint64_t, std::string> bodies;
  bed.options.open_body = [&](uint64_t index, std::string_view) {
    bodies[index].clear();
    return [&bodies, index](std::string_view bytes) {
      bodies[index] += bytes;
      return index != 1;
    };
  };
  bed.run({server.url(1, "/a"), server.url(1, "/b")});
  EXPECT_EQ(bodies[0], "/a");
  EXPECT_EQ(bed.count_ok(), 1u);
}

}  // namespace
}  // namespace fetch
