// Calendar windows: the day, week (from Monday), month or year of a time zone as instants.
//
// A window starts at the first instant at which the zone's clocks read its first midnight or later.
// That is one rule for every oddity: where a change skips midnight, the window starts at the
// change; where midnight comes twice, at the first one (and the repeated hour stays in the new
// window); a day that was skipped whole is an empty window. So windows never overlap and leave no
// gap, and a local day has 23, 24 or 25 hours.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "limit/rate.h"

namespace limit {

// Offsets of one time zone from UTC, as a sorted list of changes; made from the system's zone
// database where files may be opened (config/zone.h), so that a law stays arithmetic.
struct Zone {
  struct Change {
    base::Time from;
    base::Duration offset;  // Local = UTC + offset, from then on.
    friend bool operator==(const Change&, const Change&) = default;
  };
  // Wider than any offset that was ever in use (-15:56 … +15:13).
  static constexpr base::Duration kOffsetMax = std::chrono::hours(26);

  std::string name = "UTC";
  base::Duration first_offset{};  // Before the first change.
  std::vector<Change> changes;

  // Errors: field "zone" if the changes are out of order or an offset is beyond kOffsetMax.
  base::Status check() const;
  base::Duration offset_at(base::Time t) const;
  // The first instant at which clocks read `local` (nanoseconds since 1970-01-01 00:00 local) or
  // later.
  base::Time first_at(base::Duration local) const;

  friend bool operator==(const Zone&, const Zone&) = default;
};

struct Span {
  base::Time start, end;  // [start, end)
};

// The window that `t` lies in. REQUIRES: zone.check(); t within the years 1678 to 2261.
Span calendar_window(const Zone& zone, CalendarUnit unit, base::Time t);

}  // namespace limit
