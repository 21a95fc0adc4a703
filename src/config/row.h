// What makes a row of the table of settings out of a field of Config.
#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/setting.h"
#include "config/value.h"

namespace config {

inline constexpr base::Duration kMillisecond = std::chrono::milliseconds(1);
inline constexpr base::Duration kHour = std::chrono::hours(1);
inline constexpr base::Duration kDay = 24 * kHour;
inline constexpr int64_t kKiB = 1 << 10, kMiB = 1 << 20, kGiB = 1 << 30;

// Each of the following makes a row out of a field: a function from a Config& (const or not) to
// the field's reference.

template <typename Field>
Setting address(std::string path, std::string flag, std::string help, Field field) {
  Setting row{
      std::move(path), "address or off", std::move(help), std::move(flag), false, {}, {}, {}};
  row.set = [field](Config& config, std::string_view text) -> base::Status {
    const base::Result<server::Address> value = parse_address(text);
    if (!value) return value.error();
    field(config) = *value;
    return {};
  };
  row.get = [field](const Config& config) {
    return std::vector<std::string>{print_address(field(config))};
  };
  return row;
}

// An integer field with bounds; `parse` and `print` know its spelling.
template <typename Field, typename Parse, typename Print>
Setting bounded(std::string path, std::string kind, std::string help, Field field, Parse parse,
                Print print, int64_t least, int64_t most) {
  const std::string bounds = print(least) + " to " + print(most);
  Setting row{std::move(path), kind + ", " + bounds, std::move(help), {}, false, {}, {}, {}};
  row.set = [=](Config& config, std::string_view text) -> base::Status {
    const base::Result<int64_t> value = parse(text);
    if (!value) return value.error();
    if (*value < least || *value > most) return base::invalid("must be from " + bounds);
    using Type = std::remove_reference_t<decltype(field(config))>;
    field(config) = static_cast<Type>(*value);
    return {};
  };
  row.get = [=](const Config& config) {
    return std::vector<std::string>{print(static_cast<int64_t>(field(config)))};
  };
  return row;
}

template <typename Field>
Setting size(std::string path, std::string help, Field field, int64_t least, int64_t most) {
  return bounded(std::move(path), "size", std::move(help), field, parse_size, print_size, least,
                 most);
}

template <typename Field>
Setting count(std::string path, std::string help, Field field, int64_t least, int64_t most) {
  return bounded(
      std::move(path), "integer", std::move(help), field, parse_count,
      [](int64_t value) { return std::to_string(value); }, least, most);
}

template <typename Field>
Setting span(std::string path, std::string help, Field field, base::Duration least,
             base::Duration most) {
  const auto print = [](base::Duration value) { return print_span(value); };
  const std::string bounds = print(least) + " to " + print(most);
  Setting row{std::move(path), "span, " + bounds, std::move(help), {}, false, {}, {}, {}};
  row.set = [=](Config& config, std::string_view text) -> base::Status {
    const base::Result<base::Duration> value = parse_span(text);
    if (!value) return value.error();
    if (*value < least || *value > most) return base::invalid("must be from " + bounds);
    field(config) = *value;
    return {};
  };
  row.get = [=](const Config& config) { return std::vector<std::string>{print(field(config))}; };
  return row;
}

// An enum whose values are the positions of `words`.
template <typename Field, size_t kWords>
Setting word(std::string path, std::string flag, std::string help, Field field,
             std::array<std::string_view, kWords> words) {
  std::string kind;
  for (const std::string_view each : words) kind += (kind.empty() ? "" : ", ") + std::string(each);
  Setting row{std::move(path), kind, std::move(help), std::move(flag), false, {}, {}, {}};
  row.set = [=](Config& config, std::string_view text) -> base::Status {
    const auto found = std::ranges::find(words, text);
    if (found == words.end()) return unknown_word(text, words);
    using Type = std::remove_reference_t<decltype(field(config))>;
    field(config) = static_cast<Type>(found - words.begin());
    return {};
  };
  row.get = [=](const Config& config) {
    return std::vector<std::string>{std::string(words[static_cast<size_t>(field(config))])};
  };
  return row;
}

template <typename Field, typename Parse>
Setting list(std::string path, std::string kind, std::string flag, std::string help, Field field,
             Parse parse) {
  Setting row{std::move(path), std::move(kind), std::move(help), std::move(flag), true, {}, {}, {}};
  row.set = [=](Config& config, std::string_view text) -> base::Status {
    const base::Result<std::string> value = parse(text);
    if (!value) return value.error();
    field(config).push_back(*value);
    return {};
  };
  row.get = [=](const Config& config) { return field(config); };
  row.clear = [=](Config& config) { field(config).clear(); };
  return row;
}

// A text that `check` finds good.
template <typename Field, typename Check>
Setting text(std::string path, std::string kind, std::string help, Field field, Check check) {
  Setting row{std::move(path), std::move(kind), std::move(help), {}, false, {}, {}, {}};
  row.set = [=](Config& config, std::string_view value) -> base::Status {
    const base::Status good = check(value);
    if (good) field(config) = value;
    return good;
  };
  row.get = [=](const Config& config) { return std::vector<std::string>{field(config)}; };
  return row;
}

base::Status check_path(std::string_view text);  // Of a file, or nothing.

void add_remote(std::vector<Setting>& rows);  // setting_remote.cc: store, gateway, limiter.

}  // namespace config
