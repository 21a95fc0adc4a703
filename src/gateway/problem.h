// Refusals as problem documents (RFC 9457), in the words of the api's (docs/http.md).
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "gateway/decision.h"
#include "http/message.h"

namespace gateway {

struct Problem {
  int status;
  std::string_view detail;    // For people.
  std::string_view field{};   // At fault; empty: none.
  std::string_view code{};    // "LIMITED", …; empty: the status's own.
  std::string_view type{};    // Empty: "about:blank".
  std::string_view reason{};  // Why nobody, or no store, has decided; empty: none.
  std::string_view violated{};
  std::optional<int64_t> retry_after_ms{};
};
http::Answer problem_answer(const Problem& problem);

// 429 with Retry-After and the RateLimit fields.
http::Answer limited_answer(Decision&& decision);
// 503: limits could not be asked, and whoever must say so says `refuse`.
http::Answer undecided_answer(const Decision& decision);

// Of an error of ours; a kInvalid without a field is 400, with one 422.
http::Answer error_answer(const base::Error& error);

// 405; `allowed`: "GET, HEAD".
http::Answer wrong_method_answer(std::string_view allowed);

}  // namespace gateway
