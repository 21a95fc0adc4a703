#include "dispatch/retry_after.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/number.h"
#include "dispatch/structured.h"

namespace dispatch {
namespace {

constexpr int64_t kWaitSecondsMax = kWaitMax / std::chrono::seconds(1);

std::string_view trim(std::string_view field) {
  constexpr std::string_view kBlank = " \t";
  field.remove_prefix(std::min(field.find_first_not_of(kBlank), field.size()));
  return field.substr(0, field.find_last_not_of(kBlank) + 1);
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// REQUIRES: all_digits(text).
int64_t saturating(std::string_view text) { return base::parse_integer(text).value_or(INT64_MAX); }

base::Duration at_most_a_day(int64_t seconds) {
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kWaitSecondsMax));
}

constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Reads a date from left to right; once something does not fit, nothing does.
class DateText {
 public:
  explicit DateText(std::string_view text) : rest_(text) {}

  bool whole() const { return good_ && rest_.empty(); }
  void text(std::string_view expected) {
    good_ = good_ && rest_.starts_with(expected);
    if (good_) rest_.remove_prefix(expected.size());
  }
  void day_name(bool in_full) {
    const auto fits = [&](std::string_view name) {
      return rest_.starts_with(in_full ? name : name.substr(0, 3));
    };
    const auto found = std::find_if(kDays.begin(), kDays.end(), fits);
    good_ = good_ && found != kDays.end();
    if (good_) rest_.remove_prefix(in_full ? found->size() : 3);
  }
  unsigned month() {
    const auto found = std::find(kMonths.begin(), kMonths.end(), rest_.substr(0, 3));
    good_ = good_ && found != kMonths.end();
    if (!good_) return 0;
    rest_.remove_prefix(3);
    return static_cast<unsigned>(found - kMonths.begin()) + 1;
  }
  int digits(size_t count) {
    good_ = good_ && rest_.size() >= count && all_digits(rest_.substr(0, count));
    if (!good_) return 0;
    const int64_t value = saturating(rest_.substr(0, count));
    rest_.remove_prefix(count);
    return static_cast<int>(value);
  }
  // asctime's: two digits, or a space and one.
  unsigned padded_day() {
    const bool one = rest_.starts_with(' ');
    if (one) text(" ");
    return static_cast<unsigned>(digits(one ? 1 : 2));
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct Date {
  int year = 0;
  unsigned month = 0, day = 0;
  int seconds = 0;  // Of the day.
  bool of_day = false;
};

void clock_time(DateText& text, Date& date) {
  const int hour = text.digits(2);
  text.text(":");
  const int minute = text.digits(2);
  text.text(":");
  const int second = text.digits(2);
  date.seconds = (hour * 60 + minute) * 60 + second;
  date.of_day = hour < 24 && minute < 60 && second <= 60;  // 60: a leap second.
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<Date> imf_fixdate(std::string_view field) {
  DateText text(field);
  Date date;
  text.day_name(false);
  text.text(", ");
  date.day = static_cast<unsigned>(text.digits(2));
  text.text(" ");
  date.month = text.month();
  text.text(" ");
  date.year = text.digits(4);
  text.text(" ");
  clock_time(text, date);
  text.text(" GMT");
  return text.whole() ? std::optional(date) : std::nullopt;
}

// Sunday, 06-Nov-94 08:49:37 GMT; a year that seems over 50 years ahead is of the last century.
std::optional<Date> rfc850_date(std::string_view field, int this_year) {
  DateText text(field);
  Date date;
  text.day_name(true);
  text.text(", ");
  date.day = static_cast<unsigned>(text.digits(2));
  text.text("-");
  date.month = text.month();
  text.text("-");
  date.year = this_year / 100 * 100 + text.digits(2);
  if (date.year > this_year + 50) date.year -= 100;
  text.text(" ");
  clock_time(text, date);
  text.text(" GMT");
  return text.whole() ? std::optional(date) : std::nullopt;
}

// Sun Nov  6 08:49:37 1994
std::optional<Date> asctime_date(std::string_view field) {
  DateText text(field);
  Date date;
  text.day_name(false);
  text.text(" ");
  date.month = text.month();
  text.text(" ");
  date.day = text.padded_day();
  text.text(" ");
  clock_time(text, date);
  text.text(" ");
  date.year = text.digits(4);
  return text.whole() ? std::optional(date) : std::nullopt;
}

std::optional<base::Duration> until_date(std::string_view field, base::Time wall) {
  namespace chrono = std::chrono;
  const chrono::sys_time<base::Duration> now(wall.time_since_epoch());
  const auto today = chrono::floor<chrono::days>(now);
  std::optional<Date> date = imf_fixdate(field);
  if (!date) date = rfc850_date(field, static_cast<int>(chrono::year_month_day(today).year()));
  if (!date) date = asctime_date(field);
  if (!date || !date->of_day) return std::nullopt;
  const chrono::year_month_day day{chrono::year(date->year), chrono::month(date->month),
                                   chrono::day(date->day)};
  if (!day.ok()) return std::nullopt;
  const int64_t days = (chrono::sys_days(day) - today).count();
  if (days > 2) return kWaitMax;
  if (days < -2) return base::Duration(0);
  const base::Duration wait = chrono::days(days) + chrono::seconds(date->seconds) - (now - today);
  return std::clamp(wait, base::Duration(0), base::Duration(kWaitMax));
}

}  // namespace

std::optional<base::Duration> parse_retry_after(std::string_view field, base::Time wall) {
  field = trim(field);
  if (all_digits(field)) return at_most_a_day(saturating(field));
  return until_date(field, wall);
}

std::optional<base::Duration> parse_ratelimit(std::string_view field, std::string_view age) {
  age = trim(age);
  if (all_digits(age) && saturating(age) > 0) return std::nullopt;
  const auto policies = parse_string_list(field);
  if (!policies) return std::nullopt;
  std::optional<base::Duration> wait;
  for (const Member& policy : *policies) {
    const Item* const left = policy.find("r");
    const Item* const reset = policy.find("t");
    const auto* const units = left != nullptr ? std::get_if<int64_t>(left) : nullptr;
    const auto* const seconds = reset != nullptr ? std::get_if<int64_t>(reset) : nullptr;
    if (units == nullptr || *units < 0) return std::nullopt;
    if (reset != nullptr && (seconds == nullptr || *seconds < 0)) return std::nullopt;
    if (*units > 0 || seconds == nullptr) continue;
    wait = std::max(wait.value_or(base::Duration(0)), at_most_a_day(*seconds));
  }
  return wait;
}

}  // namespace dispatch
