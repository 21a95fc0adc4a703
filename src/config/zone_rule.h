// Daylight saving as a rule for every year: the TZ string of POSIX with the extensions of RFC 8536
// (hours from -167 to 167), as in the last line of a zone's file:
//   CET-1CEST,M3.5.0,M10.5.0/3   an hour ahead of UTC; two from the last Sunday of March to the
//                                last of October, at 2 and 3 o'clock local time
#pragma once
#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace config {

class ZoneRule {
 public:
  // Nothing if `text` is no rule, or a zone without daylight saving.
  static std::optional<ZoneRule> parse(std::string_view text);

  struct Change {
    std::chrono::sys_seconds from;
    std::chrono::seconds offset;  // Local = UTC + offset, from then on.
  };
  std::array<Change, 2> changes(std::chrono::year year) const;  // In order.

 private:
  struct Day {
    enum class Kind { kWeekday, kJulian, kOrdinal } kind = Kind::kWeekday;
    unsigned month = 1, week = 1, weekday = 0;  // kWeekday: week 5 is the last.
    int day = 0;  // kJulian: from 1, February 29 never counts; kOrdinal: from 0, it does.
    std::chrono::seconds time{7200};
    std::chrono::sys_seconds in(std::chrono::year year) const;  // Local, as if it were UTC.
  };
  class Reader;

  std::chrono::seconds standard_{}, daylight_{};
  Day begin_, end_;
};

}  // namespace config
