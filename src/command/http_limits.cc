// The limits' routes: each runs the same code of the limiter as its verb.
#include "command/http_limits.h"

#include <algorithm>
#include <memory_resource>

#include "base/check.h"
#include "command/http_fields.h"
#include "command/http_problem.h"
#include "command/http_route.h"
#include "command/records.h"
#include "command/words.h"
#include "limiter/rate_fields.h"
#include "protocol/writer.h"

namespace command {
namespace {

using protocol::Wire;
using protocol::Writer;

void write_limit_answer(const limiter::LimitAnswer& met, Writer& writer) {
  const limiter::LimitSpec& spec = met.limit->spec;
  writer.record(9).field("name").text(met.limit->name);
  writer.field("descriptor").text(limiter::to_string(met.descriptor));
  const bool bounded = spec.law && met.decision.limit != limiter::kNoLimit;
  writer.field("algorithm").text(spec.algorithm).field("limit");
  bounded ? writer.integer(met.decision.limit) : writer.nil();
  writer.field("remaining");
  bounded ? writer.integer(met.decision.remaining) : writer.nil();
  writer.field("allowed").truth(met.decision.allowed);
  writer.field("retry_after_ms").integer(retry_after_ms(met.decision));
  writer.field("reset_after_ms").integer(reset_after_ms(met.decision));
  writer.field("shadow").truth(spec.shadow);
}

void write_text_or_nil(std::string_view name, std::string_view text, Writer& writer) {
  writer.field(name);
  text.empty() ? writer.nil() : writer.text(text);
}

// `fields`: what the answer's own fields cannot say, since it has several decisions.
std::string decision_record(const limiter::Answer& decided,
                            const limiter::RateFields* fields = nullptr, Brief brief = Brief::kNo) {
  const bool full = brief == Brief::kNo;
  std::string body;
  body.reserve(384 + (full ? 224 * decided.limits.size() : 0));
  Writer writer(Wire::kJson, body);
  writer.record(kDecisionFields + (fields != nullptr ? 2u : 0u) + (full ? 1u : 0u));
  write_decision(decided, writer);
  if (fields != nullptr) {
    write_text_or_nil("ratelimit", fields->remaining, writer);
    write_text_or_nil("ratelimit_policy", fields->policy, writer);
  }
  if (full) {
    writer.field("limits").list(decided.limits.size());
    for (const limiter::LimitAnswer& met : decided.limits) write_limit_answer(met, writer);
  }
  CHECK(writer.complete());
  return body;
}

Brief brief_of(const Query& query) { return query.brief ? Brief::kYes : Brief::kNo; }

base::Duration span_of(int64_t ms) { return std::chrono::milliseconds(ms); }

HttpAnswer limits_answer(const limiter::Limits& limits, std::string_view domain) {
  HttpAnswer answer;
  const std::vector<const limiter::Limit*> rows = limits.list(domain);
  Writer writer(Wire::kJson, answer.body);
  writer.list(rows.size());
  for (const limiter::Limit* limit : rows) write_limit(*limit, writer);
  return answer;
}

}  // namespace

HttpAnswer opened_answer(const base::Result<limiter::Limiter::Opened>& opened,
                         std::string_view path) {
  if (!opened) return problem_answer(opened.error());
  if (opened->id.empty()) return limited_answer(opened->limited_by, opened->numbers);
  HttpAnswer answer{.status = 201, .content_type = "application/json", .body = {}, .headers = {}};
  Writer(Wire::kJson, answer.body).record(1).field("id").text(opened->id);
  answer.headers.emplace_back("Location", std::string(path) + opened->id);
  return answer;
}

HttpAnswer ended_answer(const base::Status& status) {
  return status ? no_content() : problem_answer(status.error());
}

HttpAnswer decision_answer(const limiter::Answer& decided) {
  HttpAnswer answer;
  answer.status = decided.allowed ? 200 : 429;
  answer.body = decision_record(decided);
  if (!decided.allowed) add_retry_after(decided.numbers, answer);
  add_rate_limit_fields(decided, answer);
  return answer;
}

HttpAnswer check_answer(const limiter::Answer& decided, std::string_view domain) {
  return decided.known_domain ? decision_answer(decided) : problem_answer(unknown_domain(domain));
}

std::string check_record(const limiter::Answer& decided, std::string_view domain, Brief brief) {
  if (decided.known_domain) {
    const limiter::RateFields fields = limiter::rate_fields(decided);
    return decision_record(decided, &fields, brief);
  }
  const base::Error error = unknown_domain(domain);
  return problem_body({.status = 404, .detail = error.what, .field = error.field});
}

HttpAnswer committed_answer(const base::Result<int64_t>& charged) {
  if (!charged) return problem_answer(charged.error());
  HttpAnswer answer;
  Writer(Wire::kJson, answer.body).record(1).field("charged").integer(*charged);
  return answer;
}

HttpAnswer why_answer(const base::Result<limiter::Limiter::Why>& why) {
  if (!why) return problem_answer(why.error());
  HttpAnswer answer;
  Writer writer(Wire::kJson, answer.body);
  writer.list(why->rows.size());
  for (const limiter::WhyRow& row : why->rows) write_why_row(row, writer);
  return answer;
}

HttpAnswer waited_answer(const engine::Check& check, const limiter::Limits& limits) {
  if (!check.known_domain) return problem_answer(unknown_domain(check.domain));
  std::pmr::monotonic_buffer_resource keep;
  std::vector<limiter::LimitAnswer> met;
  const std::vector<const limiter::Limit*> all = limits.list(check.domain);
  for (const engine::Check::Row& row : check.rows) {
    const auto limit = std::ranges::find(all, row.name, &limiter::Limit::name);
    const auto descriptor = parse_descriptor(row.descriptor, keep);
    if (limit != all.end() && descriptor) met.push_back({*limit, *descriptor, row.decision});
  }
  limiter::Answer answer;
  answer.allowed = check.allowed;
  answer.matched = check.matched;
  answer.limited_by = check.limited_by;
  answer.numbers = check.numbers;
  answer.nearest = check.nearest;
  answer.decided_by = check.decided_by;
  answer.limits = met;
  return decision_answer(answer);
}

HttpAnswer http_check(HttpCall& call) {
  call.batch.add(call.body().ask);
  call.services.limiter.decide(call.batch, call.now());
  return check_answer(call.batch.answer(0), call.body().ask.domain);
}

HttpAnswer http_checks(HttpCall& call) {
  const auto query = read_query(call.query, kQueryBrief);
  if (!query) return problem_answer(query.error());
  for (const Body& body : call.bodies) call.batch.add(body.ask);
  call.services.limiter.decide(call.batch, call.now());
  HttpAnswer answer;
  answer.body += '[';
  for (size_t i = 0; i < call.bodies.size(); ++i) {
    if (i > 0) answer.body += ',';
    answer.body += check_record(call.batch.answer(i), call.bodies[i].ask.domain, brief_of(*query));
  }
  answer.body += ']';
  return answer;
}

HttpAnswer http_reserve(HttpCall& call) {
  const Body& body = call.body();
  return opened_answer(call.services.limiter.reserve(body.ask, span_of(body.ttl_ms), call.now()),
                       "/v1/reservations/");
}

HttpAnswer http_commit(HttpCall& call) {
  const Body& body = call.body();
  const auto cost = body.has(kBodyCost) ? std::optional(body.ask.cost) : std::nullopt;
  return committed_answer(call.services.limiter.commit(call.id, cost, call.now()));
}

HttpAnswer http_cancel(HttpCall& call) {
  return ended_answer(call.services.limiter.cancel(call.id, call.now()));
}

HttpAnswer http_acquire(HttpCall& call) {
  const Body& body = call.body();
  return opened_answer(call.services.limiter.acquire(body.ask, span_of(body.ttl_ms), call.now()),
                       "/v1/holds/");
}

HttpAnswer http_renew(HttpCall& call) {
  const base::Duration ttl = span_of(call.body().ttl_ms);
  return ended_answer(call.services.limiter.renew(call.id, ttl, call.now()));
}

HttpAnswer http_release(HttpCall& call) {
  return ended_answer(call.services.limiter.release(call.id, call.now()));
}

HttpAnswer http_limits(HttpCall& call) {
  return limits_answer(*call.services.limiter.limits(), {});
}

HttpAnswer http_domain_limits(HttpCall& call) {
  const std::shared_ptr<const limiter::Limits> limits = call.services.limiter.limits();
  if (limits->find(call.id) == nullptr) return problem_answer(unknown_domain(call.id));
  return limits_answer(*limits, call.id);
}

HttpAnswer http_why(HttpCall& call) {
  const limiter::Ask& ask = call.body().ask;
  return why_answer(call.services.limiter.why(ask.domain, ask.descriptors, call.now()));
}

HttpAnswer http_block(HttpCall& call) {
  const Body& body = call.body();
  const base::Time until = body.ms == 0 ? base::Time{} : call.now() + span_of(body.ms);
  return ended_answer(call.services.limiter.block(body.ask.domain, body.ask.descriptors.front(),
                                                  until, call.now()));
}

HttpAnswer http_forget(HttpCall& call) {
  const limiter::Ask& ask = call.body().ask;
  return ended_answer(call.services.limiter.forget(ask.domain, ask.descriptors.front()));
}

}  // namespace command
