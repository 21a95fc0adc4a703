#include "gateway/decision.h"

#include <array>
#include <utility>

#include "limiter/rate_fields.h"

namespace gateway {
namespace {

Reason reason_of(const limiter::Answer& answer) {
  switch (answer.decided_by) {
    case limiter::DecidedBy::kRefuse:
      return Reason::kStoreRefuse;
    case limiter::DecidedBy::kAllow:
      return Reason::kStoreAllow;
    case limiter::DecidedBy::kLocal:
      return Reason::kStoreLocal;
    default:
      break;
  }
  if (!answer.allowed) return answer.limited_by == "blocked" ? Reason::kBlocked : Reason::kLimits;
  return answer.matched ? Reason::kLimits : Reason::kNoLimit;
}

}  // namespace

std::string_view to_string(Reason reason) {
  static constexpr std::array<std::string_view, kReasons> kNames = {
      "limits",      "blocked",  "no_limit", "store_refuse",   "store_allow", "store_local",
      "no_instance", "deadline", "failure",  "unknown_domain", "bad_ask"};
  return kNames.at(static_cast<size_t>(reason));
}

Decision decision_of(const limiter::Answer& answer) {
  Decision out;
  if (!answer.known_domain) {
    out.reason = Reason::kUnknownDomain;
    return out;
  }
  out.reason = reason_of(answer);
  if (!answer.allowed && answer.decided_by == limiter::DecidedBy::kRefuse) {
    out.outcome = Decision::Outcome::kRefused;
    return out;
  }
  limiter::RateFields fields = limiter::rate_fields(answer);
  out.rate_limit = std::move(fields.remaining);
  out.rate_limit_policy = std::move(fields.policy);
  if (answer.allowed) {
    out.outcome = Decision::Outcome::kAllowed;
    return out;
  }
  out.outcome = Decision::Outcome::kLimited;
  out.limited_by = answer.limited_by;
  const base::Duration wait = answer.numbers.retry_after;
  out.retry_after_ms = wait == limit::kNever ? -1 : base::ceil_ms(wait);
  out.retry_after = limiter::retry_after_field(answer.numbers);
  return out;
}

}  // namespace gateway
