// The table of routes: one row each, read by dispatch, the OpenAPI document and the tests.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "command/http_api.h"
#include "command/http_body.h"
#include "command/words.h"
#include "limiter/limiter.h"

namespace command {

using HttpReply = std::function<void(HttpAnswer&&)>;

// One request being answered. What it refers to lives until the route's function has returned.
struct HttpCall {
  Services& services;
  const Caller& caller;
  Listener listener;
  std::string_view id;           // What stood in the path's {…}, percent-decoded.
  std::span<const Body> bodies;  // As the route's shape says: none, one, or a list.
  limiter::Batch& batch;         // Empty.
  std::string_view query;        // Behind the `?`, still encoded.
  const HttpReply& reply;        // For an answer that comes later; copied.
  const QueueChange& change;     // Of a body of settings.

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
  HttpAnswer (*run)(HttpCall&);  // Null: it always travels.
  // For the reference:
  std::string_view name;  // operationId.
  std::string_view text;  // One sentence.
  struct Success {
    int status;
    std::string_view schema;  // Of components.schemas; empty: no body. "text": plain text.
    std::string_view text;
  } success;
  std::span<const int> problems;               // Statuses of problem documents.
  std::string_view refusal_schema = {};        // A 429 may also be this, as plain JSON.
  void (*travel)(HttpCall&) = nullptr;         // To the shards: call.reply gets the answer later.
  bool (*travels)(const HttpCall&) = nullptr;  // Which of both, where there are both.
  uint8_t query = 0;                           // QueryFields.
};

enum QueryFields : uint8_t {
  kQueryNone = 0,
  kQueryCount = 1,
  kQueryRows = 2,
  kQueryAfter = 4,
  kQueryBrief = 8,
};

struct QueryField {
  QueryFields bit;
  std::string_view name;
  Between bounds;  // Of a number; {0, 0}: a text.
  std::string_view text;
};
std::span<const QueryField> query_fields();

struct Query {
  std::optional<int64_t> count;
  std::string after;
  bool brief = false;
};
// Error: kInvalid that names the field. What no route knows is passed over.
base::Result<Query> read_query(std::string_view query, uint8_t fields);

// Nothing if a `%` is not followed by two hexadecimal digits, or the result is no UTF-8.
std::optional<std::string> percent_decoded(std::string_view text);

std::span<const Route> routes();         // All of them:
std::span<const Route> limit_routes();   // http_limit_routes.cc
std::span<const Route> queue_routes();   // http_queue_routes.cc
std::span<const Route> server_routes();  // http_server_routes.cc

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

// How a route runs where limits are decided elsewhere: call.reply gets the answer later. Null: as
// ever (http_elsewhere.cc).
void (*elsewhere(const Route& route))(HttpCall&);

bool check_waits(const HttpCall& call);  // http_messages.cc, and what follows.
void http_check_wait(HttpCall& call);
void http_enqueue(HttpCall& call);
void http_dequeue(HttpCall& call);
void http_ack(HttpCall& call);
void http_nack(HttpCall& call);
void http_extend(HttpCall& call);
void http_requeue(HttpCall& call);
void http_show(HttpCall& call);
void http_why_message(HttpCall& call);
void http_remove(HttpCall& call);
void http_queues(HttpCall& call);  // http_queues.cc, and what follows.
void http_queue(HttpCall& call);
void http_set_queue(HttpCall& call);
void http_delete_queue(HttpCall& call);
void http_pause(HttpCall& call);
void http_resume(HttpCall& call);
void http_purge(HttpCall& call);
void http_redrive(HttpCall& call);
void http_dead(HttpCall& call);
void http_dispatch(HttpCall& call);  // http_dispatch.cc, and what follows.
void http_dispatch_host(HttpCall& call);

}  // namespace command
