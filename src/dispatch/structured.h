// Structured fields (RFC 9651), as far as clients of `RateLimit` need them: a list whose members
// are strings with parameters.
//
//   "burst";q=100;w=60, "daily";r=7;pk=:cHsdsRa894==:
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dispatch {

// Items of other types than integer and bytes are read over: their values are not kept.
struct Bytes {
  std::string base64;  // As received: senders pad as they like.
  friend bool operator==(const Bytes&, const Bytes&) = default;
};
using Item = std::variant<std::monostate, int64_t, Bytes>;

struct Member {
  std::string name;
  std::vector<std::pair<std::string, Item>> parameters;  // Of those of one name the last.

  friend bool operator==(const Member&, const Member&) = default;
  const Item* find(std::string_view parameter) const;  // Null: it has none of that name.
};

// Of a list and of a member; a field with more is malformed, so that nobody makes us read for long.
inline constexpr size_t kMembersMax = 64, kParametersMax = 32;

// Nothing: it is no such list. An empty field is an empty list.
std::optional<std::vector<Member>> parse_string_list(std::string_view field);

}  // namespace dispatch
