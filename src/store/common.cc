#include "store/common.h"

#include <algorithm>
#include <utility>

namespace store {
Common::Body::Body(Options store_options, limiter::Limiter& limiter_of_names,
                   const base::Clock& process_clock)
    : Body(store_options, limiter_of_names, process_clock, base::Random(store_options.seed)) {}

Common::Body::Body(Options store_options, limiter::Limiter& limiter_of_names,
                   const base::Clock& process_clock, base::Random seeds)
    : options(std::move(store_options)),
      limits(limiter_of_names),
      clock(process_clock),
      names(options.prefix, options.placement),
      keys(seeds.next()),
      ids(seeds.next()),
      breaker({.failures = options.breaker_failures,
               .pause_min = options.breaker_min,
               .pause_max = options.breaker_max,
               .seed = seeds.next()}),
      instance(ids.next(limiter::OpenKind::kHold).text) {}

unsigned Common::Body::instances() const {
  const unsigned now = counted.load(std::memory_order_relaxed);
  return std::max(now != 0 ? now : options.instances, 1u);
}

int64_t Common::Body::sharers() const {
  return int64_t{instances()} * std::max(desks.load(std::memory_order_relaxed), 1u);
}

std::string Common::Body::clock_argument() const {
  if (options.store_clock == nullptr) return {};
  return std::to_string(base::nanoseconds(options.store_clock->now()) / 1000);
}

base::Time Common::Body::ticking() const {
  return options.store_clock != nullptr ? options.store_clock->now() : clock.now();
}

base::Time Common::Body::store_time() const {
  return clock.now() + base::Duration(lead_ns.load(std::memory_order_relaxed));
}

void Common::Body::heard(int64_t store_now_us) {
  lead_ns.store(store_now_us * 1000 - base::nanoseconds(clock.now()), std::memory_order_relaxed);
}

Common::Common(Options options, limiter::Limiter& limits, const base::Clock& clock)
    : body_(std::make_unique<Body>(std::move(options), limits, clock)) {}
Common::~Common() = default;

const Options& Common::options() const { return body_->options; }

bool Common::up() const {
  return body_->reachable.load(std::memory_order_relaxed) > 0 && body_->breaker.closed();
}

unsigned Common::instances() const { return body_->instances(); }

void Common::collect(metric::Families& families) const {
  constexpr limiter::DecidedBy kShown[] = {limiter::DecidedBy::kStore, limiter::DecidedBy::kGrant,
                                           limiter::DecidedBy::kRefuse, limiter::DecidedBy::kAllow,
                                           limiter::DecidedBy::kLocal};
  for (const limiter::DecidedBy by : kShown) {
    families.counter("ratelimmq_store_decisions_total", "Decisions by who made them.",
                     {{"by", std::string(to_string(by))}},
                     body_->decisions[static_cast<size_t>(by)].value());
  }
  const auto count = [&](std::string_view name, std::string_view help, const auto& counter) {
    families.counter(name, help, {}, counter.value());
  };
  count("ratelimmq_store_remembered_total", "Refusals that were known without a call.",
        body_->remembered);
  count("ratelimmq_store_calls_total", "Script calls.", body_->calls);
  count("ratelimmq_store_errors_total", "Calls that failed, were late or were answered wrong.",
        body_->errors);
  count("ratelimmq_store_given_back_total",
        "Parts of decisions that were charged, then given back because another part refused.",
        body_->given_back);
  count("ratelimmq_store_grants_total", "Grants that the store has answered.", body_->grants.asked);
  count("ratelimmq_store_granted_units_total", "Units charged ahead of time for hot keys.",
        body_->grants.units);
  count("ratelimmq_store_returned_units_total", "Granted units that nobody wanted, sent back.",
        body_->grants.returned);
  families.histogram("ratelimmq_store_batch_decisions", "Decisions of one call.", {}, body_->batch,
                     1);
  body_->redis->collect(families);
  families.gauge("ratelimmq_store_up", "1 if the store can be reached and the breaker is closed.",
                 {}, up() ? 1 : 0);
  families.gauge("ratelimmq_store_breaker_open", "1 while the breaker keeps calls back.", {},
                 body_->breaker.closed() ? 0 : 1);
  families.counter("ratelimmq_store_breaker_opened_total", "How often the breaker has opened.", {},
                   body_->breaker.opened());
  families.gauge("ratelimmq_store_instances", "Instances that share the store, as last counted.",
                 {}, instances());
}

}  // namespace store
