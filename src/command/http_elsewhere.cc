// The limits' routes where limits are decided elsewhere (limiter/decider.h): the same answers,
// later.
#include <algorithm>
#include <string>

#include "command/elsewhere.h"
#include "command/http_limits.h"
#include "command/http_problem.h"
#include "command/http_route.h"
#include "command/records.h"
#include "command/words.h"
#include "limiter/decider.h"
#include "protocol/writer.h"

namespace command {
namespace {

using protocol::Wire;
using protocol::Writer;

base::Duration span_of(int64_t ms) { return std::chrono::milliseconds(ms); }

HttpAnswer store_is_gone(const base::Error& why) {
  return problem_answer(
      {.status = 503,
       .detail = text_of(why),
       .code = "ERR",
       .type = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"});
}

// Hands a result to `make`, unless the store could not be asked.
template <typename Result, typename Make>
auto answering(HttpCall& call, Make make) {
  return [reply = call.reply, make](Result&& result) {
    const bool gone = !result && result.error().code == base::Code::kIo;
    reply(gone ? store_is_gone(result.error()) : make(result));
  };
}

limiter::Decider::Ended ended(HttpCall& call) {
  return answering<base::Status>(call, ended_answer);
}

limiter::Decider::Opened opened(HttpCall& call, const char* path) {
  return answering<base::Result<limiter::Limiter::Opened>>(
      call, [path](const auto& result) { return opened_answer(result, path); });
}

HttpAnswer one_answer(const limiter::Answer& decided, std::string_view domain) {
  const bool gone = decided.known_domain && decided.decided_by == limiter::DecidedBy::kRefuse;
  return gone ? store_is_gone({base::Code::kIo, "the limit says refuse", {}})
              : check_answer(decided, domain);
}

std::string checks_text(std::span<const limiter::Answer> answers,
                        std::span<const std::string> domains, Brief brief) {
  std::string body = "[";
  for (size_t i = 0; i < answers.size(); ++i) {
    if (i > 0) body += ',';
    body += check_record(answers[i], domains[i], brief);
  }
  return body + ']';
}

void check(HttpCall& call) {
  const limiter::Ask& ask = call.body().ask;
  if (check_waits(call)) {
    if (call.services.shards != nullptr) return http_check_wait(call);
    return call.reply(problem_answer(
        base::invalid("wait_ms must be 0 where limits are kept in a store", "wait_ms")));
  }
  call.services.decider->decide({&ask, 1}, [reply = call.reply, domain = std::string(ask.domain)](
                                               std::span<const limiter::Answer> answers) {
    reply(one_answer(answers.front(), domain));
  });
}

void checks(HttpCall& call) {
  const auto query = read_query(call.query, kQueryBrief);
  if (!query) return call.reply(problem_answer(query.error()));
  const Brief brief = query->brief ? Brief::kYes : Brief::kNo;
  std::vector<limiter::Ask> asks;
  std::vector<std::string> domains;
  for (const Body& body : call.bodies) {
    asks.push_back(body.ask);
    domains.emplace_back(body.ask.domain);
  }
  call.services.decider->decide(asks, [reply = call.reply, domains = std::move(domains),
                                       brief](std::span<const limiter::Answer> answers) {
    HttpAnswer answer;
    answer.body = checks_text(answers, domains, brief);
    reply(std::move(answer));
  });
}

void reserve(HttpCall& call) {
  const Body& body = call.body();
  call.services.decider->reserve(body.ask, span_of(body.ttl_ms), opened(call, "/v1/reservations/"));
}

void commit(HttpCall& call) {
  const Body& body = call.body();
  const auto cost = body.has(kBodyCost) ? std::optional(body.ask.cost) : std::nullopt;
  call.services.decider->commit(call.id, cost,
                                answering<base::Result<int64_t>>(call, committed_answer));
}

void cancel(HttpCall& call) { call.services.decider->cancel(call.id, ended(call)); }

void acquire(HttpCall& call) {
  const Body& body = call.body();
  call.services.decider->acquire(body.ask, span_of(body.ttl_ms), opened(call, "/v1/holds/"));
}

void renew(HttpCall& call) {
  call.services.decider->renew(call.id, span_of(call.body().ttl_ms), ended(call));
}

void release(HttpCall& call) { call.services.decider->release(call.id, ended(call)); }

void why(HttpCall& call) {
  const limiter::Ask& ask = call.body().ask;
  call.services.decider->why(ask.domain, ask.descriptors,
                             answering<base::Result<limiter::Limiter::Why>>(call, why_answer));
}

void block(HttpCall& call) {
  const Body& body = call.body();
  call.services.decider->block(body.ask.domain, body.ask.descriptors.front(), span_of(body.ms),
                               ended(call));
}

void forget(HttpCall& call) {
  const limiter::Ask& ask = call.body().ask;
  call.services.decider->forget(ask.domain, ask.descriptors.front(), ended(call));
}

struct Row {
  std::string_view name;  // Of the route.
  void (*ask)(HttpCall&);
};
constexpr Row kRows[] = {{"check", check},   {"checks", checks},   {"reserve", reserve},
                         {"commit", commit}, {"cancel", cancel},   {"acquire", acquire},
                         {"renew", renew},   {"release", release}, {"why", why},
                         {"block", block},   {"forget", forget}};

}  // namespace

void (*elsewhere(const Route& route))(HttpCall&) {
  const auto found = std::ranges::find(kRows, route.name, &Row::name);
  return found == std::end(kRows) ? nullptr : found->ask;
}

}  // namespace command
