#include "limit/calendar.h"

#include <algorithm>
#include <chrono>

namespace limit {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

struct Days {
  sys_days first, next;  // The first day of a window and of the one after it.
};

Days days_of(CalendarUnit unit, sys_days day) {
  const year_month_day date(day);
  switch (unit) {
    case CalendarUnit::kDay:
      return {day, day + days(1)};
    case CalendarUnit::kWeek: {
      const sys_days monday = day - (std::chrono::weekday(day) - std::chrono::Monday);
      return {monday, monday + days(7)};
    }
    case CalendarUnit::kMonth: {
      const auto month = date.year() / date.month();
      return {month / 1, (month + std::chrono::months(1)) / 1};
    }
    case CalendarUnit::kYear:
      break;
  }
  return {date.year() / 1 / 1, (date.year() + std::chrono::years(1)) / 1 / 1};
}

// The piece of constant offset that t lies in: 0 is the one before the first change.
size_t piece_at(const Zone& zone, base::Time t) {
  const auto next = std::ranges::upper_bound(zone.changes, t, {}, &Zone::Change::from);
  return static_cast<size_t>(next - zone.changes.begin());
}

base::Duration offset_of(const Zone& zone, size_t piece) {
  return piece == 0 ? zone.first_offset : zone.changes[piece - 1].offset;
}

}  // namespace

base::Status Zone::check() const {
  const auto wild = [](base::Duration offset) {
    return offset > kOffsetMax || offset < -kOffsetMax;
  };
  bool bad = wild(first_offset);
  for (size_t i = 0; i < changes.size(); ++i) {
    bad = bad || wild(changes[i].offset) || (i > 0 && changes[i].from <= changes[i - 1].from);
  }
  if (bad) return base::invalid("zone \"" + name + "\" has changes out of order", "zone");
  return {};
}

base::Duration Zone::offset_at(base::Time t) const { return offset_of(*this, piece_at(*this, t)); }

base::Time Zone::first_at(base::Duration local) const {
  // Whatever ended kOffsetMax before `local` as if it were UTC never read as late as `local`.
  for (size_t piece = piece_at(*this, base::Time(local - kOffsetMax));; ++piece) {
    const base::Time at(local - offset_of(*this, piece));
    const base::Time from = piece == 0 ? base::Time::min() : changes[piece - 1].from;
    if (piece == changes.size() || at < changes[piece].from) return std::max(at, from);
  }
}

Span calendar_window(const Zone& zone, CalendarUnit unit, base::Time t) {
  const base::Duration local = t.time_since_epoch() + zone.offset_at(t);
  Days window = days_of(unit, sys_days(std::chrono::floor<days>(local)));
  base::Time start = zone.first_at(window.first.time_since_epoch());
  base::Time end = zone.first_at(window.next.time_since_epoch());
  while (end <= t) {  // A clock set back over midnight: the next window has begun already.
    start = end;
    window = days_of(unit, window.next);
    end = zone.first_at(window.next.time_since_epoch());
  }
  return {start, end};
}

}  // namespace limit
