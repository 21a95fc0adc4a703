#include "dispatch/retry_after.h"

#include <gtest/gtest.h>

#include "dispatch/structured.h"

namespace dispatch {
namespace {

using namespace std::chrono_literals;

const base::Time kWall = base::time_from(1'795'262'400'000'000'000);  // 21 Nov 2026, 12:00 UTC.
const auto kNone = std::nullopt;

auto wait(std::string_view field, base::Time wall = kWall) {
  return parse_retry_after(field, wall);
}

TEST(RetryAfter, SecondsAreCutToADay) {
  EXPECT_EQ(wait("0"), 0s);
  EXPECT_EQ(wait(" \t120 "), 120s);
  EXPECT_EQ(wait("0086400"), 24h);
  EXPECT_EQ(wait("86401"), 24h);
  EXPECT_EQ(wait("99999999999999999999999999"), 24h);
}

TEST(RetryAfter, TheThreeFormsOfADateAreOneInstant) {
  for (const char* field : {"Sat, 21 Nov 2026 12:02:00 GMT", "Saturday, 21-Nov-26 12:02:00 GMT",
                            "Sat Nov 21 12:02:00 2026"})
    EXPECT_EQ(wait(field), 120s) << field;
  EXPECT_EQ(wait("Tue Dec  1 12:00:00 2026", kWall + 24h * 10 - 5s), 5s);
}

TEST(RetryAfter, PartsOfTheSecondThatRunsAreNotWaitedFor) {
  EXPECT_EQ(wait("Sat, 21 Nov 2026 12:02:00 GMT", kWall + 250ms), 119'750ms);
}

TEST(RetryAfter, ADateThatHasPassedIsZeroAndAFarOneADay) {
  EXPECT_EQ(wait("Sat, 21 Nov 2026 11:59:59 GMT"), 0s);
  EXPECT_EQ(wait("Thu, 01 Jan 1970 00:00:00 GMT"), 0s);
  EXPECT_EQ(wait("Mon, 01 Jan 0001 00:00:00 GMT"), 0s);
  EXPECT_EQ(wait("Wed, 31 Dec 2138 02:26:59 GMT"), 24h);
  EXPECT_EQ(wait("Fri, 31 Dec 9999 23:59:59 GMT"), 24h);
  EXPECT_EQ(wait("Sun, 22 Nov 2026 12:00:01 GMT"), 24h);
}

TEST(RetryAfter, AYearOfTwoDigitsIsAtMostFiftyYearsAhead) {
  EXPECT_EQ(wait("Saturday, 21-Nov-76 12:02:00 GMT"), 24h);
  EXPECT_EQ(wait("Monday, 21-Nov-77 12:02:00 GMT"), 0s);
}

TEST(RetryAfter, ALeapSecondIsOneAndAMissingDayIsNone) {
  EXPECT_EQ(wait("Sat, 21 Nov 2026 12:00:60 GMT"), 60s);
  EXPECT_EQ(wait("Sun, 29 Feb 2026 12:00:00 GMT"), kNone);
}

TEST(RetryAfter, AnythingElseIsNothing) {
  for (const char* field : {"",
                            " ",
                            "-5",
                            "+5",
                            "1.5",
                            "inf",
                            "6m5s",
                            "5 s",
                            "0x10",
                            "1e3",
                            "5,5",
                            "\"5\"",
                            "sat, 21 Nov 2026 12:02:00 GMT",
                            "Sat, 21 nov 2026 12:02:00 GMT",
                            "Sat, 21 Nov 2026 12:02:00 UTC",
                            "Sat, 21 Nov 2026 12:02:00 GMT+1",
                            "Sat, 21 Nov 2026 12:02:00",
                            "Sat, 1 Nov 2026 12:02:00 GMT",
                            "Sat, 21 Nov 2026 24:02:00 GMT",
                            "Sat, 21 Nov 2026 12:60:00 GMT",
                            "Sat, 21 Nov 2026 12:02:61 GMT",
                            "Sat,21 Nov 2026 12:02:00 GMT",
                            "Sat, 00 Nov 2026 12:02:00 GMT",
                            "Sat, 21 Nov 26 12:02:00 GMT",
                            "Sat, 21-Nov-26 12:02:00 GMT",
                            "Sat Nov 1 12:02:00 2026",
                            "2026-11-21T12:02:00Z"})
    EXPECT_EQ(wait(field), kNone) << field;
}

TEST(RetryAfter, AFieldCutAnywhereIsHarmless) {
  const std::string field = "Sat, 21 Nov 2026 12:02:00 GMT";
  for (size_t size = 0; size < field.size(); ++size)
    EXPECT_EQ(wait(field.substr(0, size)), kNone) << size;
}

TEST(RateLimitField, SaysWhenUnitsComeBackOnlyIfNoneIsLeft) {
  EXPECT_EQ(parse_ratelimit(R"("default";r=0;t=30)", ""), 30s);
  EXPECT_EQ(parse_ratelimit(R"("default";r=50;t=30)", ""), kNone);
  EXPECT_EQ(parse_ratelimit(R"("default";r=0)", ""), kNone);
  EXPECT_EQ(parse_ratelimit("", ""), kNone);
}

TEST(RateLimitField, OfSeveralPoliciesTheStrictestCounts) {
  EXPECT_EQ(parse_ratelimit(R"("a";r=0;t=5, "b";r=0;t=60,"c";r=9;t=900)", ""), 60s);
}

TEST(RateLimitField, AHostileTimeIsCutToADay) {
  EXPECT_EQ(parse_ratelimit(R"("p";r=0;t=999999999999)", ""), 24h);
}

TEST(RateLimitField, OneFaultSpoilsTheWholeField) {
  for (const char* field :
       {R"("a";r=0;t=5,"b";r=-1;t=5)", R"("a";r=0;t=5,"b";t=5)", R"("a";r=0;t=-5)",
        R"("a";r=0;t=1.5)", R"("a";r=1.5;t=5)", R"("a";r="0";t=5)", R"("a";r=0;t=x)",
        R"("a";r=0;t=5,)", R"("a;r=0;t=5)", R"(a;r=0;t=5)", R"("a" r=0;t=5)", R"("a";R=0;t=5)",
        R"(("a");r=0;t=5)", R"("a";r=0;t=1000000000000000)", "r=0;t=5"})
    EXPECT_EQ(parse_ratelimit(field, ""), kNone) << field;
}

TEST(RateLimitField, OfACachedAnswerItSaysNothing) {
  EXPECT_EQ(parse_ratelimit(R"("a";r=0;t=5)", "1"), kNone);
  EXPECT_EQ(parse_ratelimit(R"("a";r=0;t=5)", "0"), 5s);
  EXPECT_EQ(parse_ratelimit(R"("a";r=0;t=5)", "old"), 5s);
}

TEST(Structured, ReadsEveryKindOfParameterAndKeepsNumbersAndBytes) {
  const auto list = parse_string_list(
      R"( "a\"\\b";q=100;d=-1.250;s="x;y,z";k=*tok/en:x;b;f=?0;pk=:cHsdsRa894==:;u=%"%41";t=@5;n=-7 ,)"
      R"(	"c"; q=1;q=2)");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2u);
  const Member& first = list->front();
  EXPECT_EQ(first.name, R"(a"\b)");
  EXPECT_EQ(*first.find("q"), Item(int64_t{100}));
  EXPECT_EQ(*first.find("n"), Item(int64_t{-7}));
  EXPECT_EQ(*first.find("pk"), Item(Bytes{"cHsdsRa894=="}));
  for (const char* other : {"d", "s", "k", "b", "f", "u", "t"})
    EXPECT_EQ(*first.find(other), Item()) << other;
  EXPECT_EQ(first.find("z"), nullptr);
  EXPECT_EQ(*list->back().find("q"), Item(int64_t{2}));
}

