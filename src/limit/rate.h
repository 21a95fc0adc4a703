// A rate is a count per period and stays a rational number: 3 per 10 s is never 0.3.
//
// Grammar of a rate in files and commands (docs/configuration.md):
//   rate   = count "/" [factor] unit          100/s   20/3m   1000/d   5/month
//   limit  = rate [ "burst" count ]           "100/s burst 200"
//   unit   = ns | us | ms | s | m | h | d | w, or one of Envoy's names in any case:
//            second | minute | hour | day | week | month | year
// Counts and factors are decimal digits. Only spaces may stand around "burst", nowhere else. A
// month and a year have no fixed length: they take no factor and serve calendar windows only.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace limit {

enum class CalendarUnit : uint8_t { kDay, kWeek, kMonth, kYear };

struct Rate {
  int64_t count = 0;        // Units. 0 is legal for windows only (always over the limit).
  base::Duration period{};  // > 0.
  friend bool operator==(const Rate&, const Rate&) = default;
};

// The longest period of a window (36 years): the end of the window after next still is an instant.
inline constexpr base::Duration kWindowMax{int64_t{1} << 60};

// Errors of a window's rate: field "rate" if the count is below 0 or the period not in
// (0, kWindowMax].
base::Status check_window_rate(const Rate& rate);

struct RateText {
  Rate rate;                             // For month and year the period is 30 and 365 days.
  std::optional<CalendarUnit> calendar;  // d, w, month, year without a factor: usable by calendar.
  bool calendar_only = false;            // month, year.
  std::optional<int64_t> burst;          // If the text named one. >= 1.
};

// Errors: kInvalid with a text that quotes the faulty part; the field is "rate" or "burst".
base::Result<RateText> parse_rate(std::string_view text);

// "3/10s": the shortest exact spelling in the grammar above. The count is not reduced, because
// 6 per 20 s is another window than 3 per 10 s.
std::string to_string(const Rate& rate);

}  // namespace limit
