// Fixed window: at most N units in each window. Windows are aligned to the epoch, or to the
// calendar (day, week from Monday, month, year) of a time zone.
//
// Bound (P2): N in every window, hence at most 2 N in any interval as long as a window.
// State: 16 bytes. A state whose window has ended equals an absent one.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "limit/decision.h"
#include "limit/rate.h"

namespace limit {

// Offsets of one time zone from UTC, as a sorted list of changes; made from the system's zone
// database where files may be opened (config/zone.h), so that a law stays arithmetic.
struct Zone {
  struct Change {
    base::Time from;
    base::Duration offset;  // Local = UTC + offset, from then on.
  };
  std::string name = "UTC";
  base::Duration first_offset{};  // Before the first change.
  std::vector<Change> changes;
};

struct WindowState {
  int64_t start = 0;  // Nanoseconds since the epoch; 0 with used 0 is "idle".
  int64_t used = 0;
};

// Thread: any (immutable).
class FixedWindow {
 public:
  static base::Result<FixedWindow> make(Rate rate);  // rate.count 0: always over the limit.
  static base::Result<FixedWindow> make_calendar(int64_t count, CalendarUnit unit,
                                                 std::shared_ptr<const Zone> zone);
  struct Span {
    base::Time start, end;  // [start, end)
  };
  Span window_at(base::Time t) const;  // With daylight saving: a local day may have 23 or 25 hours.

  int64_t count() const;
  Proposal<WindowState> check(WindowState state, base::Time now, int64_t cost) const;
  WindowState charge_over(WindowState state, base::Time now, int64_t cost, int64_t overdraft,
                          int64_t& charged) const;
  WindowState give_back(WindowState state, base::Time charged, int64_t cost, base::Time now) const;
  WindowState with_used(int64_t used, base::Time now) const;
  int64_t used(WindowState state, base::Time now) const;
  bool idle(WindowState state, base::Time now) const;
};

}  // namespace limit
