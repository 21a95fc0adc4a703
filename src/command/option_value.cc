#include "command/option_value.h"

#include <algorithm>

#include "base/number.h"

namespace command {
namespace {

struct Unit {
  std::string_view name;
  int64_t size;
};
constexpr std::array<Unit, 5> kSpans = {{{"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000},
                                         {"d", 86'400'000'000'000}}};
constexpr std::array<Unit, 4> kSizes = {
    {{"B", 1}, {"KiB", int64_t{1} << 10}, {"MiB", int64_t{1} << 20}, {"GiB", int64_t{1} << 30}}};

// A number of units; without a unit, of `bare`.
std::optional<int64_t> measured(std::string_view text, std::span<const Unit> units, int64_t bare) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = base::parse_integer(text.substr(0, digits));
  if (!number) return std::nullopt;
  int64_t size = bare;
  if (digits < text.size()) {
    const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
    if (unit == units.end()) return std::nullopt;
    size = unit->size;
  }
  if (*number > INT64_MAX / size) return std::nullopt;
  return *number * size;
}

std::string spelt(int64_t value, std::span<const Unit> units) {
  if (value == 0) return "0";
  for (size_t i = units.size(); i-- > 0;) {
    if (value % units[i].size == 0) {
      return std::to_string(value / units[i].size) + std::string(units[i].name);
    }
  }
  return std::to_string(value);
}

// 2.5 in thousandths is 2500: exact, or nothing.
std::optional<int64_t> fixed_point(std::string_view text, size_t places) {
  const size_t dot = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, dot));
  if (digits.empty()) return std::nullopt;
  const std::string_view behind = dot < text.size() ? text.substr(dot + 1) : std::string_view();
  if (behind.size() > places || (dot < text.size() && behind.empty())) return std::nullopt;
  digits.append(behind).append(places - behind.size(), '0');
  if (digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return base::parse_integer(digits);
}

}  // namespace

base::Error must(std::string_view name, std::string_view what) {
  return base::invalid(std::string(name) + " must be " + std::string(what), std::string(name));
}

base::Status read_span(std::string_view name, std::string_view value, SpanBounds bounds,
                       base::Duration& into) {
  const auto ns = measured(value, kSpans, 1'000'000);
  const bool none = bounds.or_none && ns == 0;
  if (!ns || (!none && (*ns < bounds.min.count() || *ns > bounds.max.count()))) {
    return must(name,
                std::string("a span ") + std::string(bounds.text) + ", as 30s or in milliseconds");
  }
  into = base::Duration(*ns);
  return {};
}

std::string spelt_span(base::Duration span) { return spelt(span.count(), kSpans); }

std::optional<int64_t> read_size(std::string_view value) { return measured(value, kSizes, 1); }

std::string spelt_size(uint64_t bytes) { return spelt(static_cast<int64_t>(bytes), kSizes); }

base::Status read_point(std::string_view name, std::string_view value, PointBounds bounds,
                        int64_t& into) {
  const auto number = fixed_point(value, bounds.places);
  if (!number || *number < bounds.bounds.min || *number > bounds.bounds.max)
    return must(name, bounds.text);
  into = *number;
  return {};
}

std::string spelt_point(int64_t value, size_t places) {
  std::string digits = std::to_string(value);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  digits.insert(digits.size() - places, 1, '.');
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

base::Status read_truth(std::string_view name, std::string_view value, bool& into) {
  const bool yes = value == "true" || value == "1";
  if (!yes && value != "false" && value != "0") return must(name, "true or false");
  into = yes;
  return {};
}

}  // namespace command
