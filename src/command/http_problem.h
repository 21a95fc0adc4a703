// Refusals as problem documents (RFC 9457): one place that knows the statuses, their titles, their
// words and their types.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "command/http_api.h"
#include "limit/limit.h"

namespace command {

struct Problem {
  int status;
  std::string_view detail;         // For people: what was wrong with this request.
  std::string_view field = {};     // As `descriptors[0][1]`; empty: none.
  std::string_view code = {};      // The word of the TCP port's errors; empty: the status's own.
  std::string_view title = {};     // Empty: the status's own.
  std::string_view violated = {};  // 429: the name of the limit.
  std::optional<int64_t> retry_after_ms = {};  // 429: -1 for never.
  std::string_view type = {};                  // A URI; empty: the status's own.
};

std::string problem_body(const Problem& problem);
HttpAnswer problem_answer(const Problem& problem);
HttpAnswer problem_answer(const base::Error& error);

// 429 with Retry-After and the RateLimit fields of the one limit that refused.
HttpAnswer limited_answer(std::string_view limited_by, const limit::Decision& numbers);

HttpAnswer no_content();  // 204.

int status_of(base::Code code);

}  // namespace command
