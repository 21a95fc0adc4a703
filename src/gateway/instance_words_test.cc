#include "gateway/instance_words.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

TEST(InstanceWords, AFieldWithAControlByteIsLeftOut) {
  const auto decisions = read_checks(
      R"([{"allowed":true,"limit":1,"ratelimit":"\"a\"\r;r=1","ratelimit_policy":"\"a\";q=1"}])",
      1);
  ASSERT_TRUE(decisions && decisions->at(0));
  EXPECT_EQ(decisions->at(0)->rate_limit, "");
  EXPECT_EQ(decisions->at(0)->rate_limit_policy, "\"a\";q=1");
}

TEST(InstanceWords, RetryAfterIsWholeSecondsAndAbsentForNever) {
  const auto seconds = [](const std::string& ms) {
    const auto decisions =
        read_checks(R"([{"allowed":false,"limited_by":"a","retry_after_ms":)" + ms + "}]", 1);
    return decisions->at(0)->retry_after;
  };
  EXPECT_EQ(seconds("0"), "1");
  EXPECT_EQ(seconds("1000"), "1");
  EXPECT_EQ(seconds("1001"), "2");
  EXPECT_EQ(seconds("-1"), "");
}

TEST(InstanceWords, EachRecordOfAListIsReadOnItsOwn) {
  const auto decisions = read_checks(
      R"([{"allowed":true,"limit":1},{"code":"NOTFOUND"},{},{"allowed":false,"limited_by":"x"}])",
      4);
  ASSERT_TRUE(decisions);
  EXPECT_EQ(decisions->at(0)->outcome, Decision::Outcome::kAllowed);
  EXPECT_EQ(decisions->at(1)->reason, Reason::kUnknownDomain);
  EXPECT_FALSE(decisions->at(2));
  EXPECT_EQ(decisions->at(3)->limited_by, "x");
  EXPECT_FALSE(read_checks("[{}]", 2));
}

TEST(InstanceWords, OnlyWhatStandsInARecordItselfIsRead) {
  const auto decisions = read_checks(
      R"([{"allowed":true,"limit":5,"limits":[{"allowed":false,"limit":null,"ratelimit":"no"}],)"
      R"("ratelimi\u0074":"yes","more":{"code":"NOTFOUND","ratelimit_policy":"no"}},)"
      R"([{"allowed":true}],{"limits":[{"allowed":true}]},"allowed",null,{"allowed":{"a":true}}])",
      6);
  ASSERT_TRUE(decisions);
  ASSERT_TRUE(decisions->at(0));
  EXPECT_EQ(decisions->at(0)->outcome, Decision::Outcome::kAllowed);
  EXPECT_EQ(decisions->at(0)->reason, Reason::kLimits);
  EXPECT_EQ(decisions->at(0)->rate_limit, "yes");
  EXPECT_EQ(decisions->at(0)->rate_limit_policy, "");
  for (size_t i = 1; i < 6; ++i) EXPECT_FALSE(decisions->at(i)) << i;
}

TEST(InstanceWords, NothingIsLeftOfOneRecordInTheNext) {
  const auto decisions =
      read_checks(R"([{"allowed":false,"limited_by":"blocked","ratelimit":"a","retry_after_ms":7},)"
                  R"({"allowed":false},{"allowed":true,"limit":null},{"allowed":true}])",
                  4);
  ASSERT_TRUE(decisions && decisions->at(1) && decisions->at(3));
  EXPECT_EQ(decisions->at(0)->reason, Reason::kBlocked);
  EXPECT_EQ(decisions->at(1)->reason, Reason::kLimits);
  EXPECT_EQ(decisions->at(1)->rate_limit + decisions->at(1)->limited_by, "");
  EXPECT_FALSE(decisions->at(1)->retry_after_ms);
  EXPECT_EQ(decisions->at(2)->reason, Reason::kNoLimit);
  EXPECT_EQ(decisions->at(3)->reason, Reason::kLimits);
}

TEST(InstanceWords, WhatIsNoListIsNoAnswer) {
  for (const char* body : {"", "{}", "1", "\"a\"", "null", "[", "[{}", "[{}]]", "[{}] x", "[{},]",
                           "[{\"allowed\":tru}]", "[{\"allowed\" true}]", "{\"0\":{}}"}) {
    EXPECT_FALSE(read_checks(body, 1)) << body;
  }
  EXPECT_TRUE(read_checks(" [ {} ] ", 1));
  EXPECT_TRUE(read_checks("[]", 0));
  for (const char* body : {"[{},{}]", "[{},1]", "[{},[]]", "[{},null]"}) {
    EXPECT_FALSE(read_checks(body, 1)) << body;
    EXPECT_TRUE(read_checks(body, 2)) << body;
  }
}

TEST(InstanceWords, RendezvousHashesWhatIsAsked) {
  static constexpr limiter::Entry kEntries[] = {{"client_ip", "192.0.2.1"}, {"path", "/a"}};
  static constexpr limiter::Descriptor kDescriptors[] = {kEntries};
  EXPECT_EQ(key_of({.domain = "api", .descriptors = kDescriptors}),
            "api client_ip=192.0.2.1,path=/a");
}

}  // namespace
}  // namespace gateway
