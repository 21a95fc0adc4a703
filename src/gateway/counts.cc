#include "gateway/counts.h"

namespace gateway {
namespace {

constexpr double kSecond = 1e9;
constexpr std::array<std::string_view, 2> kOutcomes = {"refused", "allowed"};
constexpr std::array<std::string_view, 3> kCaches = {"hit", "miss", "bypass"};
constexpr std::string_view kDecisions = "ratelimmq_gateway_decisions_total";
constexpr std::string_view kDecisionsHelp = "Requests that the limit step let on or refused";
constexpr std::string_view kBlocked = "blocked", kOther = "other";

bool by_store(Reason reason) {
  return reason == Reason::kStoreRefuse || reason == Reason::kStoreAllow ||
         reason == Reason::kStoreLocal;
}

}  // namespace

metric::Counter& Counts::of_rule(const std::string& name) {
  const bool full = rules_.size() >= kRulesMax && !rules_.contains(name);
  std::unique_ptr<metric::Counter>& counter = rules_[full ? std::string(kOther) : name];
  if (counter == nullptr) counter = std::make_unique<metric::Counter>();
  return *counter;
}

void Counts::decided(const Decision& decision, bool passed, base::Duration took) {
  duration_.record(took.count());
  if (by_store(decision.reason)) store_errors_.add();
  if (passed || decision.reason != Reason::kLimits) {
    decisions_.at(passed ? 1 : 0).at(static_cast<size_t>(decision.reason)).add();
    return;
  }
  const base::Guard guard(mutex_);
  of_rule(decision.limited_by).add();
}

void Counts::collect(metric::Families& families) const {
  const auto decisions = [&](std::string_view outcome, std::string_view reason,
                             std::string_view rule, uint64_t value) {
    families.counter(kDecisions, kDecisionsHelp,
                     {{"decision", std::string(outcome)},
                      {"reason", std::string(reason)},
                      {"rule", std::string(rule)}},
                     value);
  };
  for (size_t passed = 0; passed < 2; ++passed) {
    for (size_t i = 0; i < kReasons; ++i) {
      const auto reason = static_cast<Reason>(i);
      const uint64_t value = decisions_.at(passed).at(i).value();
      if (value == 0 && (passed == 0 || reason != Reason::kLimits)) continue;
      const bool blocked = passed == 0 && reason == Reason::kBlocked;
      decisions(kOutcomes.at(passed), to_string(reason), blocked ? kBlocked : "", value);
    }
  }
  {
    const base::Guard guard(mutex_);
    for (const auto& [rule, count] : rules_) {
      decisions(kOutcomes[0], to_string(Reason::kLimits), rule, count->value());
    }
  }
  families.histogram("ratelimmq_gateway_decision_duration_seconds",
                     "From a request's header to its decision", {}, duration_, kSecond);
  families.counter("ratelimmq_gateway_store_errors_total",
                   "Decisions without the limits' store, and failures of the hash cache's", {},
                   store_errors_.value());
  for (size_t i = 0; i < kCaches.size(); ++i) {
    families.counter("ratelimmq_gateway_cache_requests_total", "Hashes that were asked for",
                     {{"status", std::string(kCaches.at(i))}}, caches_.at(i).value());
  }
}

}  // namespace gateway
