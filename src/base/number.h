// Decimal integers as our protocols and files write them: an optional '-', then digits; nothing
// else, no leading '+', no spaces.
#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace base {

// Nothing if `text` is no integer or does not fit.
inline std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

}  // namespace base