TEST(Structured, WhatIsNoListOfStringsIsNothing) {
  EXPECT_TRUE(parse_string_list("  ")->empty());
  for (const char* field : {"\"",
                            "\"a",
                            "\"a\\",
                            "\"a\\x\"",
                            "\"\x01\"",
                            "\"\xC3\xA9\"",
                            "\"a\" \"b\"",
                            "\"a\";",
                            "\"a\";=1",
                            "\"a\";q=",
                            "\"a\";q=1.",
                            "\"a\";q=1.2345",
                            "\"a\";q=1234567890123.1",
                            "\"a\";q=:x",
                            "\"a\";q=:-:",
                            "\"a\";q=?2",
                            "\"a\";q=?",
                            "\"a\";q=@x",
                            "\"a\";q=@1.5",
                            "\"a\";q=--1",
                            "\"a\";q=1 2",
                            "\"a\",,\"b\"",
                            "5",
                            "tok"})
    EXPECT_EQ(parse_string_list(field), std::nullopt) << field;
}

TEST(Structured, ALongListIsRefusedAndNotReadForLong) {
  const auto repeated = [](size_t times, std::string_view first, auto&& each) {
    std::string field(first);
    for (size_t i = 1; i < times; ++i) field += each(i);
    return parse_string_list(field).has_value();
  };
  const auto member = [](size_t) { return std::string(R"(,"a")"); };
  EXPECT_TRUE(repeated(kMembersMax, R"("a")", member));
  EXPECT_FALSE(repeated(kMembersMax + 1, R"("a")", member));
  const auto parameter = [](size_t i) { return ";p" + std::to_string(i); };
  EXPECT_TRUE(repeated(kParametersMax, R"("a";p0)", parameter));
  EXPECT_FALSE(repeated(kParametersMax + 1, R"("a";p0)", parameter));
}

}  // namespace
}  // namespace dispatch
