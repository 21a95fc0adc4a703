// envoyproxy/ratelimit's `rate_limit`, with the texts of its load errors.
#include <algorithm>
#include <array>
#include <limits>

#include "config/limit_reader.h"

namespace config {
namespace {

using yaml::Node;

constexpr base::Duration kDay = std::chrono::hours(24);
struct Unit {
  std::string_view name;
  base::Duration length;
};
// Windows are aligned to the epoch whatever the unit, so a month is 30 days and a year 365.
constexpr std::array<Unit, 7> kUnits{{{"second", std::chrono::seconds(1)},
                                      {"minute", std::chrono::minutes(1)},
                                      {"hour", std::chrono::hours(1)},
                                      {"day", kDay},
                                      {"week", 7 * kDay},
                                      {"month", 30 * kDay},
                                      {"year", 365 * kDay}}};
constexpr std::array<std::string_view, 5> kKeys{"unit", "requests_per_unit", "unlimited", "name",
                                                "replaces"};

const Unit* find_unit(std::string_view text) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const auto same = [&](const Unit& unit) {
    return std::ranges::equal(unit.name, text, {}, {}, lower);
  };
  const auto found = std::ranges::find_if(kUnits, same);
  return found == kUnits.end() ? nullptr : &*found;
}

std::vector<std::string> read_replaces(const Node& node, Reading& reading) {
  static constexpr std::array<std::string_view, 1> kNameOnly{"name"};
  const Node* list = node.find("replaces");
  std::vector<std::string> names;
  if (list == nullptr) return names;
  for (const Node& item : reading.items(*list, "replaces")) {
    if (!item.is_map()) {
      reading.fail(item, "config error, yaml file contains list of type other than map: " +
                             shown(item.text));
      continue;
    }
    reading.keys(item, kNameOnly);
    names.push_back(reading.text(item, "name").value_or(""));
  }
  return names;
}

}  // namespace

std::optional<limiter::LimitSpec> read_rate_limit(const Node& node, const LimitContext& context,
                                                  Reading& reading) {
  if (!reading.is_map(node, "rate_limit")) return std::nullopt;
  reading.keys(node, kKeys);
  limiter::LimitSpec spec;
  spec.mark = reading.mark(node);
  spec.mode = context.mode;
  spec.when_gone = context.when_gone;
  spec.name = reading.text(node, "name").value_or("");
  spec.replaces = read_replaces(node, reading);
  const std::string text = reading.text(node, "unit").value_or("");
  const Unit* unit = find_unit(text);
  const Node* unit_node = node.find("unit");
  const Node& unit_place = unit_node == nullptr ? node : *unit_node;
  constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
  const std::optional<int64_t> count = reading.integer(node, "requests_per_unit", kMost);

  if (reading.truth(node, "unlimited").value_or(false)) {
    if (unit != nullptr) {
      reading.fail(unit_place, "should not specify rate limit unit when unlimited");
    }
    return spec;
  }
  if (node.find("requests_per_unit") == nullptr) {
    reading.fail(node, "rate_limit has no requests_per_unit");
  }
  if (unit == nullptr) reading.fail(unit_place, "invalid rate limit unit '" + shown(text) + "'");
  if (unit == nullptr || !count) return std::nullopt;
  spec.algorithm = "fixed_window";
  spec.rate = {*count, unit->length};
  const base::Result<limit::FixedWindow> law = limit::FixedWindow::make(spec.rate);
  if (!law) {
    reading.fail(node, law.error().what);
    return std::nullopt;
  }
  spec.law = *law;
  return spec;
}

}  // namespace config
