#include "gateway/site.h"

#include <array>

#include "base/check.h"
#include "gateway/problem.h"
#include "gateway/site_body.h"
#include "proxy/client_address.h"

namespace gateway {
namespace {

constexpr std::string_view kDecidedBy = "X-Decided-By";

// Empty: by the limits, as it should be.
std::string_view decided_by(const Decision& decision) {
  if (decision.outcome == Decision::Outcome::kNobody) return "when_none";
  if (decision.reason == Reason::kStoreAllow) return "allow";
  return decision.reason == Reason::kStoreLocal ? "local" : "";
}

}  // namespace

void append_fields(Decision&& decision,
                   std::vector<std::pair<std::string_view, std::string>>& fields) {
  const auto add = [&](std::string_view name, std::string&& value) {
    if (!value.empty()) fields.emplace_back(name, std::move(value));
  };
  add(kDecidedBy, std::string(decided_by(decision)));
  add("RateLimit-Policy", std::move(decision.rate_limit_policy));
  add("RateLimit", std::move(decision.rate_limit));
}

Site::Body::Body(io::Loop& told_loop, Common::Body& told_common, limiter::Decider* told_local)
    : loop(told_loop),
      common(told_common),
      local(told_local),
      hashes(loop, common.hashes, common.options.compute_hash, common.clock, common.counts,
             common.store),
      alarm(loop.poll(), [this] { on_deadline(); }) {
  if (local == nullptr) remote.emplace(loop, common.options, common.registry, common.clock);
}

void Site::Body::on_request(const SharedExchange& exchange) {
  const proxy::Head& head = exchange->head();
  std::string scratch;
  const std::string_view path = normal_path(head.path, scratch);
  if (answer_own(exchange, path)) return;
  const Routes::Row* const row = common.routes.find(head.host, path);
  if (row == nullptr) {
    return exchange->answer(problem_answer({.status = 404, .detail = "no route leads there"}));
  }
  if (row->computes_hash() && !fits_hash(*exchange, *row, path)) return;
  ask(exchange, *row, path);
}

void Site::Body::ask(const SharedExchange& exchange, const Routes::Row& row,
                     std::string_view path) {
  const proxy::Head& head = exchange->head();
  const io::Ip client = proxy::client_of(head, common.trusted_proxies);
  if (!row.route->decide) {
    Decision unlimited;
    unlimited.outcome = Decision::Outcome::kAllowed;
    return go_on(exchange, row, client, std::move(unlimited));
  }
  const std::string key = proxy::client_key(client, common.options.ipv6_prefix);
  const auto descriptors =
      render(row.descriptors, {.head = head, .client = key, .path = path}, rendering);
  const auto step = std::make_shared<Step>();
  step->exchange = exchange;
  step->row = &row;
  step->client = client;
  step->since = common.clock.now();
  if (descriptors.empty()) {
    Decision unmatched;
    unmatched.outcome = Decision::Outcome::kAllowed;
    unmatched.reason = Reason::kNoLimit;
    return settle(*step, std::move(unmatched));
  }
  decide(step, {.domain = row.route->decide->domain, .descriptors = descriptors});
}

void Site::Body::decide(const std::shared_ptr<Step>& step, const limiter::Ask& ask) {
  wait_for(step);
  auto settled = [weak = weak_from_this(), step](Decision&& decision) {
    if (const std::shared_ptr<Body> here = weak.lock()) here->settle(*step, std::move(decision));
  };
  if (remote) return remote->decide(ask, std::move(settled));
  local->decide(std::span(&ask, 1), [settled](std::span<const limiter::Answer> answers) {
    CHECK(answers.size() == 1);
    settled(decision_of(answers[0]));
  });
}

// The first who comes settles it; a decision that comes after the deadline is thrown away.
void Site::Body::settle(Step& step, Decision&& decision) {
  if (std::exchange(step.over, true)) return;
  const SharedExchange exchange = std::move(step.exchange);
  const bool none = decision.outcome == Decision::Outcome::kNobody;
  const bool passes = decision.outcome == Decision::Outcome::kAllowed ||
                      (none && step.row->route->when_none == WhenNone::kAllow);
  common.counts.decided(decision, passes, common.clock.now() - step.since);
  if (exchange->gone()) return;
  if (passes) return go_on(exchange, *step.row, step.client, std::move(decision));
  if (decision.outcome == Decision::Outcome::kLimited) {
    return exchange->answer(limited_answer(std::move(decision)));
  }
  exchange->answer(undecided_answer(decision));
}

void Site::Body::go_on(const SharedExchange& exchange, const Routes::Row& row, const io::Ip& client,
                       Decision&& decision) {
  if (row.computes_hash()) return compute_hash(exchange, row, std::move(decision));
  std::vector<std::pair<std::string_view, std::string>> added;
  append_fields(std::move(decision), added);
  exchange->pass(*row.route, client.text(), std::move(added));
}

// All wait equally long, so the first to come is the first to be due.
void Site::Body::wait_for(const std::shared_ptr<Step>& step) {
  const auto is_over = [](const std::weak_ptr<Step>& weak) {
    const std::shared_ptr<Step> there = weak.lock();
    return there == nullptr || there->over;
  };
  while (!steps.empty() && is_over(steps.front().second)) steps.pop_front();
  steps.emplace_back(step->since + common.options.deadline, step);
  if (steps.size() == 1) alarm.within(common.options.deadline);
}

void Site::Body::on_deadline() {
  const base::Time now = common.clock.now();
  const auto alive = shared_from_this();
  while (!steps.empty() && steps.front().first <= now) {
    const std::shared_ptr<Step> step = steps.front().second.lock();
    steps.pop_front();
    Decision late;
    late.reason = Reason::kDeadline;
    if (step != nullptr) settle(*step, std::move(late));
  }
  if (!steps.empty()) alarm.within(steps.front().first - now);
}

Site::Site(io::Loop& loop, Common& common, limiter::Decider* local)
    : body_(std::make_shared<Body>(loop, *common.body_, local)) {}
Site::~Site() { body_->alarm.stop(); }

void Site::on_request(const std::shared_ptr<proxy::Exchange>& exchange) {
  body_->on_request(exchange);
}

http::Answer Site::problem(int status, std::string_view detail) {
  return problem_answer({.status = status, .detail = detail});
}

}  // namespace gateway
