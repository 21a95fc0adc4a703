// The table of routes: one row each, read by dispatch, the OpenAPI document and the tests.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "command/http_api.h"
#include "command/http_body.h"
#include "limiter/limiter.h"

namespace command {

// One request being answered. What it refers to lives until the route's function has returned.
struct HttpCall {
  Services& services;
  const Caller& caller;
  Listener listener;
  std::string_view id;           // What stood in the path's {…}, percent-decoded.
  std::span<const Body> bodies;  // As the route's shape says: none, one, or a list.
  limiter::Batch& batch;         // Empty.

  const Body& body() const { return bodies.front(); }
  base::Time now() const { return services.clock.now(); }
};

enum RouteFlags : uint8_t {
  kAnyone = 0,
  kNeedsAdmin = 1,  // Else 403.
  kNewWork = 2,     // Refused while stopping: 503.
  kFree = 4,        // Not charged to the `server` domain.
};

enum Listeners : uint8_t { kOnApi = 1, kOnLimiter = 2, kOnBoth = 3 };

struct Route {
  std::string_view method;  // A GET answers HEAD too.
  std::string_view path;    // With at most one {parameter}, which is one whole segment.
  Listeners listeners;
  uint8_t flags;
  BodyShape shape;
  HttpAnswer (*run)(HttpCall&);
  // For the reference:
  std::string_view name;  // operationId.
  std::string_view text;  // One sentence.
  struct Success {
    int status;
    std::string_view schema;  // Of components.schemas; empty: no body. "text": plain text.
    std::string_view text;
  } success;
  std::span<const int> problems;         // Statuses of problem documents.
  std::string_view refusal_schema = {};  // A 429 may also be this, as plain JSON.
};

std::span<const Route> routes();

struct RouteFound {
  const Route* route = nullptr;
  std::string_view parameter;  // As in the path, still encoded.
  std::string allow;           // Where the path exists but not with this method: those it has.
};
RouteFound find_route(Listener listener, std::string_view method, std::string_view path);

// The functions of the rows.
HttpAnswer http_live(HttpCall& call);
HttpAnswer http_ready(HttpCall& call);
HttpAnswer http_metrics(HttpCall& call);
HttpAnswer http_version(HttpCall& call);
HttpAnswer http_openapi(HttpCall& call);
HttpAnswer http_check(HttpCall& call);
HttpAnswer http_checks(HttpCall& call);
HttpAnswer http_reserve(HttpCall& call);
HttpAnswer http_commit(HttpCall& call);
HttpAnswer http_cancel(HttpCall& call);
HttpAnswer http_acquire(HttpCall& call);
HttpAnswer http_renew(HttpCall& call);
HttpAnswer http_release(HttpCall& call);
HttpAnswer http_limits(HttpCall& call);
HttpAnswer http_domain_limits(HttpCall& call);
HttpAnswer http_why(HttpCall& call);
HttpAnswer http_block(HttpCall& call);
HttpAnswer http_forget(HttpCall& call);

}  // namespace command
