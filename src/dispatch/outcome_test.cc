#include "dispatch/outcome.h"

#include <gtest/gtest.h>

#include "queue/settings.h"

namespace dispatch {
namespace {

using namespace std::chrono_literals;

const base::Time kWall = base::time_from(1'795'262'400'000'000'000);  // 21 Nov 2026, 12:00 UTC.

Exchange answer(int status, std::string_view retry_after = {}, std::string_view ratelimit = {}) {
  return {.status = status, .retry_after = retry_after, .ratelimit = ratelimit};
}
Judgement judged(const Exchange& exchange, base::Duration age = 0s) {
  return judge(exchange, kWall, age);
}

TEST(Outcome, EveryTwoHundredIsDoneAndProvesTheHostAlive) {
  for (const int status : {200, 201, 202, 204, 299}) {
    const Judgement got = judged(answer(status));
    EXPECT_EQ(got.outcome, Outcome::kDone) << status;
    EXPECT_TRUE(got.host_alive && !got.host_busy && !got.host_failed) << status;
    EXPECT_EQ(got.reason, "");
  }
}

TEST(Outcome, ATwoHundredBlocksNobodyWhateverItsFieldsSay) {
  const Judgement got = judged(answer(200, "30", R"("p";r=0;t=30)"));
  EXPECT_EQ(got.outcome, Outcome::kDone);
  EXPECT_FALSE(got.host_busy);
}

TEST(Outcome, TooManyRequestsGoesBackAndBlocksTheHostAsLongAsItSays) {
  const Judgement got = judged(answer(429, "30"));
  EXPECT_EQ(got.outcome, Outcome::kGoesBack);
  EXPECT_TRUE(got.host_busy && got.host_alive && !got.host_failed);
  EXPECT_EQ(got.host_wait, 30s);
  EXPECT_EQ(got.reason, "429 Retry-After 30 s");
}

TEST(Outcome, RetryAfterWinsOverRateLimitWhichWinsOverNothing) {
  EXPECT_EQ(judged(answer(429, "2", R"("p";r=0;t=30)")).host_wait, 2s);
  const Judgement by_field = judged(answer(429, "soon", R"("p";r=0;t=30)"));
  EXPECT_EQ(by_field.host_wait, 30s);
  EXPECT_EQ(by_field.reason, "429 RateLimit 30 s");
  const Judgement silent = judged(answer(429, "soon"));
  EXPECT_EQ(silent.outcome, Outcome::kGoesBack);
  EXPECT_TRUE(silent.host_busy);
  EXPECT_EQ(silent.host_wait, std::nullopt);
  EXPECT_EQ(silent.reason, "429");
}

TEST(Outcome, UnavailableGoesBackOnlyIfItSaysUntilWhen) {
  const Judgement told = judged(answer(503, "0"));
  EXPECT_EQ(told.outcome, Outcome::kGoesBack);
  EXPECT_TRUE(told.host_busy);
  EXPECT_EQ(told.host_wait, 0s);
  for (const char* field : {"", "-5", "1.5", "inf"}) {
    const Judgement untold = judged(answer(503, field, R"("p";r=0;t=30)"));
    EXPECT_EQ(untold.outcome, Outcome::kFailed) << field;
    EXPECT_TRUE(untold.host_failed && !untold.host_busy && !untold.host_alive) << field;
    EXPECT_EQ(untold.reason, "503");
  }
}

TEST(Outcome, WhatGoesBackForADayIsAFailureThatStillBlocksTheHost) {
  EXPECT_EQ(judged(answer(429, "30"), kGoesBackMax - 1ns).outcome, Outcome::kGoesBack);
  const Judgement got = judged(answer(429, "30"), kGoesBackMax);
  EXPECT_EQ(got.outcome, Outcome::kFailed);
  EXPECT_TRUE(got.host_busy && !got.host_failed);
  EXPECT_EQ(got.reason, "429 Retry-After 30 s, enqueued over 24 h ago");
}

TEST(Outcome, GoneIsDead) {
  const Judgement got = judged(answer(410));
  EXPECT_EQ(got.outcome, Outcome::kDead);
  EXPECT_TRUE(got.host_alive);
  EXPECT_EQ(got.reason, "410");
}

TEST(Outcome, OtherAnswersAreFailuresAndOnlyThoseOfServersCountAgainstTheHost) {
  for (const int status : {100, 301, 304, 308, 400, 404, 408, 425, 499}) {
    const Judgement got = judged(answer(status, "30"));
    EXPECT_EQ(got.outcome, Outcome::kFailed) << status;
    EXPECT_TRUE(got.host_alive && !got.host_failed && !got.host_busy) << status;
    EXPECT_EQ(got.reason, std::to_string(status));
  }
  for (const int status : {500, 501, 502, 504, 599, 999}) {
    const Judgement got = judged(answer(status, "30"));
    EXPECT_EQ(got.outcome, Outcome::kFailed) << status;
    EXPECT_TRUE(got.host_failed && !got.host_alive && !got.host_busy) << status;
  }
}

TEST(Outcome, NoAnswerIsAFailureOfTheHost) {
  for (const Failure failure : {Failure::kDns, Failure::kConnect, Failure::kTls, Failure::kTimeout,
                                Failure::kBroken, Failure::kNone}) {
    const Judgement got = judged({.failure = failure});
    EXPECT_EQ(got.outcome, Outcome::kFailed);
    EXPECT_TRUE(got.host_failed && !got.host_alive && !got.host_busy);
  }
  EXPECT_EQ(judged({.failure = Failure::kTimeout, .error = "no byte in 10 s"}).reason,
            "timeout: no byte in 10 s");
}

TEST(Outcome, AFailureCountsWhateverStatusCameBeforeIt) {
  const Judgement got = judged({.failure = Failure::kTimeout, .status = 200});
  EXPECT_EQ(got.outcome, Outcome::kFailed);
  EXPECT_TRUE(got.host_failed);
}

TEST(Outcome, AnAnswerTooLargeIsAFailureOfALivingHost) {
  const Judgement got = judged({.failure = Failure::kTooLarge, .status = 200});
  EXPECT_EQ(got.outcome, Outcome::kFailed);
  EXPECT_TRUE(got.host_alive && !got.host_failed);
}

TEST(Outcome, WhatTheGuardRefusesIsDeadAndSaysNothingOfTheHost) {
  const Judgement got = judged({.failure = Failure::kRefused, .error = "127.0.0.0/8"});
  EXPECT_EQ(got.outcome, Outcome::kDead);
  EXPECT_TRUE(!got.host_alive && !got.host_failed && !got.host_busy);
  EXPECT_EQ(got.reason, "refused: 127.0.0.0/8");
}

TEST(Outcome, AReasonFitsAndKeepsItsLastCharacterWhole) {
  for (size_t pad = 0; pad < 4; ++pad) {
    std::string error(pad, 'x');
    while (error.size() < 2 * queue::kReasonBytesMax) error += "\xC3\xA9";
    const std::string reason = judged({.failure = Failure::kTls, .error = error}).reason;
    EXPECT_LE(reason.size(), queue::kReasonBytesMax);
    EXPECT_GE(reason.size(), queue::kReasonBytesMax - 1);
    EXPECT_EQ(reason.back(), '\xA9');
  }
}

}  // namespace
}  // namespace dispatch
