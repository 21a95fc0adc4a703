#include "dispatch/hosts.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <set>
#include <unordered_map>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/random.h"
#include "dispatch/host.h"
#include "dispatch/tallies.h"

namespace dispatch {
namespace {

constexpr size_t kStripes = 64;
constexpr int kEvictionLooks = 8;
constexpr std::string_view kOthers = "other";  // A host of that name has no label of its own.

struct NameHash {
  using is_transparent = void;
  uint64_t seed = 0;
  size_t operator()(std::string_view name) const { return base::hash128(name, seed).low; }
};

struct Stripe {
  explicit Stripe(uint64_t seed) : random(seed), hosts(0, NameHash{seed}) {}
  base::Mutex mutex;
  base::Random random GUARDED_BY(mutex);
  std::unordered_map<std::string, Host, NameHash, std::equal_to<>> hosts GUARDED_BY(mutex);
};

bool before(const HostRow& a, const HostRow& b) {
  if (a.in_flight != b.in_flight) return a.in_flight > b.in_flight;
  if (a.reason.empty() != b.reason.empty()) return b.reason.empty();
  if (a.per_second_milli != b.per_second_milli) return a.per_second_milli > b.per_second_milli;
  return a.host < b.host;
}

void keep_first(std::vector<HostRow>& rows, size_t most) {
  if (rows.size() <= most) return;
  std::nth_element(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(most), rows.end(), before);
  rows.resize(most);
}

}  // namespace

struct Hosts::Body {
  Body(limiter::Limiter& told, HostsOptions with)
      : limiter(told), options(with), salt(base::Random(with.seed).next()) {
    for (size_t i = 0; i < kStripes; ++i) stripes[i] = std::make_unique<Stripe>(salt + i);
  }

  Stripe& stripe_of(std::string_view host) const {
    return *stripes[base::hash128(host, salt).high % kStripes];
  }
  Host* find(Stripe& stripe, std::string_view host) const REQUIRES_LOCK(stripe.mutex);
  Host* find_or_add(Stripe& stripe, std::string_view host, base::Time now)
      REQUIRES_LOCK(stripe.mutex);
  bool make_room(Stripe& stripe, base::Time now) REQUIRES_LOCK(stripe.mutex);
  bool tell(std::string_view host, const Host::Block& block, base::Time now);
  void forget_idle(Stripe& stripe, base::Time now) REQUIRES_LOCK(stripe.mutex);
  void collect_hosts(metric::Families& families, base::Time now);

