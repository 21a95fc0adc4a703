#include "command/http_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "command/http_bed.h"
#include "limiter/rate_fields.h"

namespace command {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RateLimitFields, AnAllowedDecisionShowsWhatIsLeft) {
  HttpBed bed;
  const Asked asked = bed.check("tenant", "a", 3);
  EXPECT_EQ(asked.header("RateLimit-Policy"), R"("per-tenant";q=10;w=1)");
  EXPECT_EQ(asked.header("RateLimit"), R"("per-tenant";r=7;t=1)");
  EXPECT_EQ(asked.header("Retry-After"), "");
}

TEST(RateLimitFields, ABucketSpeaksOfItsNextUnitAndAWindowOfItsEnd) {
  HttpBed bed;
  EXPECT_EQ(bed.check("slow", "a").header("RateLimit"), R"("slowly";r=0;t=4)");
  EXPECT_EQ(bed.check("slow", "a").header("RateLimit-Policy"), R"("slowly";q=1;w=4)");
  const int64_t into_the_day = kBedStart / 1'000'000'000 % 86400;
  EXPECT_EQ(bed.check("day", "a").header("RateLimit"),
            R"("daily";r=99;t=)" + std::to_string(86400 - into_the_day));
}

TEST(RateLimitFields, ARefusalShowsOnlyWhatRefuses) {
  HttpBed bed;
  bed.check("both", "x", 2);
  const Asked refused = bed.check("both", "x");
  ASSERT_EQ(refused.status, 429);
  const std::string left = std::to_string(3600 - kBedStart / 1'000'000'000 % 3600);
  EXPECT_EQ(refused.header("RateLimit"), R"("hourly";r=0;t=)" + left);
  EXPECT_EQ(refused.header("RateLimit-Policy"), R"("hourly";q=2;w=3600, "fast";q=10;w=1)");
  EXPECT_EQ(refused.header("Retry-After"), left);
}

TEST(RateLimitFields, RetryAfterIsAtLeastASecond) {
  HttpBed bed;
  bed.check("tenant", "a", 10);
  const Asked refused = bed.check("tenant", "a");
  EXPECT_EQ(refused.at("retry_after_ms"), "100");
  EXPECT_EQ(refused.header("Retry-After"), "1");
}

TEST(RateLimitFields, ConcurrencyHasItsUnitAndNoWindow) {
  HttpBed bed;
  const Asked asked = bed.check("job", "x");
  EXPECT_EQ(asked.header("RateLimit-Policy"), R"("jobs";q=2;qu="concurrent-requests")");
  EXPECT_EQ(asked.header("RateLimit"), R"("jobs";r=2)");
}

TEST(RateLimitFields, ShadowAndUnlimitedLimitsAreLeftOut) {
  HttpBed bed;
  bed.check("watched", "x");
  const Asked watched = bed.check("watched", "x");
  EXPECT_EQ(watched.status, 200);
  EXPECT_FALSE(watched.json().at("limits").at(0).at("allowed").as_bool());
  EXPECT_TRUE(watched.headers.empty());
  EXPECT_TRUE(bed.check("free", "x").headers.empty());
  EXPECT_TRUE(bed.check("nobody", "x").headers.empty());
}

TEST(RateLimitFields, ANameStandsOnceWithTheLeastThatRemains) {
  HttpBed bed;
  bed.check("tenant", "b", 4);
  const Asked asked = bed.post("/v1/check", R"({"domain":"api","descriptors":[
      [["tenant","a"]],[["tenant","b"]],[["tenant","c"]]]})");
  EXPECT_EQ(asked.header("RateLimit"), R"("per-tenant";r=5;t=1)");
}

TEST(RateLimitFields, AtMostSixteenNamesAndThoseThatRefuseAreAmongThem) {
  limiter::DomainSpec api;
  api.name = "api";
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    api.nodes.push_back(bed_node("k" + number, {bed_gcra("n" + number, {5, hours(1)}, 5)}));
  }
  std::vector<limiter::DomainSpec> specs;
  specs.push_back(std::move(api));
  HttpBed bed(std::move(specs));
  bed.check("k19", "x", 5);
  std::string body = R"({"domain":"api","descriptors":[)";
  for (int i = 0; i < 20; ++i) {
    body += std::string(i == 0 ? "" : ",") + "[[\"k" + std::to_string(i) + "\",\"x\"]]";
  }
  const Asked refused = bed.post("/v1/check", body + "]}");
  EXPECT_EQ(refused.header("RateLimit"), R"("n19";r=0;t=720)");
  const std::string policy = refused.header("RateLimit-Policy");
  EXPECT_EQ(std::ranges::count(policy, ','), 15);
  EXPECT_TRUE(policy.starts_with(R"("n19";q=5;w=3600, "n0")"));
}

TEST(RateLimitFields, NoNameLeavesItsString) {
  HttpBed bed;
  EXPECT_EQ(bed.check("odd", "x").header("RateLimit-Policy"), R"("a\"b\\c%0D%0A%C3%A9";q=1;w=1)");
  rc::check([](const std::string& name) {
    std::string out;
    limiter::append_sf_string(name, out);
    RC_ASSERT(out.size() >= 2 && out.front() == '"' && out.back() == '"');
    for (size_t i = 1; i + 1 < out.size(); ++i) {
      RC_ASSERT(out[i] >= 0x20 && out[i] < 0x7f && out[i] != '"');
      if (out[i] == '\\') ++i;
    }
  });
}

TEST(RateLimitFields, NumbersStayWithinFifteenDigits) {
  limiter::DomainSpec api;
  api.name = "api";
  api.nodes.push_back(bed_node("huge", {bed_window("huge", {int64_t{1} << 62, hours(1)})}));
  std::vector<limiter::DomainSpec> specs;
  specs.push_back(std::move(api));
  HttpBed bed(std::move(specs));
  EXPECT_EQ(bed.check("huge", "x").header("RateLimit-Policy"),
            R"("huge";q=999999999999999;w=3600)");
}

// The promise behind `t` and Retry-After: waiting that long is never too short.
RC_GTEST_PROP(RateLimitFields, WaitingAsToldIsEnough, ()) {
  const auto count = *rc::gen::inRange<int64_t>(1, 20);
  const auto burst = *rc::gen::inRange<int64_t>(1, 20);
  const auto period = *rc::gen::inRange<int64_t>(1, 100'000);
  limiter::DomainSpec api;
  api.name = "api";
  api.nodes.push_back(bed_node("k", {bed_gcra("n", {count, milliseconds(period)}, burst)}));
  std::vector<limiter::DomainSpec> specs;
  specs.push_back(std::move(api));
  HttpBed bed(std::move(specs));
  const auto steps = *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(1, 20));
  for (const int64_t cost : steps) {
    const Asked asked = bed.check("k", "x", std::min(cost, burst));
    const std::string field = asked.header("RateLimit");
    const size_t t = field.find(";t=");
    if (t == std::string::npos) continue;
    const int64_t before = asked.json().at("remaining").as_int64();
    bed.clock.pass(seconds(std::stoll(field.substr(t + 3))));
    if (asked.status == 429) {
      RC_ASSERT(std::stoll(asked.header("Retry-After")) >= std::stoll(field.substr(t + 3)));
      RC_ASSERT(bed.check("k", "x", std::min(cost, burst)).status == 200);
    } else {
      RC_ASSERT(bed.check("k", "x", 0).json().at("remaining").as_int64() > before);
    }
  }
}

}  // namespace
}  // namespace command
