#include "limit/rate.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "limit/arithmetic.h"
#include "limit/testing.h"

namespace limit {
namespace {

using base::Duration;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

RateText parsed(std::string_view text) { return parse_rate(text).value(); }

TEST(Rate, IsACountPerPeriod) {
  EXPECT_EQ(parsed("100/s").rate, (Rate{100, seconds(1)}));
  EXPECT_EQ(parsed("20/3m").rate, (Rate{20, minutes(3)}));
  EXPECT_EQ(parsed("1/250ms").rate, (Rate{1, milliseconds(250)}));
  EXPECT_EQ(parsed("7/2h").rate, (Rate{7, hours(2)}));
  EXPECT_EQ(parsed("1000/d").rate, (Rate{1000, days(1)}));
  EXPECT_EQ(parsed("1/w").rate, (Rate{1, days(7)}));
  EXPECT_EQ(parsed("3/15us").rate, (Rate{3, Duration(15'000)}));
  EXPECT_EQ(parsed("3/10ns").rate, (Rate{3, Duration(10)}));
  EXPECT_EQ(parsed("0/s").rate.count, 0);
  EXPECT_EQ(parsed("9223372036854775807/s").rate.count, kUnitsMax);
}

TEST(Rate, EnvoysUnitsAreReadInAnyCase) {
  EXPECT_EQ(parsed("5/second").rate.period, seconds(1));
  EXPECT_EQ(parsed("5/MINUTE").rate.period, minutes(1));
  EXPECT_EQ(parsed("5/Hour").rate.period, hours(1));
  EXPECT_EQ(parsed("5/2day").rate.period, days(2));
  EXPECT_EQ(parsed("5/week").rate.period, days(7));
  EXPECT_EQ(parsed("5/Month").rate.period, days(30));
  EXPECT_EQ(parsed("5/YEAR").rate.period, days(365));
}

TEST(Rate, KnowsWhichPeriodsTheCalendarHas) {
  EXPECT_EQ(parsed("5/d").calendar, CalendarUnit::kDay);
  EXPECT_EQ(parsed("5/1d").calendar, CalendarUnit::kDay);
  EXPECT_EQ(parsed("5/week").calendar, CalendarUnit::kWeek);
  EXPECT_EQ(parsed("5/month").calendar, CalendarUnit::kMonth);
  EXPECT_EQ(parsed("5/year").calendar, CalendarUnit::kYear);
  EXPECT_EQ(parsed("5/2d").calendar, std::nullopt);
  EXPECT_EQ(parsed("5/24h").calendar, std::nullopt);
  EXPECT_TRUE(parsed("5/month").calendar_only);
  EXPECT_TRUE(parsed("5/year").calendar_only);
  EXPECT_FALSE(parsed("5/d").calendar_only);
}

TEST(Rate, MayNameABurst) {
  EXPECT_EQ(parsed("100/s burst 200").burst, 200);
  EXPECT_EQ(parsed("100/s   burst   1").burst, 1);
  EXPECT_EQ(parsed("100/s").burst, std::nullopt);
}

struct Fault {
  std::string_view text, field, what;  // `what` quotes the faulty part.
};

TEST(Rate, ErrorsQuoteTheFaultyPart) {
  for (const auto& [text, field, what] : std::initializer_list<Fault>{
           {"", "rate", "\"\""},
           {"100", "rate", "\"100\""},
           {"/s", "rate", "count \"\""},
           {"-5/s", "rate", "count \"-5\""},
           {"+5/s", "rate", "count \"+5\""},
           {"1.5/s", "rate", "count \"1.5\""},
           {"x/s", "rate", "count \"x\""},
           {"9223372036854775808/s", "rate", "count \"9223372036854775808\""},
           {"5/", "rate", "unit \"\""},
           {"5/0s", "rate", "factor \"0\""},
           {"5/-1s", "rate", "unit \"-1s\""},
           {"5/10", "rate", "unit \"\""},
           {"5/S", "rate", "unit \"S\""},
           {"5/M", "rate", "unit \"M\""},
           {"5/seconds", "rate", "unit \"seconds\""},
           {"5/s/s", "rate", "unit \"s/s\""},
           {"5/s\t", "rate", "unit \"s\t\""},
           {"5 /s", "rate", "\"5 /s\""},
           {" 5/s", "rate", "\" 5/s\""},
           {"5/3month", "rate", "\"3month\""},
           {"5/300000000m", "rate", "\"300000000m\""},
           {"5/99999999999999999999s", "rate", "factor \"99999999999999999999\""},
           {"5/s ", "rate", "\"\""},
           {"5/s per user", "rate", "\"per user\""},
           {"5/s burst", "burst", "burst \"\""},
           {"5/s burst0", "rate", "\"burst0\""},
           {"5/s burst 0", "burst", "burst \"0\""},
           {"5/s burst -1", "burst", "burst \"-1\""},
           {"5/s burst 5 ", "burst", "burst \"5 \""},
           {"5/s burst 5 6", "burst", "burst \"5 6\""},
       }) {
    const base::Result<RateText> rate = parse_rate(text);
    ASSERT_FALSE(rate.has_value()) << text;
    EXPECT_EQ(rate.error().code, base::Code::kInvalid);
    EXPECT_EQ(rate.error().field, field) << text;
    EXPECT_THAT(rate.error().what, HasSubstr(what)) << text;
  }
}

TEST(Rate, AnErrorStaysShortWhateverWasSent) {
  EXPECT_LT(parse_rate(std::string(1'000'000, 'x')).error().what.size(), 200u);
}

TEST(Rate, IsWrittenInItsShortestSpelling) {
  EXPECT_EQ(to_string({3, seconds(10)}), "3/10s");
  EXPECT_EQ(to_string({100, seconds(60)}), "100/m");
  EXPECT_EQ(to_string({100, seconds(90)}), "100/90s");
  EXPECT_EQ(to_string({6, hours(48)}), "6/2d");
  EXPECT_EQ(to_string({6, days(14)}), "6/2w");
  EXPECT_EQ(to_string({6, days(30)}), "6/30d");
  EXPECT_EQ(to_string({6, milliseconds(1500)}), "6/1500ms");
  EXPECT_EQ(to_string({0, Duration(1)}), "0/ns");
}

RC_GTEST_PROP(Rate, ReadsWhatItWrites, ()) {
  const Rate rate = *rates(0);
  RC_ASSERT(parsed(to_string(rate)).rate == rate);
}

TEST(Rate, OfAWindowIsBounded) {
  EXPECT_TRUE(check_window_rate({0, seconds(1)}).has_value());
  EXPECT_TRUE(check_window_rate({kUnitsMax, kWindowMax}).has_value());
  EXPECT_EQ(check_window_rate({-1, seconds(1)}).error().field, "rate");
  EXPECT_EQ(check_window_rate({1, seconds(0)}).error().field, "rate");
  EXPECT_EQ(check_window_rate({1, seconds(-1)}).error().field, "rate");
  EXPECT_EQ(check_window_rate({1, kWindowMax + Duration(1)}).error().field, "rate");
}

}  // namespace
}  // namespace limit
