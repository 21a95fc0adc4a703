#include "limit/window.h"

#include <algorithm>
#include <utility>

#include "limit/arithmetic.h"

namespace limit {
namespace {

base::Duration nominal(CalendarUnit unit) {
  constexpr int kDays[] = {1, 7, 30, 365};
  return std::chrono::days(kDays[static_cast<size_t>(unit)]);
}

}  // namespace

base::Result<FixedWindow> FixedWindow::make(Rate rate) {
  if (const base::Status status = check_window_rate(rate); !status) return status.error();
  FixedWindow window;
  window.rate_ = rate;
  return window;
}

base::Result<FixedWindow> FixedWindow::make_calendar(int64_t count, CalendarUnit unit,
                                                     std::shared_ptr<const Zone> zone) {
  if (zone == nullptr) return base::invalid("a calendar window needs a zone", "zone");
  if (const base::Status status = zone->check(); !status) return status.error();
  base::Result<FixedWindow> window = make({count, nominal(unit)});
  if (!window) return window;
  window->calendar_ = unit;
  window->zone_ = std::move(zone);
  return window;
}

Span FixedWindow::window_at(base::Time t) const {
  if (calendar_) return calendar_window(*zone_, *calendar_, t);
  const base::Time start = base::time_from(floor_to(base::nanoseconds(t), rate_.period.count()));
  return {start, start + rate_.period};
}

FixedWindow::Current FixedWindow::current(WindowState state, base::Time now) const {
  if (state.used == 0) return {window_at(now), 0};
  const base::Time start = base::time_from(state.start);
  const Span window = window_at(std::max(now, start));
  return {window, start >= window.start ? state.used : 0};
}

Proposal<WindowState> FixedWindow::check(WindowState state, base::Time now, int64_t cost) const {
  const auto [window, used] = current(state, now);
  const base::Duration until_end = window.end - now;
  const bool allowed = rate_.count > 0 && cost <= rate_.count - used;
  const int64_t next = allowed ? used + cost : used;
  Decision decision{allowed,
                    rate_.count,
                    std::max(rate_.count - next, int64_t{0}),
                    {},
                    next > 0 ? until_end : base::Duration{}};
  if (!allowed) {
    const bool never = cost > rate_.count || rate_.count == 0;
    decision.retry_after = never ? kNever : until_end;
    return {decision, state};
  }
  return {decision, cost == 0 ? state : WindowState{base::nanoseconds(window.start), next}};
}

WindowState FixedWindow::charge_over(WindowState state, base::Time now, int64_t cost,
                                     int64_t overdraft, int64_t& charged) const {
  const auto [window, used] = current(state, now);
  const int64_t room = std::max(saturated_sum(rate_.count, overdraft) - used, int64_t{0});
  charged = std::min(cost, room);
  if (charged == 0) return state;
  return {base::nanoseconds(window.start), used + charged};
}

WindowState FixedWindow::give_back(WindowState state, base::Time charged, int64_t cost,
                                   base::Time now) const {
  const auto [window, used] = current(state, now);
  if (charged < window.start || charged >= window.end) return state;
  if (used <= cost) return {};
  return {base::nanoseconds(window.start), used - cost};
}

WindowState FixedWindow::with_used(int64_t used, base::Time now) const {
  if (used <= 0) return {};
  return {base::nanoseconds(window_at(now).start), used};
}

int64_t FixedWindow::used(WindowState state, base::Time now) const {
  if (state.used == 0) return 0;
  return current(state, now).used;
}

}  // namespace limit
