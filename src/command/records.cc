#include "command/records.h"

#include "command/words.h"

namespace command {
namespace {

std::string_view to_string(limiter::Mode mode) {
  return mode == limiter::Mode::kStrict ? "strict" : "granted";
}

std::string_view to_string(limiter::WhenGone when) {
  switch (when) {
    case limiter::WhenGone::kLocal:
      return "local";
    case limiter::WhenGone::kRefuse:
      return "refuse";
    case limiter::WhenGone::kAllow:
      return "allow";
  }
  return "local";
}

// Nil for what has no bound: a limit that counts nothing, or that its store is gone from.
void write_bounds(const limit::Decision& numbers, bool known, protocol::Writer& writer) {
  const bool bounded = known && numbers.limit != limiter::kNoLimit;
  writer.field("limit");
  bounded ? writer.integer(numbers.limit) : writer.nil();
  writer.field("remaining");
  bounded ? writer.integer(numbers.remaining) : writer.nil();
}

void text_or_nil(std::string_view text, protocol::Writer& writer) {
  if (text.empty()) {
    writer.nil();
  } else {
    writer.text(text);
  }
}

}  // namespace

int64_t retry_after_ms(const limit::Decision& decision) {
  if (decision.allowed) return 0;
  return decision.retry_after == limit::kNever ? -1 : base::ceil_ms(decision.retry_after);
}

int64_t reset_after_ms(const limit::Decision& decision) {
  return base::ceil_ms(decision.reset_after);
}

void write_decision(const limiter::Answer& answer, protocol::Writer& writer) {
  writer.field("allowed").truth(answer.allowed).field("limited_by");
  text_or_nil(answer.allowed ? std::string_view() : answer.limited_by, writer);
  write_bounds(answer.numbers, answer.matched, writer);
  writer.field("retry_after_ms").integer(answer.allowed ? 0 : retry_after_ms(answer.numbers));
  writer.field("reset_after_ms").integer(answer.matched ? reset_after_ms(answer.numbers) : 0);
  writer.field("decided_by").text(limiter::to_string(answer.decided_by));
}

std::string limited_text(std::string_view limited_by, const limit::Decision& numbers) {
  return "by " + std::string(limited_by) +
         " retry_after_ms=" + std::to_string(retry_after_ms(numbers));
}

void write_why_row(const limiter::WhyRow& row, protocol::Writer& writer) {
  const limiter::Limit* const limit = row.limit;
  writer.record(9).field("name");
  text_or_nil(limit != nullptr ? std::string_view(limit->name) : std::string_view(), writer);
  writer.field("descriptor").text(row.descriptor).field("algorithm");
  text_or_nil(limit != nullptr ? std::string_view(limit->spec.algorithm) : std::string_view(),
              writer);
  write_bounds(row.decision, limit != nullptr, writer);
  writer.field("allowed").truth(row.decision.allowed);
  writer.field("retry_after_ms").integer(retry_after_ms(row.decision));
  writer.field("shadow").truth(limit != nullptr && limit->spec.shadow);
  writer.field("blocked_until_ms");
  if (row.blocked_until == base::Time()) {
    writer.nil();
  } else {
    writer.integer(base::ceil_ms(row.blocked_until.time_since_epoch()));
  }
}

void write_limit(const limiter::Limit& limit, protocol::Writer& writer) {
  const limiter::LimitSpec& spec = limit.spec;
  const auto* const gcra = spec.law ? std::get_if<limit::Gcra>(&*spec.law) : nullptr;
  const auto* const holds = spec.law ? std::get_if<limit::Concurrency>(&*spec.law) : nullptr;
  const bool rated = spec.law && holds == nullptr;
  writer.record(12).field("domain").text(limit.domain).field("name").text(limit.name);
  writer.field("descriptor").text(limit.descriptor);
  writer.field("algorithm").text(spec.algorithm).field("rate");
  text_or_nil(rated ? limit::to_string(spec.rate) : std::string(), writer);
  writer.field("burst");
  gcra != nullptr ? writer.integer(gcra->burst()) : writer.nil();
  writer.field("concurrency");
  holds != nullptr ? writer.integer(holds->cap()) : writer.nil();
  writer.field("counts").text(spec.counts == limiter::Counts::kRequests ? "requests" : "cost");
  writer.field("shadow").truth(spec.shadow).field("durable").truth(spec.durable && !spec.shadow);
  writer.field("mode").text(to_string(spec.mode));
  writer.field("when_gone").text(to_string(spec.when_gone));
}

base::Error unknown_domain(std::string_view domain) {
  return {base::Code::kNotFound, "there is no domain '" + shown(domain) + "'", "domain"};
}

}  // namespace command
