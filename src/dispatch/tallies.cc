#include "dispatch/tallies.h"

#include <algorithm>
#include <string_view>

namespace dispatch {
namespace {

constexpr std::array<std::string_view, 6> kCodeNames = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::array<std::string_view, 5> kPhaseNames = {"dns", "connect", "tls", "first_byte",
                                                         "body"};

enum Attempt : size_t { kSuccess, kRetry, kDeadLetter, kBlocked, kTimeout, kDns, kConnect, kTls };
constexpr std::array<std::string_view, 8> kAttemptNames = {
    "success", "retry", "dead", "blocked_ssrf", "timeout", "dns", "connect", "tls"};

// In the names of metrics: by the limit that holds a message back (config/ names them).
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWaitReasons = {
    {{"dispatch-total", "global_cap"},
     {"dispatch-per-host", "host_cap"},
     {"dispatch-host-rate", "host_rate"},
     {"blocked", "backoff"},
     {"", "turn"}}};  // Nothing does: it goes next.
constexpr std::string_view kOtherReason = "limit";

Attempt attempt_of(const Judgement& judgement, Failure failure) {
  switch (failure) {
    case Failure::kRefused:
      return kBlocked;
    case Failure::kTimeout:
      return kTimeout;
    case Failure::kDns:
      return kDns;
    case Failure::kConnect:
      return kConnect;
    case Failure::kTls:
      return kTls;
    case Failure::kNone:
    case Failure::kTooLarge:
    case Failure::kBroken:
      break;
  }
  if (judgement.outcome == Outcome::kDone) return kSuccess;
  return judgement.outcome == Outcome::kDead ? kDeadLetter : kRetry;
}

size_t code_class(int status) {
  return status >= 100 && status < 600 ? static_cast<size_t>(status) / 100 : 0;
}

}  // namespace

void Tallies::count(const Judgement& judgement, const Exchange& exchange,
                    const Hosts::Timing& timing) {
  requests_[static_cast<size_t>(judgement.outcome)][code_class(exchange.status)].add();
  attempts_[attempt_of(judgement, exchange.failure)].add();
  base::Duration before{};
  const std::array reached = {
      timing.dns, timing.connect, timing.tls, timing.first_byte,
      timing.first_byte > base::Duration(0) ? timing.total : base::Duration(0)};
  for (size_t phase = 0; phase < kPhases; ++phase) {
    if (reached[phase] <= before) continue;  // Not reached, or nothing to do.
    phases_[phase].record((reached[phase] - before).count());
    before = reached[phase];
  }
}

void Tallies::waiting(uint32_t shard, std::vector<std::pair<std::string, uint64_t>> reasons,
                      base::Time oldest) {
  const base::Guard guard(mutex_);
  waits_[shard] = {std::move(reasons), oldest};
}

void Tallies::collect_requests(metric::Families& families) const {
  for (size_t outcome = 0; outcome < kOutcomes; ++outcome) {
    for (size_t code = 0; code < kCodeClasses; ++code) {
      const uint64_t value = requests_[outcome][code].value();
      if (value == 0) continue;
      families.counter("ratelimmq_dispatch_requests_total",
                       "Requests that have ended, by what became of the message and by status.",
                       {{"result", std::string(to_string(static_cast<Outcome>(outcome)))},
                        {"code_class", std::string(kCodeNames[code])}},
                       value);
    }
  }
  for (size_t i = 0; i < kAttempts; ++i) {
    families.counter("ratelimmq_dispatch_attempts_total",
                     "Requests that have ended, by how: success, retry, dead, or what failed.",
                     {{"outcome", std::string(kAttemptNames[i])}}, attempts_[i].value());
  }
  for (size_t i = 0; i < kPhases; ++i) {
    families.histogram("ratelimmq_dispatch_phase_duration_seconds",
                       "What requests spend their time with.",
                       {{"phase", std::string(kPhaseNames[i])}}, phases_[i], 1e9);
  }
}

void Tallies::collect_waiting(metric::Families& families, base::Time now) const {
  std::map<std::string_view, uint64_t> by_reason = {{kOtherReason, 0}};
  for (const auto& [limit, reason] : kWaitReasons) by_reason[reason] = 0;
  base::Time oldest{};
  {
    const base::Guard guard(mutex_);
    for (const auto& [shard, waits] : waits_) {
      for (const auto& [limit, messages] : waits.reasons) {
        const auto known = std::ranges::find(kWaitReasons, std::string_view(limit),
                                             &decltype(kWaitReasons)::value_type::first);
        by_reason[known == kWaitReasons.end() ? kOtherReason : known->second] += messages;
      }
      const bool waits_here = waits.oldest > base::Time();
      if (waits_here && (oldest == base::Time() || waits.oldest < oldest)) oldest = waits.oldest;
    }
  }
  for (const auto& [reason, messages] : by_reason) {
    families.gauge("ratelimmq_dispatch_waiting",
                   "Messages of push queues that are ready, by what holds them back.",
                   {{"reason", std::string(reason)}}, static_cast<double>(messages));
  }
  const base::Duration age =
      oldest == base::Time() ? base::Duration(0) : std::max(now - oldest, base::Duration(0));
  families.gauge("ratelimmq_dispatch_oldest_waiting_seconds",
                 "How long the oldest ready message of a push queue has been ready.", {},
                 std::chrono::duration<double>(age).count());
}

void Tallies::collect(metric::Families& families, base::Time now) const {
  collect_requests(families);
  collect_waiting(families, now);
}

}  // namespace dispatch
