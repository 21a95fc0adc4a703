// Answers of HTTP/1.1, found in what has arrived.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace load {

struct HttpAnswer {
  int status = 0;
  std::string_view body;  // Lives as long as the bytes, or as `chunks`.
  size_t bytes = 0;       // Of the whole answer.
  bool last = false;      // The server closes the connection behind it.
};

inline constexpr size_t kHeadMax = 64 * 1024;
inline constexpr size_t kBodyMax = size_t{64} << 20;

// The answer in front of `in`; nothing: it is not all there. `chunks`: where a body that comes in
// chunks is put together. An error: it is no answer, says no length, or is over a bound.
base::Result<std::optional<HttpAnswer>> read_http_answer(std::string_view in, std::string& chunks);

}  // namespace load
