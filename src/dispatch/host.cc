#include "dispatch/host.h"

#include <algorithm>

namespace dispatch {
namespace {

constexpr base::Duration kLonger = std::chrono::seconds(1);  // Retry-After has whole seconds.
constexpr base::Duration kNothing{};
constexpr uint64_t kJitterPercent = 20;

int64_t second_of(base::Time t) { return base::nanoseconds(t) / 1'000'000'000; }

}  // namespace

void Recent::count(base::Time now) {
  const int64_t second = std::max(second_of(now), second_);
  const int64_t passed = std::min<int64_t>(second - second_, kSlots);
  for (int64_t i = 0; i < passed; ++i) slots_[static_cast<size_t>(second - i) % kSlots] = 0;
  second_ = second;
  ++slots_[static_cast<size_t>(second) % kSlots];
}

int64_t Recent::per_second_milli(base::Time now) const {
  const int64_t second = second_of(now);
  const int64_t into = base::nanoseconds(now) % 1'000'000'000 / 1'000'000;
  int64_t thousandths = 0;
  for (int64_t ago = std::max<int64_t>(second - second_, 0); ago <= kSeconds; ++ago) {
    const int64_t events = slots_[static_cast<size_t>(second - ago) % kSlots];
    thousandths += events * (ago == kSeconds ? 1000 - into : 1000);
  }
  return thousandths / kSeconds;
}

void Host::begin(base::Time now) {
  ++in_flight_;
  seen_ = now;
}

void Host::ended(base::Time now) {
  if (in_flight_ > 0) --in_flight_;
  seen_ = now;
}

std::optional<Host::Block> Host::end(const Judgement& judgement, base::Time started, base::Time now,
                                     const HostsOptions& options, base::Random& random) {
  ended(now);
  ++requests_;
  recent_.count(now);
  return hear(judgement, started, now, options, random);
}

std::optional<Host::Block> Host::dropped(base::Time now, const HostsOptions& options) {
  ended(now);
  return next_probe(now, options);
}

std::optional<Host::Block> Host::hear(const Judgement& judgement, base::Time started,
                                      base::Time now, const HostsOptions& options,
                                      base::Random& random) {
  if (started <= event_ || started < blocked_until_) {
    if (!judgement.host_busy) return std::nullopt;
    // The last event was a failure that blocked nothing: this is the first to ask for it.
    if (blocked_until_ <= event_) return busy(judgement.host_wait, now, options, random);
    return judgement.host_wait ? longer(*judgement.host_wait, now, options) : std::nullopt;
  }
  if (judgement.host_busy) return busy(judgement.host_wait, now, options, random);
  if (judgement.host_failed) return failed(now, options, random);
  if (judgement.host_alive) return alive();
  return next_probe(now, options);
}

// Of a burst that has been counted: only its longest wait matters, and one that comes when the
// block is over.
std::optional<Host::Block> Host::longer(base::Duration host_wait, base::Time now,
                                        const HostsOptions& options) {
  const base::Duration known = blocked_until_ > now ? blocked_until_ - now + kLonger : kNothing;
  if (host_wait <= known) return std::nullopt;
  blocked_until_ = now + host_wait;
  event_ = now;
  if (breaker()) return Block{blocked_until_, options.probe};
  kind_ = Kind::kRetryAfter;
  return Block{blocked_until_, {}};
}

std::optional<Host::Block> Host::busy(std::optional<base::Duration> host_wait, base::Time now,
                                      const HostsOptions& options, base::Random& random) {
  failures_ = 0;
  ++blocks_;
  event_ = now;
  const base::Duration own = backoff(options, random);
  const base::Duration asked = host_wait.value_or(base::Duration(0));
  kind_ = asked >= own ? Kind::kRetryAfter : Kind::kBackoff;
  blocked_until_ = now + std::max(asked, own);
  return Block{blocked_until_, {}};
}

std::optional<Host::Block> Host::failed(base::Time now, const HostsOptions& options,
                                        base::Random& random) {
  event_ = now;
  ++failures_;
  if (failures_ < options.breaker_failures && !breaker()) return std::nullopt;
  ++blocks_;
  kind_ = Kind::kBreaker;
  blocked_until_ = now + backoff(options, random);
  return Block{blocked_until_, options.probe};
}

std::optional<Host::Block> Host::alive() {
  const bool closes = breaker();
  failures_ = blocks_ = 0;
  unblocked();
  return closes ? std::optional(Block{}) : std::nullopt;
}

std::optional<Host::Block> Host::next_probe(base::Time now, const HostsOptions& options) const {
  if (!breaker() || blocked_until_ > now || in_flight_ > 0) return std::nullopt;
  return Block{now, options.probe};
}

base::Duration Host::backoff(const HostsOptions& options, base::Random& random) const {
  base::Duration wait = options.backoff_base;
  for (uint32_t level = 1; level < blocks_ && wait < options.backoff_max; ++level)
    wait = wait > options.backoff_max / 2 ? options.backoff_max : wait * 2;
  wait = std::min(wait, options.backoff_max);
  const int64_t share = wait.count() / 100;
  const auto jitter = static_cast<int64_t>(random.below(2 * kJitterPercent + 1)) -
                      static_cast<int64_t>(kJitterPercent);
  return wait + base::Duration(share * jitter);
}

void Host::unblocked() {
  kind_ = Kind::kNone;
  blocked_until_ = {};
}

bool Host::idle(base::Time now) const {
  return in_flight_ == 0 && now - std::max(seen_, blocked_until_) >= Hosts::kIdle;
}

HostRow Host::row(std::string_view name, base::Time now) const {
  HostRow row{std::string(name), in_flight_, requests_,
              blocked_until_,    "",         recent_.per_second_milli(now)};
  if (breaker()) {
    row.reason = blocked_until_ > now ? "breaker" : "half open";
  } else if (blocked_until_ > now) {
    row.reason = kind_ == Kind::kRetryAfter ? "retry-after" : "backoff";
  }
  return row;
}

}  // namespace dispatch
