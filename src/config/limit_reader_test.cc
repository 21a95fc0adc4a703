// One limit: every spelling that is right, and every problem with its place.
#include "config/limit_reader.h"

#include <gtest/gtest.h>

#include "config/bed.h"

namespace config {
namespace {

using limiter::LimitSpec;

const limit::Gcra& gcra(const LimitSpec& spec) { return std::get<limit::Gcra>(*spec.law); }

TEST(Limit, TextIsGcraAndItsBurstIsTheCountOfItsPeriod) {
  const LimitSpec spec = limit_of("100/s");
  EXPECT_EQ(spec.algorithm, "gcra");
  EXPECT_EQ(spec.rate, (limit::Rate{100, std::chrono::seconds(1)}));
  EXPECT_EQ(gcra(spec).burst(), 100);
  EXPECT_EQ(gcra(limit_of("100/s burst 200")).burst(), 200);
  EXPECT_EQ(gcra(limit_of("20/3m")).burst(), 20);
}

TEST(Limit, BucketsAreThreeNamesOfOneLaw) {
  for (const char* name : {"gcra", "token_bucket", "leaky_bucket"}) {
    const LimitSpec spec =
        limit_of("{rate: 10/s, burst: 30, algorithm: " + std::string(name) + "}");
    EXPECT_EQ(spec.algorithm, name);
    EXPECT_EQ(gcra(spec).burst(), 30);
  }
}

TEST(Limit, AlgorithmChoosesTheLaw) {
  const auto law = [](const std::string& name) {
    return *limit_of("{rate: 10/m, algorithm: " + name + "}").law;
  };
  EXPECT_TRUE(std::holds_alternative<limit::FixedWindow>(law("fixed_window")));
  EXPECT_TRUE(std::holds_alternative<limit::SlidingLog>(law("sliding_window")));
  EXPECT_TRUE(std::holds_alternative<limit::SlidingCounter>(law("sliding_counter")));
}

TEST(Limit, CalendarTakesAUnitAndAZone) {
  const LimitSpec spec = limit_of("{rate: 5/month, algorithm: calendar, zone: Europe/Berlin}");
  EXPECT_EQ(spec.zone, "Europe/Berlin");
  EXPECT_EQ(std::get<limit::FixedWindow>(*spec.law).calendar(), limit::CalendarUnit::kMonth);
  EXPECT_EQ(limit_of("{rate: 5/d, algorithm: calendar}").zone, "UTC");
}

TEST(Limit, ConcurrencyIsACapAndATime) {
  const auto law = std::get<limit::Concurrency>(*limit_of("{concurrency: 10, ttl: 60s}").law);
  EXPECT_EQ(law.cap(), 10);
  EXPECT_EQ(law.ttl_max(), std::chrono::seconds(60));
  EXPECT_EQ(limit_of("{concurrency: 10}").algorithm, "concurrency");
}

TEST(Limit, TermsAreCarried) {
  const LimitSpec spec = limit_of(
      "{name: n, rate: 1/s, counts: requests, overdraft: 7, mode: strict, when_gone: refuse,"
      " shadow: true, quota: true, durable: false, replaces: [a, b]}");
  EXPECT_EQ(spec.name, "n");
  EXPECT_EQ(spec.counts, limiter::Counts::kRequests);
  EXPECT_EQ(spec.overdraft, 7);
  EXPECT_EQ(spec.mode, limiter::Mode::kStrict);
  EXPECT_EQ(spec.when_gone, limiter::WhenGone::kRefuse);
  EXPECT_TRUE(spec.shadow);
  EXPECT_TRUE(spec.quota);
  EXPECT_EQ(spec.replaces, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(spec.mark.line, 1);
}

TEST(Limit, UnlimitedHasNoLaw) { EXPECT_FALSE(limit_of("{unlimited: true}").law); }

TEST(Limit, StoreSettingsAreWhatALimitSaysThatSaysNothing) {
  const Config config = config_of(
      "store: {mode: strict, when_gone: allow}\n"
      "limits: [{domain: d, descriptors: [{key: a, limit: 1/s},"
      " {key: b, limit: {rate: 1/s, mode: granted, when_gone: local}}]}]\n");
  const LimitSpec& silent = config.domains[0].nodes[0].limits[0];
  EXPECT_EQ(silent.mode, limiter::Mode::kStrict);
  EXPECT_EQ(silent.when_gone, limiter::WhenGone::kAllow);
  const LimitSpec& spoken = config.domains[0].nodes[1].limits[0];
  EXPECT_EQ(spoken.mode, limiter::Mode::kGranted);
  EXPECT_EQ(spoken.when_gone, limiter::WhenGone::kLocal);
}

struct Case {
  const char* limit;
  const char* problems;
};

class BadLimit : public testing::TestWithParam<Case> {};

TEST_P(BadLimit, HasItsPlaceAndReason) {
  EXPECT_EQ(problems_of_limit(GetParam().limit), GetParam().problems);
}

INSTANTIATE_TEST_SUITE_P(
    Rates, BadLimit,
    testing::Values(
        Case{"100", "f:3:21: rate \"100\" must be <count>/<period>, as in 100/s\n"},
        Case{"-1/s", "f:3:21: count \"-1\" must be an integer between 0 and 9223372036854775807\n"},
        Case{"99999999999999999999/s",
             "f:3:21: count \"99999999999999999999\" must be an integer between 0 and "
             "9223372036854775807\n"},
        Case{"0/s", "f:3:21: the count of a rate must be above 0\n"},
        Case{"5/fortnight",
             "f:3:21: unknown unit \"fortnight\" in a rate: ms, s, m, h, d, w, second, minute, "
             "hour, day, week, month or year\n"},
        Case{"5/s burst 0",
             "f:3:21: burst \"0\" must be an integer between 1 and 9223372036854775807\n"},
        Case{"{rate: 1/d, burst: 99999999999}",
             "f:3:40: burst 99999999999 at 1/d would take over 73 years to leak away\n"},
        Case{"{rate: [1]}", "f:3:28: rate must be text as in 100/s, not a list\n"},
        Case{"{rate: 1/s, burst: -1}",
             "f:3:40: burst must be an integer between 0 and 9223372036854775807, not '-1'\n"},
        Case{"{rate: 1/s burst 5, burst: 6}", "f:3:48: burst stands in the rate already\n"},
        Case{"[1/s]", "f:3:21: a limit is text as in \"100/s burst 200\" or a map, not a list\n"},
        Case{"", "f:3:14: a limit is text as in \"100/s burst 200\" or a map, not nothing\n"}));

INSTANTIATE_TEST_SUITE_P(
    Algorithms, BadLimit,
    testing::Values(
        Case{"{rate: 1/s, algorithm: tokn_bucket}",
             "f:3:44: algorithm must be gcra, token_bucket, leaky_bucket, fixed_window, "
             "sliding_window, sliding_counter or calendar, not 'tokn_bucket' (token_bucket?)\n"},
        Case{"{rate: 1/s, algorithm: sliding_window, burst: 4}",
             "f:3:67: burst does not go with algorithm sliding_window\n"},
        Case{"{rate: 1/s burst 4, algorithm: fixed_window}",
             "f:3:28: burst does not go with algorithm fixed_window\n"},
        Case{"{rate: 1/s, zone: UTC}", "f:3:39: zone does not go with algorithm gcra\n"},
        Case{"{rate: 1/month}", "f:3:28: month and year go with algorithm: calendar only\n"},
        Case{"{rate: 1/3d, algorithm: calendar}",
             "f:3:28: algorithm: calendar wants a rate per d, w, month or year, not '1/3d'\n"},
        Case{"{rate: 1/d, algorithm: calendar, zone: Europe/Berln}",
             "f:3:60: unknown zone 'Europe/Berln' (Europe/Berlin?)\n"}));

INSTANTIATE_TEST_SUITE_P(
    Terms, BadLimit,
    testing::Values(
        Case{"{}", "f:3:21: a limit needs rate or concurrency\n"},
        Case{"{rate: 1/s, concurrency: 5}", "f:3:28: rate does not go with concurrency\n"},
        Case{"{concurrency: 5, counts: requests, overdraft: 1}",
             "f:3:46: counts does not go with concurrency\n"
             "f:3:67: overdraft does not go with concurrency\n"},
        Case{"{rate: 1/s, ttl: 5s}", "f:3:38: ttl does not go with a rate\n"},
        Case{"{concurrency: 5, ttl: 5}",
             "f:3:43: ttl: '5' is no span: as in 10ms, 30s, 5m, 12h or 7d\n"},
        Case{"{concurrency: 5, durable: true}",
             "f:3:21: a concurrency limit cannot be durable; holds of deliveries survive anyway\n"},
        Case{"{rate: 1/s, shadow: maybe}", "f:3:41: shadow must be true or false\n"},
        Case{"{rate: 1/s, counts: request}",
             "f:3:41: counts must be cost or requests, not 'request' (requests?)\n"},
        Case{"{rate: 1/s, when_gone: deny}",
             "f:3:44: when_gone must be local, refuse or allow, not 'deny'\n"},
        Case{"{rate: 1/s, overdraft: 1.5}",
             "f:3:44: error checking config: overdraft must be an integer, not 1.5\n"},
        Case{"{rat: 1/s}",
             "f:3:21: a limit needs rate or concurrency\n"
             "f:3:22: config error, unknown key 'rat' (rate?)\n"},
        Case{"{unlimited: true, rate: 1/s}", "f:3:45: rate does not go with unlimited\n"}));

TEST(Limit, BeyondABoundOfItsLawHasItsPlace) {
  const std::string cap = std::to_string(limit::Concurrency::kCapMax);
  EXPECT_EQ(problems_of_limit("{concurrency: 9000000}"),
            "f:3:35: concurrency must be an integer between 0 and " + cap + ", not '9000000'\n");
  EXPECT_TRUE(problems_of_limit("{concurrency: 0}").starts_with("f:3:35: "));
  EXPECT_TRUE(
      problems_of_limit("{rate: 2000000/s, algorithm: sliding_window}").starts_with("f:3:28: "));
  EXPECT_TRUE(problems_of_limit("{concurrency: 5, ttl: 0s}").starts_with("f:3:43: "));
}

}  // namespace
}  // namespace config
