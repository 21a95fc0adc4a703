#include "config/zone_rule.h"

#include <algorithm>

namespace config {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;

}  // namespace

// Reads from the front; every function takes what it understands and says whether it did.
class ZoneRule::Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool name() {  // "CET" or "<+03>".
    size_t end = 0;
    if (rest_.starts_with('<')) {
      end = rest_.find('>') + 1;  // 0 if there is none.
    } else {
      end = std::min(rest_.find_first_of("+-,0123456789"), rest_.size());
    }
    rest_.remove_prefix(end);
    return end > 0;
  }
  bool number(int& out) {
    size_t digits = 0;
    for (out = 0; digits < rest_.size() && digits < 3 && is_digit(rest_[digits]); ++digits) {
      out = out * 10 + (rest_[digits] - '0');
    }
    rest_.remove_prefix(digits);
    return digits > 0;
  }
  bool time(seconds& out) {  // [+-]h[:m[:s]]
    const bool negative = take('-');
    if (!negative) take('+');
    int h = 0, m = 0, s = 0;
    if (!number(h) || (take(':') && !number(m)) || (take(':') && !number(s))) return false;
    out = std::chrono::hours(h) + std::chrono::minutes(m) + seconds(s);
    if (negative) out = -out;
    return h <= 167 && m < 60 && s < 60;
  }
  bool day(Day& out) {
    const bool weekday = take('M');
    const bool julian = !weekday && take('J');
    out.kind = weekday ? Day::Kind::kWeekday : julian ? Day::Kind::kJulian : Day::Kind::kOrdinal;
    if (weekday ? !month_week_weekday(out) : !(number(out.day) && out.day <= 365)) return false;
    return !take('/') || time(out.time);
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  bool month_week_weekday(Day& out) {
    int m = 0, w = 0, d = 0;
    if (!number(m) || !take('.') || !number(w) || !take('.') || !number(d)) return false;
    out.month = static_cast<unsigned>(m);
    out.week = static_cast<unsigned>(w);
    out.weekday = static_cast<unsigned>(d);
    return m >= 1 && m <= 12 && w >= 1 && w <= 5 && d <= 6;
  }

  std::string_view rest_;
};

std::chrono::sys_seconds ZoneRule::Day::in(std::chrono::year year) const {
  if (kind == Kind::kOrdinal) return sys_days(year / 1 / 1) + days(day) + time;
  if (kind == Kind::kJulian) {
    return sys_days(year / 1 / 1) + days(day - 1 + (year.is_leap() && day > 59)) + time;
  }
  const std::chrono::year_month in_month = year / std::chrono::month(month);
  const std::chrono::weekday on(weekday);
  if (week == 5) return sys_days(in_month / on[std::chrono::last]) + time;
  return sys_days(in_month / on[week]) + time;
}

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
  ZoneRule rule;
  Reader in(text);
  seconds west{};  // POSIX counts what must be added to local time.
  if (!in.name() || !in.time(west)) return std::nullopt;
  rule.standard_ = -west;
  if (!in.name()) return std::nullopt;
  rule.daylight_ = rule.standard_ + std::chrono::hours(1);
  if (!in.take(',')) {
    if (!in.time(west) || !in.take(',')) return std::nullopt;
    rule.daylight_ = -west;
  }
  if (!in.day(rule.begin_) || !in.take(',') || !in.day(rule.end_) || !in.done()) {
    return std::nullopt;
  }
  return rule;
}

std::array<ZoneRule::Change, 2> ZoneRule::changes(std::chrono::year year) const {
  // The clocks are read before each change.
  std::array<Change, 2> both{
      {{begin_.in(year)-standard_, daylight_}, {end_.in(year)-daylight_, standard_}}};
  if (both[1].from < both[0].from) std::swap(both[0], both[1]);
  return both;
}

}  // namespace config
