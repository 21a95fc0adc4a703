#include "command/http_api.h"

#include <algorithm>
#include <array>
#include <optional>

#include "command/http_fields.h"
#include "command/http_problem.h"
#include "command/http_route.h"

namespace command {
namespace {

// What one thread's requests are answered with: kept so that a steady state allocates little. A
// request is answered whole before the reply is called, so a reply may bring the next request.
struct Desktop {
  Bodies bodies;
  limiter::Batch batch;
  void clear() {
    bodies.clear();
    batch.clear();
  }
};

bool json_type(std::string_view content_type) {
  constexpr std::string_view kJson = "application/json";
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return std::ranges::equal(type, kJson, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
  });
}

// The toll of the `server` domain, where it is configured: per client, and for all together.
std::optional<HttpAnswer> charge_server(const Services& services, const Caller& caller,
                                        limiter::Batch& batch) {
  if (services.limiter.limits()->find("server") == nullptr) return std::nullopt;
  const std::array<limiter::Entry, 1> client = {{{"client_ip", caller.address}}};
  const std::array<limiter::Entry, 1> global = {{{"scope", "global"}}};
  const std::array<limiter::Descriptor, 2> descriptors = {client, global};
  batch.add({.domain = "server", .descriptors = descriptors});
  services.limiter.decide(batch, services.clock.now());
  const limiter::Answer& decided = batch.answer(0);
  std::optional<HttpAnswer> refusal;
  if (!decided.allowed) refusal = limited_answer(decided.limited_by, decided.numbers);
  batch.clear();
  return refusal;
}

HttpAnswer no_route(const RouteFound& found) {
  if (found.allow.empty()) {
    return problem_answer({.status = 404, .detail = "this listener has no such path"});
  }
  HttpAnswer answer = problem_answer(
      {.status = 405, .detail = "this path has no such method, only " + found.allow});
  answer.headers.emplace_back("Allow", found.allow);
  return answer;
}

std::optional<HttpAnswer> not_allowed(const Route& route, const Services& services,
                                      const Caller& caller) {
  if ((route.flags & kNewWork) != 0 && services.process.stopping()) {
    return problem_answer({.status = 503, .detail = "the server is stopping"});
  }
  if ((route.flags & kNeedsAdmin) != 0 && !caller.admin) {
    return problem_answer({.status = 403, .detail = "this call needs the admin right"});
  }
  return std::nullopt;
}

std::optional<HttpAnswer> read_body(const BodyShape& shape, const HttpRequest& request,
                                    Bodies& bodies) {
  if (shape.kind == BodyShape::Kind::kNone) return std::nullopt;
  if (!request.content_type.empty() && !json_type(request.content_type)) {
    return problem_answer({.status = 415, .detail = "the body must be application/json"});
  }
  const bool nothing = shape.kind == BodyShape::Kind::kRecordOrNothing && request.body.empty();
  const base::Status syntax = bodies.parse(nothing ? "{}" : request.body);
  if (!syntax) return problem_answer({.status = 400, .detail = syntax.error().what});
  const base::Status fields = bodies.decode(shape);
  if (!fields) return problem_answer(fields.error());
  return std::nullopt;
}

std::string_view query_of(std::string_view target) {
  const size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

std::optional<HttpAnswer> run(const Route& route, HttpCall& call) {
  if (call.services.decider != nullptr) {
    if (void (*const ask)(HttpCall&) = elsewhere(route)) {
      ask(call);
      return std::nullopt;
    }
  }
  const bool travels = route.travel != nullptr && (route.travels == nullptr || route.travels(call));
  if (!travels) return route.run(call);
  if (call.services.shards == nullptr) {
    return problem_answer({.status = 503, .detail = "this process has no queues", .code = "ERR"});
  }
  route.travel(call);
  return std::nullopt;
}

// Nothing: it travels, and the reply will be called later.
std::optional<HttpAnswer> answer_to(Services& services, const Caller& caller, Listener listener,
                                    const HttpRequest& request, Desktop& desktop,
                                    const HttpReply& reply) {
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  const RouteFound found = find_route(listener, request.method, path);
  if (found.route == nullptr || (found.route->flags & kFree) == 0) {
    if (auto refusal = charge_server(services, caller, desktop.batch)) return *std::move(refusal);
  }
  if (found.route == nullptr) return no_route(found);
  if (auto refusal = not_allowed(*found.route, services, caller)) return *std::move(refusal);
  const std::optional<std::string> id = percent_decoded(found.parameter);
  if (!id) return problem_answer({.status = 400, .detail = "the path is no percent-encoded UTF-8"});
  if (auto refusal = read_body(found.route->shape, request, desktop.bodies)) {
    return *std::move(refusal);
  }
  HttpCall call{.services = services,
                .caller = caller,
                .listener = listener,
                .id = *id,
                .bodies = desktop.bodies.all(),
                .batch = desktop.batch,
                .query = query_of(request.target),
                .reply = reply,
                .change = desktop.bodies.change()};
  return run(*found.route, call);
}

}  // namespace

void serve_http(Services& services, const Caller& caller, Listener listener,
                const HttpRequest& request, const std::function<void(HttpAnswer&&)>& reply) {
  static thread_local Desktop desktop;
  auto answer = answer_to(services, caller, listener, request, desktop, reply);
  desktop.clear();
  if (answer) reply(*std::move(answer));
}

}  // namespace command
