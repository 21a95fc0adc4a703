#include "limiter/state.h"

#include <algorithm>
#include <utility>

namespace limiter {

// Each part that hashes has a seed of its own, so that none can be told from another's output.
LimiterState::LimiterState(LimiterOptions limiter_options)
    : LimiterState(limiter_options, base::Random(limiter_options.seed)) {}

LimiterState::LimiterState(LimiterOptions limiter_options, base::Random seeds)
    : options(limiter_options),
      keys(seeds.next()),
      table(limiter_options.table, laws),
      ids(seeds.next()),
      openings(limiter_options.open_max) {
  publish(std::make_shared<const Limits>());
}

Domains LimiterState::find(const Published& now_in_force, const Ask& ask) {
  const Domains found = limiter::find(*now_in_force.limits, ask);
  if (unknown(found, ask)) unknown_domains.add();
  return found;
}

void LimiterState::refresh(std::shared_ptr<const Published>& copy) {
  if (copy.get() == current.load(std::memory_order_acquire)) return;
  base::Guard guard(mutex);
  copy = published;
}

std::shared_ptr<const Published> LimiterState::get() {
  base::Guard guard(mutex);
  return published;
}

void LimiterState::publish(std::shared_ptr<const Limits> limits) {
  auto next = std::make_shared<Published>();
  std::shared_ptr<const Published> old;  // Dies after the lock.
  base::Guard guard(mutex);
  for (const std::string& domain : limits->domains())
    next->counters.push_back(&counters_of(domain));
  next->limits = std::move(limits);
  old = std::exchange(published, std::move(next));
  current.store(published.get(), std::memory_order_release);
}

DomainCounters& LimiterState::counters_of(const std::string& domain) {
  const auto found = std::find_if(domains.begin(), domains.end(), [&](const DomainCounters& each) {
    return each.domain == domain;
  });
  if (found != domains.end()) return *found;
  DomainCounters& made = domains.emplace_back();
  made.domain = domain;
  return made;
}

base::Error unknown_domain(std::string_view domain) {
  return {base::Code::kNotFound, "there is no domain '" + std::string(domain) + "'", "domain"};
}

}  // namespace limiter
