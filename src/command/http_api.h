// The verbs' HTTP twins: JSON requests to answers, without sockets (docs/http.md).
//
// One table of routes, read by dispatch, the OpenAPI document and metrics. Errors are RFC 9457
// problem documents. A body is decoded into the same asks as a verb's words, and runs the same
// code.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command/services.h"

namespace command {

// Which listener; a call that it does not have is 404.
enum class Listener : uint8_t { kApi, kLimiter };

struct HttpRequest {
  std::string_view method;        // Upper case.
  std::string_view target;        // Path and query as received.
  std::string_view content_type;  // Empty: none.
  std::string_view body;
  std::string_view request_id;  // X-Request-Id as received, or made by the listener.
};

struct HttpAnswer {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string body;
  // Retry-After, RateLimit, Allow, …
  std::vector<std::pair<std::string_view, std::string>> headers;
};

// Answers now or later; `reply` is called exactly once, on the caller's thread.
void serve_http(Services& services, const Caller& caller, Listener listener,
                const HttpRequest& request, const std::function<void(HttpAnswer&&)>& reply);

// A problem document, for refusals that the listener makes itself (foreign Host, body too large).
HttpAnswer problem(int status, std::string_view title, std::string_view detail,
                   std::string_view field = {});

}  // namespace command
