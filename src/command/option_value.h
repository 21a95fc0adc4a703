// Values of options as words: spans, sizes, numbers, decimals; and back. What is wrong is said with
// the option's name and its bounds.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "command/words.h"

namespace command {

// "NAME must be WHAT".
base::Error must(std::string_view name, std::string_view what);

// "30s", "1500ms" (ms, s, m, h, d); without a unit, milliseconds.
struct SpanBounds {
  base::Duration min, max;
  std::string_view text;  // For people: "of 1 ms to 12 h".
  bool or_none = false;   // 0: none.
};
base::Status read_span(std::string_view name, std::string_view value, SpanBounds bounds,
                       base::Duration& into);
std::string spelt_span(base::Duration span);

// "10GiB" (B, KiB, MiB, GiB); without a unit, bytes. Nothing: it is no size.
std::optional<int64_t> read_size(std::string_view value);
std::string spelt_size(uint64_t bytes);

template <typename T>
base::Status read_integer(std::string_view name, std::string_view value, Between bounds, T& into) {
  const auto number = parse_number(name, value, bounds);
  if (!number) return number.error();
  into = static_cast<T>(*number);
  return {};
}

// A decimal in units of 10^-places: exact, or an error. `text` is what it must be.
struct PointBounds {
  size_t places;
  Between bounds;
  std::string_view text;
};
base::Status read_point(std::string_view name, std::string_view value, PointBounds bounds,
                        int64_t& into);
std::string spelt_point(int64_t value, size_t places);

base::Status read_truth(std::string_view name, std::string_view value, bool& into);

}  // namespace command
