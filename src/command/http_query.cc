// What stands behind the `?` of a target.
#include <algorithm>
#include <array>

#include "command/http_route.h"
#include "command/queue_bounds.h"
#include "protocol/json_text.h"

namespace command {
namespace {

constexpr std::array<QueryField, 4> kFields = {{
    {kQueryCount, "count", kCountBounds, "At most so many; 10 when not said."},
    {kQueryRows, "count", kRowsBounds, "At most so many; 1,000 when not said."},
    {kQueryAfter, "after", {0, 0}, "Those behind this one: the last of the page before."},
    {kQueryBrief, "brief", {0, 1}, "1: decisions without their `limits`."},
}};

base::Status read_pair(std::string_view pair, uint8_t fields, Query& into) {
  const size_t equals = pair.find('=');
  const std::string_view name = pair.substr(0, equals);
  const auto* const field = std::ranges::find_if(
      kFields, [&](const QueryField& one) { return (fields & one.bit) != 0 && one.name == name; });
  if (field == kFields.end()) return {};
  const auto value = percent_decoded(equals == std::string_view::npos ? std::string_view()
                                                                      : pair.substr(equals + 1));
  if (!value) {
    return base::invalid(std::string(name) + " is no percent-encoded UTF-8", std::string(name));
  }
  if (field->bit == kQueryAfter) {
    into.after = *value;
    return {};
  }
  const auto number = parse_number(name, *value, field->bounds);
  if (!number) return number.error();
  if (field->bit == kQueryBrief) {
    into.brief = *number == 1;
  } else {
    into.count = *number;
  }
  return {};
}

}  // namespace

std::span<const QueryField> query_fields() { return kFields; }

std::optional<std::string> percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = digit(text[i + 1]);
    const int low = digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!protocol::valid_utf8(decoded)) return std::nullopt;
  return decoded;
}

base::Result<Query> read_query(std::string_view query, uint8_t fields) {
  Query read;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (const base::Status status = read_pair(pair, fields, read); !status) return status.error();
  }
  return read;
}

}  // namespace command
