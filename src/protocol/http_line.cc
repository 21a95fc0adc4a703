#include "protocol/http_line.h"

#include <algorithm>
#include <array>

#include "protocol/found.h"

namespace protocol {
namespace {

constexpr std::array<std::string_view, 11> kBeginnings = {
    "GET /",   "POST /",  "PUT /",    "HEAD /",      "DELETE /", "OPTIONS /",
    "PATCH /", "TRACE /", "CONNECT ", "OPTIONS * H", "GET http"};

constexpr std::array<std::string_view, 7> kFields = {
    "host:", "origin:", "referer:", "user-agent:", "content-type:", "content-length:", "cookie:"};

constexpr bool within_line_min(auto& texts) {
  return std::ranges::all_of(texts, [](auto text) { return text.size() <= kLineBytesMin; });
}
static_assert(within_line_min(kBeginnings) && within_line_min(kFields));

bool begins_with_any_case(std::string_view line, std::string_view lower) {
  return line.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), line.begin(), [](char want, char is) {
           return want == (is >= 'A' && is <= 'Z' ? is + ('a' - 'A') : is);
         });
}

}  // namespace

bool begins_like_http(std::string_view line) {
  const auto begins = [line](std::string_view text) { return line.starts_with(text); };
  if (std::ranges::any_of(kBeginnings, begins)) return true;
  return std::ranges::any_of(kFields, [line](auto f) { return begins_with_any_case(line, f); });
}

bool is_http_request(std::span<const std::string_view> words) {
  return words.size() == 3 && words[1].starts_with('/') && words[2].starts_with("HTTP/1.");
}

}  // namespace protocol