  limiter::Limiter& limiter;
  const HostsOptions options;
  const uint64_t salt;
  Tallies tallies;
  metric::Gauge in_flight;
  std::atomic<size_t> known{0};
  std::atomic<size_t> next_stripe{0};
  std::array<std::unique_ptr<Stripe>, kStripes> stripes;
  base::Mutex labels_mutex;
  std::set<std::string, std::less<>> labelled GUARDED_BY(labels_mutex);
};

Host* Hosts::Body::find(Stripe& stripe, std::string_view host) const {
  const auto found = stripe.hosts.find(host);
  return found == stripe.hosts.end() ? nullptr : &found->second;
}

Host* Hosts::Body::find_or_add(Stripe& stripe, std::string_view host, base::Time now) {
  if (Host* const found = find(stripe, host)) return found;
  if (known.load(std::memory_order_relaxed) >= options.hosts_max && !make_room(stripe, now))
    return nullptr;
  known.fetch_add(1, std::memory_order_relaxed);
  return &stripe.hosts[std::string(host)];
}

// A few looks only: over the bound not every host can be known.
bool Hosts::Body::make_room(Stripe& stripe, base::Time now) {
  auto each = stripe.hosts.begin();
  for (int i = 0; i < kEvictionLooks && each != stripe.hosts.end(); ++i, ++each) {
    if (!each->second.spare(now)) continue;
    stripe.hosts.erase(each);
    known.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }
  return false;
}

// Under the host's lock, so that the limiter hears of two changes in their order.
bool Hosts::Body::tell(std::string_view host, const Host::Block& block, base::Time now) {
  const limiter::Entry entry{kHostKey, host};
  return limiter.block(kDomain, {&entry, 1}, block.until, now, block.probe).has_value();
}

void Hosts::Body::forget_idle(Stripe& stripe, base::Time now) {
  std::erase_if(stripe.hosts, [&](const auto& each) {
    if (!each.second.idle(now)) return false;
    if (each.second.breaker()) (void)tell(each.first, Host::Block{}, now);
    known.fetch_sub(1, std::memory_order_relaxed);
    return true;
  });
}

Hosts::Hosts(limiter::Limiter& limiter, HostsOptions options)
    : body_(std::make_unique<Body>(limiter, options)) {}
Hosts::~Hosts() = default;

void Hosts::begin(std::string_view host, base::Time now) {
  body_->in_flight.add(1);
  Stripe& stripe = body_->stripe_of(host);
  const base::Guard guard(stripe.mutex);
  if (Host* const found = body_->find_or_add(stripe, host, now)) found->begin(now);
}

void Hosts::end(std::string_view host, const Judgement& judgement, const Exchange& exchange,
                const Timing& timing, base::Time now) {
  body_->in_flight.add(-1);
  body_->tallies.count(judgement, exchange, timing);
  Stripe& stripe = body_->stripe_of(host);
  const base::Guard guard(stripe.mutex);
  Host* const known = body_->find(stripe, host);
  if (known == nullptr && !judgement.host_busy) return;
  Host unknown;
  Host& found = known != nullptr ? *known : unknown;
  const auto block = found.end(judgement, timing.started, now, body_->options, stripe.random);
  if (block && !body_->tell(host, *block, now)) found.unblocked();
}

void Hosts::dropped(std::string_view host, base::Time now) {
  body_->in_flight.add(-1);
  Stripe& stripe = body_->stripe_of(host);
  const base::Guard guard(stripe.mutex);
  Host* const found = body_->find(stripe, host);
  if (found == nullptr) return;
  const auto block = found->dropped(now, body_->options);
  if (block) (void)body_->tell(host, *block, now);
}

void Hosts::waiting(uint32_t shard, std::vector<std::pair<std::string, uint64_t>> reasons,
                    base::Time oldest) {
  body_->tallies.waiting(shard, std::move(reasons), oldest);
}

HostRow Hosts::row(std::string_view host, base::Time now) const {
  Stripe& stripe = body_->stripe_of(host);
  const base::Guard guard(stripe.mutex);
  const Host* const found = body_->find(stripe, host);
  return (found != nullptr ? *found : Host()).row(host, now);
}

std::vector<HostRow> Hosts::rows(size_t most, base::Time now) const {
  std::vector<HostRow> rows;
  for (const auto& stripe : body_->stripes) {
    const base::Guard guard(stripe->mutex);
    for (const auto& [name, host] : stripe->hosts) {
      if (!host.idle(now)) rows.push_back(host.row(name, now));
    }
    keep_first(rows, most);
  }
  std::sort(rows.begin(), rows.end(), before);
  return rows;
}

uint64_t Hosts::in_flight() const {
  return static_cast<uint64_t>(std::max<int64_t>(body_->in_flight.value(), 0));
}

void Hosts::tick(base::Time now) {
  const size_t turn = body_->next_stripe.fetch_add(1, std::memory_order_relaxed);
  Stripe& stripe = *body_->stripes[turn % kStripes];
  const base::Guard guard(stripe.mutex);
  body_->forget_idle(stripe, now);
}

// A label stays with its host while that is known, so that series do not come and go with every
// scrape; a free one goes to the host with the most in flight.
void Hosts::Body::collect_hosts(metric::Families& families, base::Time now) {
  uint64_t backing_off = 0, others = 0;
  std::vector<HostRow> labels, candidates;
  {
    const base::Guard labels_guard(labels_mutex);
    for (const auto& stripe : stripes) {
      const base::Guard guard(stripe->mutex);
      for (const auto& [name, host] : stripe->hosts) {
        if (host.backing_off(now)) ++backing_off;
        const bool has_label = labelled.contains(name);
        if (!has_label) others += host.in_flight();
        if (has_label || (host.in_flight() > 0 && name != kOthers))
          (has_label ? labels : candidates).push_back(host.row(name, now));
      }
      keep_first(candidates, kLabelled);
    }
    std::sort(candidates.begin(), candidates.end(), before);
    candidates.resize(std::min(candidates.size(), kLabelled - labels.size()));
    labels.insert(labels.end(), candidates.begin(), candidates.end());
    for (const HostRow& each : candidates) others -= each.in_flight;
    labelled.clear();
    for (const HostRow& each : labels) labelled.insert(each.host);
  }
  families.gauge("ratelimmq_dispatch_host_backoff_active",
                 "Hosts that are blocked or half open by their answers.", {},
                 static_cast<double>(backing_off));
  std::sort(labels.begin(), labels.end(),
            [](const HostRow& a, const HostRow& b) { return a.host < b.host; });
  const auto show = [&](std::string host, uint64_t value) {
    families.gauge("ratelimmq_dispatch_host_inflight",
                   "Requests in flight by host: some hosts, and all others together.",
                   {{"host", std::move(host)}}, static_cast<double>(value));
  };
  for (const HostRow& each : labels) show(each.host, each.in_flight);
  show(std::string(kOthers), others);
}

void Hosts::collect(metric::Families& families, base::Time now) const {
  families.gauge("ratelimmq_dispatch_inflight", "Requests of the dispatcher in flight.", {},
                 static_cast<double>(in_flight()));
  body_->tallies.collect(families, now);
  body_->collect_hosts(families, now);
}

}  // namespace dispatch
