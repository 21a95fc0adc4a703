// Looking into the limiter and reaching past it: why, block, forget, and what a scrape shows.
#include <algorithm>
#include <utility>

#include "limiter/state.h"

namespace limiter {

namespace {

constexpr base::Duration kProbeMax = std::chrono::hours(24 * 365);

limit::Decision peek(Table& table, const Limit& limit, base::Hash128 key, base::Time now) {
  if (!limit.spec.law) return kUnlimited;
  const Hit hit{.key = key, .law = &*limit.spec.law, .law_number = limit.law_number, .cost = 1};
  limit::Decision decision;
  table.decide({&hit, 1}, now, Purpose::kPeek, {&decision, 1});
  return decision;
}

base::Hash128 block_key(const LimiterState& state, const Limits::Domain& domain,
                        Descriptor descriptor) {
  std::string text;
  domain.block_text(descriptor, text);
  return state.keys.of_block(text);
}

void why_descriptor(LimiterState& state, const Limits::Domain& domain, Descriptor descriptor,
                    base::Time now, std::vector<WhyRow>& rows) {
  base::Time blocked = state.table.blocked_until(block_key(state, domain, descriptor), now);
  if (blocked <= now) blocked = {};
  std::string text;
  const std::span<const Limit> limits = Limits::match(domain, descriptor, text);
  const base::Hash128 hash = state.keys.of_limits(text);
  const base::Duration left = std::max(blocked - now, base::Duration{});
  for (const Limit& limit : limits) {
    limit::Decision decision = peek(state.table, limit, base::salted(hash, limit.salt), now);
    if (blocked > now) {
      decision.allowed = false;
      decision.retry_after = std::max(decision.retry_after, left);
    }
    rows.push_back({&limit, to_string(descriptor), decision, blocked});
  }
  if (limits.empty() && blocked > now) {
    rows.push_back({nullptr,
                    to_string(descriptor),
                    {.allowed = false, .retry_after = left, .reset_after = left},
                    blocked});
  }
}

}  // namespace

base::Result<Limiter::Why> Limiter::why(std::string_view domain,
                                        std::span<const Descriptor> descriptors, base::Time now) {
  if (auto valid = validate({.domain = domain, .descriptors = descriptors}); !valid)
    return valid.error();
  Why why{limits(), {}};
  const Limits::Domain* const found = why.limits->find(domain);
  if (found == nullptr) return unknown_domain(domain);
  for (const Descriptor descriptor : descriptors)
    why_descriptor(*state_, *found, descriptor, now, why.rows);
  return why;
}

base::Status Limiter::block(std::string_view domain, Descriptor descriptor, base::Time until,
                            base::Time now, base::Duration probe) {
  if (auto valid = validate(descriptor); !valid) return valid;
  if (probe.count() < 0 || probe > kProbeMax)
    return base::invalid("a probe's time is between 0 and a year", "probe");
  const std::shared_ptr<const Limits> in_force = limits();
  const Limits::Domain* const found = in_force->find(domain);
  if (found == nullptr) return unknown_domain(domain);
  const base::Hash128 key = block_key(*state_, *found, descriptor);
  if (!state_->table.block(key, until, now, probe))
    return base::Error{base::Code::kFull, "the table is full", {}};
  state_->watchers.tell(key);  // It may be over, or end earlier than before.
  return {};
}

base::Status Limiter::forget(std::string_view domain, Descriptor descriptor) {
  if (auto valid = validate(descriptor); !valid) return valid;
  const std::shared_ptr<const Limits> in_force = limits();
  const Limits::Domain* const found = in_force->find(domain);
  if (found == nullptr) return unknown_domain(domain);
  std::string text;
  const std::span<const Limit> met = Limits::match(*found, descriptor, text);
  const base::Hash128 hash = state_->keys.of_limits(text);
  const auto forget_state = [&](base::Hash128 key) {
    state_->table.forget(key);
    state_->watchers.tell(key);
  };
  for (const Limit& limit : met) forget_state(base::salted(hash, limit.salt));
  forget_state(block_key(*state_, *found, descriptor));
  return {};
}

namespace {

void collect_decisions(const DomainCounters& counters, metric::Families& families) {
  for (size_t i = 0; i < kOutcomes; ++i) {
    families.counter(
        "ratelimmq_limiter_decisions_total", "Decisions by domain and outcome.",
        {{"domain", counters.domain}, {"outcome", std::string(to_string(static_cast<Outcome>(i)))}},
        counters.decisions[i].value());
  }
}

// They are never removed, so what is slow is done without the lock, which every batch and feed
// takes.
std::vector<const DomainCounters*> domains_of(LimiterState& state) {
  std::vector<const DomainCounters*> all;
  const base::Guard guard(state.mutex);
  all.reserve(state.domains.size());
  for (const DomainCounters& counters : state.domains) all.push_back(&counters);
  return all;
}

}  // namespace

void Limiter::count(std::string_view domain, const Answer& answer) {
  const std::shared_ptr<const Published> published = state_->get();
  const Limits::Domain* const found = published->limits->find(domain);
  if (found == nullptr) return state_->unknown_domains.add();
  published->counters[found->number()]->decisions[static_cast<size_t>(outcome_of(answer))].add();
}

void Limiter::collect(metric::Families& families) const {
  collect_decisions(state_->throttle, families);
  for (const DomainCounters* counters : domains_of(*state_)) collect_decisions(*counters, families);
  families.counter("ratelimmq_limiter_unknown_domains_total",
                   "Asks that named a domain that is not configured.", {},
                   state_->unknown_domains.value());
  const Table::Size size = state_->table.size();
  const auto gauge = [&](std::string_view name, std::string_view help, size_t value) {
    families.gauge(name, help, {}, static_cast<double>(value));
  };
  gauge("ratelimmq_limiter_table_keys", "States in the table.", size.keys);
  gauge("ratelimmq_limiter_table_bytes", "Memory of the table.", size.bytes);
  gauge("ratelimmq_limiter_table_segments", "Segments of the table.", size.segments);
  families.counter("ratelimmq_limiter_table_refused_full_total",
                   "Keys that found no room at the table's memory bound.", {}, size.refused_full);
  gauge("ratelimmq_limiter_reservations", "Reservations waiting for their commit.",
        state_->openings.size(OpenKind::kReservation));
  gauge("ratelimmq_limiter_holds", "Holds of ACQUIRE that have not ended.",
        state_->openings.size(OpenKind::kHold));
}

}  // namespace limiter
