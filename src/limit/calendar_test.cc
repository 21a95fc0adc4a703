#include "limit/calendar.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>

#include "limit/testing.h"

namespace limit {
namespace {

using base::Duration;
using base::Time;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;
using namespace std::chrono_literals;

// An instant in UTC, or (with an offset) in local time.
Time utc(year_month_day date, Duration of_day = {}) {
  return Time(sys_days(date).time_since_epoch()) + of_day;
}

Zone fixed(Duration offset) {
  Zone zone;
  zone.first_offset = offset;
  return zone;
}

Zone berlin() {  // 2024 to 2026.
  return {"Europe/Berlin",
          1h,
          {{utc(2024y / 3 / 31, 1h), 2h},
           {utc(2024y / 10 / 27, 1h), 1h},
           {utc(2025y / 3 / 30, 1h), 2h},
           {utc(2025y / 10 / 26, 1h), 1h},
           {utc(2026y / 3 / 29, 1h), 2h},
           {utc(2026y / 10 / 25, 1h), 1h}}};
}

// Clocks went from 23:59:59 to 01:00 on 2018-11-04 and from 24:00 back to 23:00 on 2019-02-16.
Zone sao_paulo() {
  return {
      "America/Sao_Paulo", -3h, {{utc(2018y / 11 / 4, 3h), -2h}, {utc(2019y / 2 / 17, 2h), -3h}}};
}

// Clocks go from 00:00 to 01:00 on 2025-03-30 and from 24:00 back to 23:00 on 2025-10-25.
Zone beirut() {
  return {"Asia/Beirut", 2h, {{utc(2025y / 3 / 29, 22h), 3h}, {utc(2025y / 10 / 25, 21h), 2h}}};
}

// Clocks go back from 01:00 to 00:00 on 2025-10-26: midnight comes twice.
Zone azores() { return {"Atlantic/Azores", 0h, {{utc(2025y / 10 / 26, 1h), -1h}}}; }

// Clocks went back from 00:01 to 23:01 of the day before on 2010-11-07.
Zone st_johns() {
  return {"America/St_Johns", -150min, {{utc(2010y / 11 / 7, 2h + 31min), -210min}}};
}

Span day(const Zone& zone, Time t) { return calendar_window(zone, CalendarUnit::kDay, t); }

TEST(Calendar, WindowsOfUtcAreThoseOfTheCalendar) {
  const Time t = utc(2025y / 7 / 3, 15h);  // A Thursday.
  const auto window = [&](CalendarUnit unit) { return calendar_window(Zone{}, unit, t); };
  EXPECT_EQ(window(CalendarUnit::kDay).start, utc(2025y / 7 / 3));
  EXPECT_EQ(window(CalendarUnit::kDay).end, utc(2025y / 7 / 4));
  EXPECT_EQ(window(CalendarUnit::kWeek).start, utc(2025y / 6 / 30));
  EXPECT_EQ(window(CalendarUnit::kWeek).end, utc(2025y / 7 / 7));
  EXPECT_EQ(window(CalendarUnit::kMonth).start, utc(2025y / 7 / 1));
  EXPECT_EQ(window(CalendarUnit::kMonth).end, utc(2025y / 8 / 1));
  EXPECT_EQ(window(CalendarUnit::kYear).start, utc(2025y / 1 / 1));
  EXPECT_EQ(window(CalendarUnit::kYear).end, utc(2026y / 1 / 1));
}

TEST(Calendar, AWeekBeginsOnMondayAndEndsAfterSunday) {
  for (const auto date : {2025y / 6 / 30, 2025y / 7 / 6}) {
    const Span week = calendar_window(Zone{}, CalendarUnit::kWeek, utc(date, 23h));
    EXPECT_EQ(week.start, utc(2025y / 6 / 30));
    EXPECT_EQ(week.end, utc(2025y / 7 / 7));
  }
}

TEST(Calendar, FebruaryAndTheYearKnowLeapDays) {
  const auto month = [](Time t) { return calendar_window(Zone{}, CalendarUnit::kMonth, t); };
  const Span leap = month(utc(2024y / 2 / 29));
  EXPECT_EQ(leap.end - leap.start, days(29));
  const Span plain = month(utc(2025y / 2 / 28));
  EXPECT_EQ(plain.end - plain.start, days(28));
  const Span december = month(utc(2025y / 12 / 31, 23h));
  EXPECT_EQ(december.end, utc(2026y / 1 / 1));
  const Span year = calendar_window(Zone{}, CalendarUnit::kYear, utc(2024y / 5 / 5));
  EXPECT_EQ(year.end - year.start, days(366));
}

TEST(Calendar, DaysBeforeTheEpochAreDaysToo) {
  const Span eve = day(Zone{}, Time(-1s));
  EXPECT_EQ(eve.start, Time(-24h));
  EXPECT_EQ(eve.end, Time());
}

TEST(Calendar, ALocalDayStartsAtLocalMidnight) {
  const Span tokyo = day(fixed(9h), utc(2025y / 7 / 3, 15h));
  EXPECT_EQ(tokyo.start, utc(2025y / 7 / 3, 15h));
  const Span new_york = day(fixed(-5h), utc(2025y / 7 / 3, 4h));
  EXPECT_EQ(new_york.end, utc(2025y / 7 / 3, 5h));
}

TEST(Calendar, ABerlinDayHas23Or25HoursWhenClocksChange) {
  const Span spring = day(berlin(), utc(2025y / 3 / 30, 12h));
  EXPECT_EQ(spring.start, utc(2025y / 3 / 29, 23h));
  EXPECT_EQ(spring.end - spring.start, hours(23));
  const Span autumn = day(berlin(), utc(2025y / 10 / 26, 12h));
  EXPECT_EQ(autumn.start, utc(2025y / 10 / 25, 22h));
  EXPECT_EQ(autumn.end - autumn.start, hours(25));
  const Span plain = day(berlin(), utc(2025y / 7 / 3, 12h));
  EXPECT_EQ(plain.end - plain.start, hours(24));
}

TEST(Calendar, LongerWindowsFollowTheClocksOfTheirZone) {
  const Span march = calendar_window(berlin(), CalendarUnit::kMonth, utc(2025y / 3 / 15));
  EXPECT_EQ(march.end - march.start, days(31) - hours(1));
  const Span week = calendar_window(berlin(), CalendarUnit::kWeek, utc(2025y / 10 / 26, 12h));
  EXPECT_EQ(week.end - week.start, days(7) + hours(1));
  const Span year = calendar_window(berlin(), CalendarUnit::kYear, utc(2025y / 7 / 1));
  EXPECT_EQ(year.start, utc(2024y / 12 / 31, 23h));
  EXPECT_EQ(year.end - year.start, days(365));
}

TEST(Calendar, AMidnightThatDoesNotExistIsTheChange) {
  const Span sao_paulo_day = day(sao_paulo(), utc(2018y / 11 / 4, 12h));
  EXPECT_EQ(sao_paulo_day.start, utc(2018y / 11 / 4, 3h));  // 01:00 local.
  EXPECT_EQ(sao_paulo_day.end - sao_paulo_day.start, hours(23));
  EXPECT_EQ(day(sao_paulo(), utc(2018y / 11 / 4, 2h)).end, sao_paulo_day.start);
  const Span beirut_day = day(beirut(), utc(2025y / 3 / 30, 12h));
  EXPECT_EQ(beirut_day.start, utc(2025y / 3 / 29, 22h));
  EXPECT_EQ(beirut_day.end - beirut_day.start, hours(23));
}

TEST(Calendar, ClocksSetBackAtMidnightMakeTheDayBeforeLonger) {
  const Span sao_paulo_day = day(sao_paulo(), utc(2019y / 2 / 17, 2h + 30min));  // 23:30 again.
  EXPECT_EQ(sao_paulo_day.start, utc(2019y / 2 / 16, 2h));
  EXPECT_EQ(sao_paulo_day.end, utc(2019y / 2 / 17, 3h));
  const Span beirut_day = day(beirut(), utc(2025y / 10 / 25, 21h + 30min));
  EXPECT_EQ(beirut_day.end - beirut_day.start, hours(25));
}

TEST(Calendar, WhereMidnightComesTwiceTheFirstOneCounts) {
  const Span azores_day = day(azores(), utc(2025y / 10 / 26, 1h + 30min));  // 00:30 again.
  EXPECT_EQ(azores_day.start, utc(2025y / 10 / 26));
  EXPECT_EQ(azores_day.end - azores_day.start, hours(25));
  // St. John's read 00:00:30, then 23:01 of the day before again: that hour is the new day's.
  const Span st_johns_day = day(st_johns(), utc(2010y / 11 / 7, 3h));
  EXPECT_EQ(st_johns_day.start, utc(2010y / 11 / 7, 2h + 30min));
  EXPECT_EQ(st_johns_day.end - st_johns_day.start, hours(25));
  EXPECT_EQ(day(st_johns(), utc(2010y / 11 / 7, 2h + 29min)).end, st_johns_day.start);
}

TEST(Calendar, ADayThatWasSkippedIsNoWindow) {
  const Zone apia{"Pacific/Apia", -10h, {{utc(2011y / 12 / 30, 10h), 14h}}};
  const Span before = day(apia, utc(2011y / 12 / 30, 9h));
  const Span after = day(apia, utc(2011y / 12 / 30, 10h));
  EXPECT_EQ(before.end, utc(2011y / 12 / 30, 10h));
  EXPECT_EQ(after.start, before.end);
  EXPECT_EQ(after.end - after.start, hours(24));
}

Zone any_zone() {
  using rc::gen::inRange;
  Zone zone = fixed(minutes(*inRange(-15 * 60, 15 * 60)));
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(inRange(1, 5000), inRange(-15 * 60, 15 * 60)));
  Time at = utc(2025y / 1 / 1);
  for (const auto& [wait, offset] : steps) {
    at += minutes(wait);
    zone.changes.push_back({at, minutes(offset)});
  }
  return zone;
}

RC_GTEST_PROP(Calendar, WindowsOfAnyZoneLeaveNoGapAndDoNotOverlap, ()) {
  const Zone zone = any_zone();
  RC_ASSERT(zone.check().has_value());
  const auto unit = static_cast<CalendarUnit>(*rc::gen::inRange(0, 4));
  Time t = utc(2024y / 12 / 20) + minutes(*rc::gen::inRange(0, 100'000));
  for (int i = 0; i < 50; ++i) {
    const Span window = calendar_window(zone, unit, t);
    RC_ASSERT(window.start <= t && t < window.end);
    const Span same[] = {calendar_window(zone, unit, window.start),
                         calendar_window(zone, unit, window.end - Duration(1))};
    for (const Span& other : same) {
      RC_ASSERT(other.start == window.start && other.end == window.end);
    }
    RC_ASSERT(calendar_window(zone, unit, window.end).start == window.end);
    t = window.end;
  }
}

}  // namespace
}  // namespace limit
