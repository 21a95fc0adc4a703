#include "dispatch/outcome.h"

#include <algorithm>
#include <utility>

#include "dispatch/retry_after.h"
#include "queue/settings.h"

namespace dispatch {
namespace {

constexpr int kGone = 410, kTooManyRequests = 429, kUnavailable = 503;

std::string_view word(Failure failure) {
  switch (failure) {
    case Failure::kNone:
      return "";
    case Failure::kRefused:
      return "refused";
    case Failure::kDns:
      return "dns";
    case Failure::kConnect:
      return "connect";
    case Failure::kTls:
      return "tls";
    case Failure::kTimeout:
      return "timeout";
    case Failure::kTooLarge:
      return "too large";
    case Failure::kBroken:
      return "broken";
  }
  return "";
}

// At most kReasonBytesMax, and no half of a character.
std::string cut(std::string text) {
  if (text.size() <= queue::kReasonBytesMax) return text;
  size_t end = queue::kReasonBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

std::string seconds(base::Duration wait) {
  return std::to_string((base::ceil_ms(wait) + 999) / 1000) + " s";
}

Judgement without_answer(const Exchange& exchange) {
  Judgement out;
  out.reason = word(exchange.failure);
  if (!exchange.error.empty()) out.reason += ": " + std::string(exchange.error);
  out.reason = cut(std::move(out.reason));
  out.outcome = exchange.failure == Failure::kRefused ? Outcome::kDead : Outcome::kFailed;
  out.host_alive = exchange.failure == Failure::kTooLarge;
  out.host_failed = !out.host_alive && exchange.failure != Failure::kRefused;
  return out;
}

// 429, 503 with Retry-After.
Judgement busy(int status, std::optional<base::Duration> retry_after,
               std::optional<base::Duration> ratelimit, base::Duration age) {
  Judgement out;
  out.host_busy = out.host_alive = true;
  out.host_wait = retry_after ? retry_after : ratelimit;
  out.reason = std::to_string(status);
  if (out.host_wait)
    out.reason += (retry_after ? " Retry-After " : " RateLimit ") + seconds(*out.host_wait);
  out.outcome = Outcome::kGoesBack;
  if (age < kGoesBackMax) return out;
  out.outcome = Outcome::kFailed;
  out.reason +=
      ", enqueued over " + std::to_string(kGoesBackMax / std::chrono::hours(1)) + " h ago";
  return out;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kGoesBack:
      return "goes_back";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kDead:
      return "dead";
  }
  return "";
}

Judgement judge(const Exchange& exchange, base::Time wall, base::Duration age) {
  if (exchange.failure != Failure::kNone || exchange.status == 0) return without_answer(exchange);
  const int status = exchange.status;
  const auto retry_after = parse_retry_after(exchange.retry_after, wall);
  if (status == kTooManyRequests || (status == kUnavailable && retry_after))
    return busy(status, retry_after, parse_ratelimit(exchange.ratelimit, exchange.age), age);

  Judgement out;
  out.host_failed = status >= 500;
  out.host_alive = !out.host_failed;
  if (status >= 200 && status < 300) return out;
  out.outcome = status == kGone ? Outcome::kDead : Outcome::kFailed;
  out.reason = std::to_string(status);
  return out;
}

}  // namespace dispatch
