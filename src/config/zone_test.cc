#include "config/zone.h"

#include <gtest/gtest.h>

#include "config/zone_rule.h"

namespace config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;
using namespace std::chrono_literals;

base::Time at(std::chrono::year_month_day day, base::Duration time) {
  return base::Time(base::Duration(sys_days(day).time_since_epoch()) + time);
}

limit::Zone zone(std::string_view name) {
  const auto read = read_zone(name);
  if (!read) ADD_FAILURE() << read.error().what;
  return read ? *read : limit::Zone();
}

TEST(Zone, DaylightSavingMovesTheClocksOfBerlin) {
  const limit::Zone berlin = zone("Europe/Berlin");
  EXPECT_EQ(berlin.offset_at(at(2026y / 3 / 29, hours(1) - 1ns)), hours(1));
  EXPECT_EQ(berlin.offset_at(at(2026y / 3 / 29, hours(1))), hours(2));
  EXPECT_EQ(berlin.offset_at(at(2026y / 10 / 25, hours(1) - 1ns)), hours(2));
  EXPECT_EQ(berlin.offset_at(at(2026y / 10 / 25, hours(1))), hours(1));
}

TEST(Zone, RuleGoesOnBehindTheListOfItsFile) {
  EXPECT_EQ(zone("Europe/Berlin").offset_at(at(2099y / 7 / 1, 0s)), hours(2));
  EXPECT_EQ(zone("Europe/Berlin").offset_at(at(2099y / 12 / 1, 0s)), hours(1));
  EXPECT_EQ(zone("America/New_York").offset_at(at(2060y / 7 / 1, 0s)), hours(-4));
  EXPECT_EQ(zone("Australia/Sydney").offset_at(at(2060y / 1 / 1, 0s)), hours(11));
  EXPECT_EQ(zone("Australia/Sydney").offset_at(at(2060y / 7 / 1, 0s)), hours(10));
}

TEST(Zone, ChangesAreInOrderAndMoveTheClocks) {
  for (const char* name : {"UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo",
                           "Europe/Dublin", "America/Nuuk", "Antarctica/Troll"}) {
    const limit::Zone read = zone(name);
    EXPECT_TRUE(read.check()) << name;
    EXPECT_EQ(read.name, name);
    base::Duration last = read.first_offset;
    for (const limit::Zone::Change& change : read.changes) {
      EXPECT_NE(change.offset, last) << name;
      last = change.offset;
    }
  }
}

TEST(Zone, FitsCalendarWindows) {
  const auto berlin = std::make_shared<const limit::Zone>(zone("Europe/Berlin"));
  const auto day = limit::FixedWindow::make_calendar(5, limit::CalendarUnit::kDay, berlin);
  ASSERT_TRUE(day);
  const limit::Span spring = day->window_at(at(2026y / 3 / 29, hours(12)));
  EXPECT_EQ(spring.end - spring.start, hours(23));
  const limit::Span autumn = day->window_at(at(2026y / 10 / 25, hours(12)));
  EXPECT_EQ(autumn.end - autumn.start, hours(25));
}

TEST(Zone, UnknownNameIsRefusedWithTheNearest) {
  EXPECT_EQ(read_zone("Europe/Berln").error().what, "unknown zone 'Europe/Berln' (Europe/Berlin?)");
  EXPECT_EQ(read_zone("../../etc/passwd").error().what, "unknown zone '../../etc/passwd'");
  EXPECT_FALSE(read_zone(""));
}

TEST(Zones, OneZoneIsSharedByAllThatNameIt) {
  Zones zones;
  EXPECT_EQ(*zones.find("Europe/Berlin"), *zones.find("Europe/Berlin"));
  EXPECT_NE(*zones.find("Europe/Berlin"), *zones.find("Europe/Paris"));
}

std::string changes(std::string_view rule, std::chrono::year year) {
  const auto parsed = ZoneRule::parse(rule);
  if (!parsed) return "no rule";
  std::string out;
  for (const ZoneRule::Change& change : parsed->changes(year)) {
    const auto day = std::chrono::floor<std::chrono::days>(change.from);
    const std::chrono::year_month_day date(day);
    out += std::to_string(static_cast<unsigned>(date.month())) + '/' +
           std::to_string(static_cast<unsigned>(date.day())) + '+' +
           std::to_string((change.from - day) / minutes(1)) +
           "m=" + std::to_string(change.offset / minutes(1)) + ' ';
  }
  return out;
}

TEST(ZoneRule, ReadsWeekdaysDaysAndOddHours) {
  EXPECT_EQ(changes("CET-1CEST,M3.5.0,M10.5.0/3", 2026y), "3/29+60m=120 10/25+60m=60 ");
  EXPECT_EQ(changes("EST5EDT,M3.2.0,M11.1.0", 2026y), "3/8+420m=-240 11/1+360m=-300 ");
  EXPECT_EQ(changes("<+0330>-3:30<+0430>,J79/24,J263/24", 2024y), "3/20+1230m=270 9/20+1170m=210 ");
  EXPECT_EQ(changes("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2026y), "3/29+60m=-60 10/25+60m=-120 ");
  EXPECT_EQ(changes("IST-1GMT0,M10.5.0,M3.5.0/1", 2026y), "3/29+60m=60 10/25+60m=0 ");
  EXPECT_EQ(changes("X0Y,0/0,365/0", 2024y), "1/1+0m=60 12/30+1380m=0 ");
}

TEST(ZoneRule, OtherTextIsNoRule) {
  for (const char* text :
       {"", "UTC0", "CET-1CEST", "CET", "<+03", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-200CEST,M3.5.0,M10.5.0", "CET-1CEST,J366,J1", "TZif2"}) {
    EXPECT_FALSE(ZoneRule::parse(text)) << text;
  }
}

}  // namespace
}  // namespace config
