// Fixed window: at most N units in each window. Windows are aligned to the epoch, or to the
// calendar (day, week from Monday, month, year) of a time zone.
//
// Bound (P2): N in every window, hence at most 2 N in any interval as long as a window.
// Time that goes back stays in the state's window.
// State: 16 bytes. A state whose window has ended equals an absent one.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "limit/calendar.h"
#include "limit/decision.h"
#include "limit/rate.h"

namespace limit {

struct WindowState {
  int64_t start = 0;  // Nanoseconds since the epoch; 0 with used 0 is "idle".
  int64_t used = 0;
  friend bool operator==(const WindowState&, const WindowState&) = default;
};

// Thread: any (immutable).
class FixedWindow {
 public:
  // Errors: field "rate" if the count is below 0 or the period is not in (0, kWindowMax].
  // rate.count 0: always over the limit, a peek included.
  static base::Result<FixedWindow> make(Rate rate);
  // Errors: "rate" as above; "zone" if there is none or Zone::check() fails. The zone is shared by
  // all limits that name it.
  static base::Result<FixedWindow> make_calendar(int64_t count, CalendarUnit unit,
                                                 std::shared_ptr<const Zone> zone);
  using Span = limit::Span;
  Span window_at(base::Time t) const;  // With daylight saving: a local day may have 23 or 25 hours.

  int64_t count() const { return rate_.count; }
  Rate rate() const { return rate_; }  // Calendar: the period is 1, 7, 30 or 365 days.
  std::optional<CalendarUnit> calendar() const { return calendar_; }
  const std::shared_ptr<const Zone>& zone() const { return zone_; }  // Of a calendar's.

  // cost >= 0; 0 is a peek: allowed unless an overdraft went beyond N; charges nothing.
  Proposal<WindowState> check(WindowState state, base::Time now, int64_t cost) const;

  // Charges what check() would refuse, up to N + overdraft in the window; an overdraft ends with
  // its window. Writes how many units were charged.
  WindowState charge_over(WindowState state, base::Time now, int64_t cost, int64_t overdraft,
                          int64_t& charged) const;

  // Gives units back whole if they were charged in the window that now lies in; else nothing.
  WindowState give_back(WindowState state, base::Time charged, int64_t cost, base::Time now) const;
  WindowState with_used(int64_t used, base::Time now) const;
  int64_t used(WindowState state, base::Time now) const;
  bool idle(WindowState state, base::Time now) const { return used(state, now) == 0; }

  // Zones are compared by what they say: a reload may have read them anew.
  friend bool operator==(const FixedWindow& a, const FixedWindow& b) {
    return a.rate_ == b.rate_ && a.calendar_ == b.calendar_ &&
           (a.zone_ == b.zone_ || (a.zone_ && b.zone_ && *a.zone_ == *b.zone_));
  }

 private:
  struct Current {  // A state, brought up to now.
    Span window;
    int64_t used;
  };
  Current current(WindowState state, base::Time now) const;

  Rate rate_;
  std::optional<CalendarUnit> calendar_;
  std::shared_ptr<const Zone> zone_;  // Set if calendar_ is.
};

}  // namespace limit
