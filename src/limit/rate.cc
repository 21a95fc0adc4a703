#include "limit/rate.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/number.h"

namespace limit {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

struct Unit {
  std::string_view spelling;
  int64_t nanoseconds;
  std::optional<CalendarUnit> calendar;
  bool any_case = false;
  bool calendar_only = false;
};

constexpr std::array<Unit, 15> kUnits{{
    {"ns", 1, {}},
    {"us", 1'000, {}},
    {"ms", 1'000'000, {}},
    {"s", kSecond, {}},
    {"m", 60 * kSecond, {}},
    {"h", 3'600 * kSecond, {}},
    {"d", kDay, CalendarUnit::kDay},
    {"w", 7 * kDay, CalendarUnit::kWeek},
    {"second", kSecond, {}, true},
    {"minute", 60 * kSecond, {}, true},
    {"hour", 3'600 * kSecond, {}, true},
    {"day", kDay, CalendarUnit::kDay, true},
    {"week", 7 * kDay, CalendarUnit::kWeek, true},
    {"month", 30 * kDay, CalendarUnit::kMonth, true, true},
    {"year", 365 * kDay, CalendarUnit::kYear, true, true},
}};
constexpr size_t kShortUnits = 8;  // The first ones, from small to large: what to_string() writes.

bool spells(const Unit& unit, std::string_view text) {
  if (!unit.any_case) return text == unit.spelling;
  return std::ranges::equal(text, unit.spelling, {}, base::lower);
}

std::string quoted(std::string_view text) {
  constexpr size_t kQuotedMax = 64;  // An error is one line, whatever was sent.
  if (text.size() > kQuotedMax) return '"' + std::string(text.substr(0, kQuotedMax)) + "…\"";
  return '"' + std::string(text) + '"';
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

base::Result<int64_t> parse_count(std::string_view text, const char* name, int64_t least,
                                  const char* field) {
  const std::optional<int64_t> value = base::parse_integer(text);
  if (!all_digits(text) || !value || *value < least) {
    return base::invalid(std::string(name) + ' ' + quoted(text) + " must be an integer between " +
                             std::to_string(least) + " and 9223372036854775807",
                         field);
  }
  return *value;
}

base::Status parse_period(std::string_view text, RateText& out) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t factor = 1;
  if (digits > 0) {
    const base::Result<int64_t> parsed = parse_count(text.substr(0, digits), "factor", 1, "rate");
    if (!parsed) return parsed.error();
    factor = *parsed;
  }
  const std::string_view name = text.substr(digits);
  const auto unit = std::ranges::find_if(kUnits, [&](const Unit& u) { return spells(u, name); });
  if (unit == kUnits.end()) {
    return base::invalid("unknown unit " + quoted(name) +
                             " in a rate: ms, s, m, h, d, w, second, " +
                             "minute, hour, day, week, month or year",
                         "rate");
  }
  if (unit->calendar_only && factor != 1) {
    return base::invalid("period " + quoted(text) + ": month and year take no factor", "rate");
  }
  int64_t nanoseconds = 0;
  if (__builtin_mul_overflow(factor, unit->nanoseconds, &nanoseconds)) {
    return base::invalid("period " + quoted(text) + " is longer than 292 years", "rate");
  }
  out.rate.period = base::Duration(nanoseconds);
  if (factor == 1) out.calendar = unit->calendar;
  out.calendar_only = unit->calendar_only;
  return {};
}

base::Status parse_burst(std::string_view text, RateText& out) {
  constexpr std::string_view kWord = "burst";
  if (!text.starts_with(kWord)) {
    return base::invalid(quoted(text) + " after a rate: only \"burst <count>\" may stand there",
                         "rate");
  }
  const std::string_view after = text.substr(kWord.size());
  const size_t from = after.find_first_not_of(' ');
  if (from == 0) {
    return base::invalid(quoted(text) + " after a rate: only \"burst <count>\" may stand there",
                         "rate");
  }
  const std::string_view count = from == after.npos ? std::string_view() : after.substr(from);
  const base::Result<int64_t> burst = parse_count(count, "burst", 1, "burst");
  if (!burst) return burst.error();
  out.burst = *burst;
  return {};
}

}  // namespace

base::Status check_window_rate(const Rate& rate) {
  if (rate.count < 0) return base::invalid("the count of a rate must not be below 0", "rate");
  if (rate.period.count() <= 0)
    return base::invalid("the period of a rate must be above 0", "rate");
  if (rate.period > kWindowMax) {
    return base::invalid("a window of " + to_string(rate) + " is longer than 36 years", "rate");
  }
  return {};
}

base::Result<RateText> parse_rate(std::string_view text) {
  const size_t rate_end = std::min(text.find(' '), text.size());
  const std::string_view rate = text.substr(0, rate_end);
  const size_t slash = rate.find('/');
  if (slash == rate.npos) {
    return base::invalid("rate " + quoted(text) + " must be <count>/<period>, as in 100/s", "rate");
  }
  RateText out;
  const base::Result<int64_t> count = parse_count(rate.substr(0, slash), "count", 0, "rate");
  if (!count) return count.error();
  out.rate.count = *count;
  if (const base::Status period = parse_period(rate.substr(slash + 1), out); !period) {
    return period.error();
  }
  if (rate_end == text.size()) return out;
  const std::string_view spaces = text.substr(rate_end);
  const size_t from = std::min(spaces.find_first_not_of(' '), spaces.size());
  if (const base::Status burst = parse_burst(spaces.substr(from), out); !burst) {
    return burst.error();
  }
  return out;
}

std::string to_string(const Rate& rate) {
  std::string best;
  for (size_t i = 0; i < kShortUnits; ++i) {
    const Unit& unit = kUnits[i];
    if (rate.period.count() % unit.nanoseconds != 0) continue;
    const int64_t factor = rate.period.count() / unit.nanoseconds;
    const std::string period =
        (factor == 1 ? std::string() : std::to_string(factor)) + std::string(unit.spelling);
    if (best.empty() || period.size() <= best.size()) best = period;
  }
  return std::to_string(rate.count) + '/' + best;
}

}  // namespace limit
