// Names and values of header fields, compared and cut as HTTP does. Thread: any.
#pragma once
#include <algorithm>
#include <string_view>

#include "base/ascii.h"

namespace proxy {

// `lower_case` is in lower case already.
constexpr bool same_name(std::string_view name, std::string_view lower_case) {
  return name.size() == lower_case.size() && std::ranges::equal(name, lower_case, {}, base::lower);
}

// Without spaces and tabs around it.
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `use` with each element of a list, trimmed; empty ones too.
template <typename Use>
constexpr void for_each_element(std::string_view list, Use&& use) {
  while (true) {
    const size_t comma = list.find(',');
    use(trim(list.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace proxy
