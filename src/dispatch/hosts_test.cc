#include "dispatch/hosts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/check.h"
#include "dispatch/test_bed.h"

namespace dispatch {
namespace {

using namespace std::chrono_literals;

TEST(Hosts, ABusyAnswerBlocksTheHostForAsLongAsItSays) {
  TestBed bed;
  bed.answer("a", 429, "30");
  EXPECT_EQ(bed.wait_of("a"), 30s);
  EXPECT_EQ(bed.wait_of("b"), 0s);
  const HostRow row = bed.row("a");
  EXPECT_EQ(row.reason, "retry-after");
  EXPECT_EQ(row.blocked_until, bed.now + 30s);
  bed.now += 30s;
  EXPECT_EQ(bed.wait_of("a"), 0s);
  EXPECT_EQ(bed.row("a").reason, "");
}

TEST(Hosts, WithoutAWordFromTheHostOurOwnBackOffDoublesToItsBoundWithinAFifth) {
  TestBed bed;
  base::Duration own = 1s;
  for (int i = 0; i < 14; ++i) {
    bed.answer("a", 429);
    const base::Duration wait = bed.wait_of("a");
    EXPECT_GE(wait, own * 8 / 10) << i;
    EXPECT_LE(wait, own * 12 / 10) << i;
    EXPECT_EQ(bed.row("a").reason, "backoff");
    bed.now += wait;
    own = std::min<base::Duration>(own * 2, 10min);
  }
}

TEST(Hosts, ZeroSecondsAreNotBelievedTwice) {
  TestBed bed;
  for (int i = 0; i < 5; ++i) {
    bed.answer("a", 503, "0");
    EXPECT_GE(bed.wait_of("a"), 800ms * (1 << i)) << i;
    bed.now += bed.wait_of("a");
  }
}

TEST(Hosts, AGoodAnswerEndsTheRowOfBackOffs) {
  TestBed bed;
  for (int i = 0; i < 4; ++i) {
    bed.answer("a", 429);
    bed.now += bed.wait_of("a");
  }
  bed.answer("a", 404);
  bed.answer("a", 429);
  EXPECT_LE(bed.wait_of("a"), 1200ms);
}

TEST(Hosts, FiftyAnswersOfOneInstantAreOneEvent) {
  TestBed bed;
  const base::Time started = bed.now;
  for (int i = 0; i < 50; ++i) bed.begin("a");
  bed.now += 100ms;
  for (int i = 0; i < 50; ++i) {
    bed.end("a", {.status = 429}, started);
    bed.now += 1ms;
  }
  EXPECT_LE(bed.wait_of("a"), 1200ms);
  bed.now += 2s;
  bed.answer("a", 429);  // The second level: the burst was one.
  EXPECT_GE(bed.wait_of("a"), 1600ms);
  EXPECT_LE(bed.wait_of("a"), 2400ms);
}

TEST(Hosts, ABurstOfFailuresDoesNotOpenTheBreaker) {
  TestBed bed;
  const base::Time started = bed.now;
  for (int i = 0; i < 50; ++i) bed.begin("a");
  bed.now += 100ms;
  for (int i = 0; i < 50; ++i) bed.end("a", {.failure = Failure::kConnect}, started);
  EXPECT_EQ(bed.wait_of("a"), 0s);
  EXPECT_EQ(bed.row("a").reason, "");
}

TEST(Hosts, OfABurstTheLongestRetryAfterCounts) {
  TestBed bed;
  const base::Time started = bed.now;
  for (int i = 0; i < 3; ++i) bed.begin("a");
  bed.now += 10ms;
  bed.end("a", {.status = 429, .retry_after = "60"}, started);
  bed.now += 1s;
  bed.end("a", {.status = 429, .retry_after = "5"}, started);
  EXPECT_EQ(bed.wait_of("a"), 59s);
  bed.end("a", {.status = 429, .retry_after = "600"}, started);
  EXPECT_EQ(bed.wait_of("a"), 600s);
}

TEST(Hosts, OfABurstThatBeganWithAFailureTheFirstRetryAfterBlocks) {
  TestBed bed;
  const base::Time started = bed.now;
  for (int i = 0; i < 3; ++i) bed.begin("a");
  bed.now += 100ms;
  bed.end("a", {.status = 500}, started);
  EXPECT_EQ(bed.wait_of("a"), 0s);
  bed.end("a", {.status = 429, .retry_after = "1"}, started);
  EXPECT_GE(bed.wait_of("a"), 1s);
  bed.now += bed.wait_of("a");
  bed.end("a", {.status = 503, .retry_after = "1"}, started);  // Said now, whenever it was asked.
  EXPECT_EQ(bed.wait_of("a"), 1s);
}

TEST(Hosts, ABlockIsNeverShortened) {
  TestBed bed;
  bed.answer("a", 429, "60");
  const base::Time until = bed.now + 60s;
  const auto holds = [&] { return bed.now + bed.wait_of("a") == until; };
  bed.now += 1s;
  bed.answer("a", 429, "5");  // Slipped through before the block fell.
  EXPECT_TRUE(holds());
  bed.answer("a", 200);
  EXPECT_TRUE(holds());
  bed.fail("a");
  EXPECT_TRUE(holds());
  EXPECT_EQ(bed.row("a").reason, "retry-after");
}

TEST(Hosts, AnAnswerThatWasOnItsWayNeitherEndsARowNorLengthensIt) {
  TestBed bed;
  bed.begin("a");
  const base::Time early = bed.now;
  bed.now += 1ms;
  for (int i = 0; i < 4; ++i) bed.fail("a");
  bed.end("a", {.status = 200}, early);
  bed.fail("a");
  EXPECT_EQ(bed.row("a").reason, "breaker");
}

TEST(Hosts, AnyAnswerBetweenFailuresKeepsTheBreakerClosed) {
  TestBed bed;
  for (const int alive : {200, 404, 301, 410}) {
    for (int i = 0; i < 4; ++i) bed.fail("a");
    bed.answer("a", alive);
  }
  for (int i = 0; i < 4; ++i) bed.fail("a");
  bed.answer("a", 429, "1");
  bed.now += 2s;
  for (int i = 0; i < 4; ++i) bed.fail("a");
  EXPECT_EQ(bed.wait_of("a"), 0s);
  bed.fail("a");
  EXPECT_EQ(bed.row("a").reason, "breaker");
}

TEST(Hosts, WhatWasDroppedOrRefusedSaysNothing) {
  TestBed bed;
  for (int i = 0; i < 4; ++i) bed.fail("a");
  for (int i = 0; i < 10; ++i) {
    bed.begin("a");
    bed.hosts.dropped("a", bed.now);
    bed.answer("a", {.failure = Failure::kRefused});
  }
  EXPECT_EQ(bed.wait_of("a"), 0s);
  EXPECT_EQ(bed.hosts.in_flight(), 0u);
  bed.fail("a");
  EXPECT_GT(bed.wait_of("a"), 0s);
}

TEST(Hosts, TheRateIsThatOfTheLastTenSeconds) {
  TestBed bed;
  for (int i = 0; i < 100; ++i) {
    bed.answer("a", 200);
    bed.now += 100ms;
  }
  EXPECT_NEAR(static_cast<double>(bed.row("a").per_second_milli), 10'000, 200);
  bed.now += 5s;
  EXPECT_NEAR(static_cast<double>(bed.row("a").per_second_milli), 5'000, 200);
  bed.now += 6s;
  EXPECT_EQ(bed.row("a").per_second_milli, 0);
  EXPECT_EQ(bed.row("a").requests, 100u);
  bed.now += 1h;
  bed.answer("a", 200);
  EXPECT_EQ(bed.row("a").per_second_milli, 100);
}

TEST(Hosts, RowsAreThoseWithMostInFlightFirst) {
  TestBed bed;
  for (int i = 0; i < 100; ++i) {
    const std::string host = "h" + std::to_string(i);
    for (int n = 0; n <= i; ++n) bed.begin(host);
  }
  bed.answer("busy", 429, "60");
  const std::vector<HostRow> few = bed.hosts.rows(3, bed.now);
  ASSERT_EQ(few.size(), 3u);
  EXPECT_EQ(few[0].host, "h99");
  EXPECT_EQ(few[0].in_flight, 100u);
  EXPECT_EQ(few[2].host, "h97");
  const std::vector<HostRow> all = bed.hosts.rows(1000, bed.now);
  ASSERT_EQ(all.size(), 101u);
  EXPECT_EQ(all.back().host, "busy");
  EXPECT_EQ(bed.hosts.in_flight(), 5050u);
}

TEST(Hosts, IdleOnesAreForgottenButNotThoseThatAreBlockedOrInFlight) {
  TestBed bed;
  bed.answer("idle", 200);
  bed.answer("blocked", 429, "7200");
  bed.begin("in flight");
  bed.now += Hosts::kIdle;
  bed.tick_all();
  std::vector<std::string> known;
  for (const HostRow& row : bed.hosts.rows(10, bed.now)) known.push_back(row.host);
  EXPECT_EQ(known, (std::vector<std::string>{"in flight", "blocked"}));
  EXPECT_EQ(bed.row("idle").requests, 0u);
  bed.now += 2h + Hosts::kIdle;
  bed.tick_all();
  EXPECT_EQ(bed.hosts.rows(10, bed.now).size(), 1u);
}

TEST(Hosts, NoMoreThanTheBoundAreKeptAndTheBlocksOfOthersStillHold) {
  TestBed bed({.hosts_max = 100});
  for (int i = 0; i < 1000; ++i) bed.begin("h" + std::to_string(i));
  EXPECT_EQ(bed.hosts.rows(10'000, bed.now).size(), 100u);
  EXPECT_EQ(bed.hosts.in_flight(), 1000u);
  bed.now += 1s;
  for (int i = 0; i < 1000; ++i)
    bed.end("h" + std::to_string(i), {.status = 429, .retry_after = "30"}, bed.now - 1s);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(bed.wait_of("h" + std::to_string(i)), 30s) << i;
  EXPECT_EQ(bed.hosts.in_flight(), 0u);
}

TEST(Hosts, AtTheBoundAHostThatDoesNothingMakesRoom) {
  TestBed bed({.hosts_max = 500});
  for (int i = 0; i < 500; ++i) bed.answer("old" + std::to_string(i), 200);
  for (int i = 0; i < 100; ++i) bed.begin("new" + std::to_string(i));
  size_t known = 0;
  for (int i = 0; i < 100; ++i) known += bed.row("new" + std::to_string(i)).in_flight;
  EXPECT_GE(known, 90u);
  EXPECT_EQ(bed.hosts.rows(1000, bed.now).size(), 500u);
}

TEST(Hosts, ABlockThatTheLimiterDoesNotTakeIsNotClaimed) {
  TestBed bed({}, "elsewhere");
  bed.answer("a", 429, "30");
  EXPECT_EQ(bed.row("a").reason, "");
  EXPECT_LE(bed.row("a").blocked_until, bed.now);
}

std::string line_of(const std::string& text, const std::string& start) {
  const size_t at = text.find("\n" + start);
  if (at == text.npos) return "no line " + start;
  return text.substr(at + 1 + start.size(), text.find('\n', at + 1) - at - 1 - start.size());
}

TEST(HostsMetrics, CountRequestsByOutcomeAndByWhatFailed) {
  TestBed bed;
  bed.answer("a", 204);
  bed.answer("a", 200);
  bed.answer("a", 410);
  bed.answer("a", 500);
  bed.answer("b", 429, "1");
  bed.answer("c", {.failure = Failure::kRefused});
  bed.answer("c", {.failure = Failure::kTimeout});
  bed.answer("c", {.failure = Failure::kTls});
  const std::string text = bed.metrics();
  const auto requests = [&](const std::string& result, const std::string& code) {
    return line_of(text, "ratelimmq_dispatch_requests_total{result=\"" + result +
                             "\",code_class=\"" + code + "\"} ");
  };
  EXPECT_EQ(requests("done", "2xx"), "2");
  EXPECT_EQ(requests("dead", "4xx"), "1");
  EXPECT_EQ(requests("dead", "none"), "1");
  EXPECT_EQ(requests("failed", "5xx"), "1");
  EXPECT_EQ(requests("failed", "none"), "2");
  EXPECT_EQ(requests("goes_back", "4xx"), "1");
  const auto attempts = [&](const std::string& outcome) {
    return line_of(text, "ratelimmq_dispatch_attempts_total{outcome=\"" + outcome + "\"} ");
  };
  EXPECT_EQ(attempts("success"), "2");
  EXPECT_EQ(attempts("retry"), "2");
  EXPECT_EQ(attempts("dead"), "1");
  EXPECT_EQ(attempts("blocked_ssrf"), "1");
  EXPECT_EQ(attempts("timeout"), "1");
  EXPECT_EQ(attempts("tls"), "1");
  EXPECT_EQ(attempts("dns"), "0");
  EXPECT_EQ(attempts("connect"), "0");
  EXPECT_EQ(line_of(text, "ratelimmq_dispatch_host_backoff_active "), "1");
  EXPECT_EQ(line_of(text, "ratelimmq_dispatch_inflight "), "0");
}

TEST(HostsMetrics, PhasesAreTheStepsBetweenTheInstantsThatWereReached) {
  TestBed bed;
  bed.begin("a");
  bed.hosts.end(
      "a", {}, {.status = 200},
      {.started = bed.now, .dns = 1s, .connect = 3s, .tls = 6s, .first_byte = 10s, .total = 15s},
      bed.now);
  bed.begin("a");  // A connection that is used again.
  bed.hosts.end("a", {}, {.status = 200}, {.started = bed.now, .first_byte = 10s, .total = 15s},
                bed.now);
  bed.begin("a");  // No byte came.
  bed.hosts.end("a", {}, {.failure = Failure::kTimeout}, {.started = bed.now, .total = 15s},
                bed.now);
  const std::string text = bed.metrics();
  const auto sum = [&](const std::string& phase) {
    return line_of(text, "ratelimmq_dispatch_phase_duration_seconds_sum{phase=\"" + phase + "\"} ");
  };
  EXPECT_EQ(sum("dns"), "1");
  EXPECT_EQ(sum("connect"), "2");
  EXPECT_EQ(sum("tls"), "3");
  EXPECT_EQ(sum("first_byte"), "14");
  EXPECT_EQ(sum("body"), "10");
}

TEST(HostsMetrics, WaitingMessagesAreShownByWhatHoldsThemBack) {
  TestBed bed;
  bed.hosts.waiting(0,
                    {{"dispatch-total", 5},
                     {"dispatch-per-host", 4},
                     {"blocked", 3},
                     {"", 2},
                     {"mails-per-day", 7},
                     {"tenant", 1}},
                    bed.now - 30s);
  bed.hosts.waiting(1, {{"dispatch-host-rate", 10}, {"dispatch-total", 1}}, bed.now - 60s);
  bed.hosts.waiting(2, {}, {});
  std::string text = bed.metrics();
  const auto waiting = [&](const std::string& reason) {
    return line_of(text, "ratelimmq_dispatch_waiting{reason=\"" + reason + "\"} ");
  };
  EXPECT_EQ(waiting("global_cap"), "6");
  EXPECT_EQ(waiting("host_cap"), "4");
  EXPECT_EQ(waiting("host_rate"), "10");
  EXPECT_EQ(waiting("backoff"), "3");
  EXPECT_EQ(waiting("limit"), "8");
  EXPECT_EQ(waiting("turn"), "2");
  EXPECT_EQ(line_of(text, "ratelimmq_dispatch_oldest_waiting_seconds "), "60");
  bed.hosts.waiting(1, {}, {});
  text = bed.metrics();
  EXPECT_EQ(waiting("global_cap"), "5");
  EXPECT_EQ(line_of(text, "ratelimmq_dispatch_oldest_waiting_seconds "), "30");
}

TEST(HostsMetrics, LabelsOfHostsAreFewAndStay) {
  TestBed bed;
  for (int i = 0; i < 100; ++i) {
    for (int n = 0; n <= i; ++n) bed.begin("h" + std::to_string(i));
  }
  bed.begin("other");
  const auto labels = [&] {
    std::vector<std::string> found;
    const std::string text = bed.metrics();
    const std::string start = "ratelimmq_dispatch_host_inflight{host=\"";
    for (size_t at = text.find(start); at != text.npos; at = text.find(start, at + 1)) {
      const size_t name = at + start.size();
      found.push_back(text.substr(name, text.find('"', name) - name));
    }
    return found;
  };
  const std::vector<std::string> first = labels();
  ASSERT_EQ(first.size(), Hosts::kLabelled + 1);
  EXPECT_EQ(std::count(first.begin(), first.end(), "h99"), 1);
  EXPECT_EQ(std::count(first.begin(), first.end(), "h79"), 0);
  EXPECT_EQ(first.back(), "other");
  for (int n = 0; n < 200; ++n) bed.begin("h1");
  EXPECT_EQ(labels(), first);
  EXPECT_EQ(line_of(bed.metrics(), "ratelimmq_dispatch_host_inflight{host=\"other\"} "),
            std::to_string(80 * 81 / 2 + 1 + 200));
}

}  // namespace
}  // namespace dispatch
