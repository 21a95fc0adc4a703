#include "gateway/site_common.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "gateway/remote.h"

namespace gateway {
namespace {

constexpr uint32_t kRoundsMax = 100'000'000;

template <typename T>
T sound(base::Result<T> made) {  // check() has said so.
  CHECK(made);
  return *std::move(made);
}

bool refuses_unasked(const Route& route) {
  return route.decide && route.when_none == WhenNone::kRefuse;
}

base::Status check_networks(const std::vector<std::string>& texts, const std::string& field) {
  const base::Result<io::Networks> networks = io::Networks::parse(texts);
  if (!networks) return base::invalid(networks.error().what, field);
  return {};
}

base::Status check_numbers(const Options& options) {
  const base::Duration none{};
  const auto wrong = [](const char* field, const char* what) {
    return base::invalid(std::string(field) + " must be " + what, field);
  };
  if (options.deadline <= none) return wrong("deadline", "above 0");
  if (options.registration_ttl <= none) return wrong("registration_ttl", "above 0");
  if (options.ipv6_prefix < 1 || options.ipv6_prefix > 128) {
    return wrong("ipv6_prefix", "1 to 128");
  }
  const ComputeHash& hash = options.compute_hash;
  if (hash.rounds < 1 || hash.rounds > kRoundsMax) return wrong("rounds", "1 to 100000000");
  if (hash.cache_ttl <= none) return wrong("cache_ttl", "above 0");
  return {};
}

}  // namespace

base::Status check(const Options& options) {
  if (const base::Status status = check_numbers(options); !status) return status;
  if (const auto status = check_networks(options.trusted_networks, "trusted_networks"); !status) {
    return status;
  }
  if (const auto status = check_networks(options.proxy.trusted_proxies, "trusted_proxies");
      !status) {
    return status;
  }
  const base::Result<Routes> routes = Routes::make(options);
  if (!routes) return routes.error();
  return {};
}

Site::Common::Body::Body(const Options& told, const base::Clock& told_clock,
                         std::optional<redis::Options> told_store)
    : options(told),
      clock(told_clock),
      store(std::move(told_store)),
      routes(sound(Routes::make(options))),
      trusted_networks(sound(io::Networks::parse(options.trusted_networks))),
      trusted_proxies(sound(io::Networks::parse(options.proxy.trusted_proxies))),
      must_ask(std::ranges::any_of(options.routes, refuses_unasked)),
      registry(options),
      hashes(options.compute_hash, options.seed, clock) {}

Site::Common::Common(const Options& options, const base::Clock& clock,
                     std::optional<redis::Options> store)
    : body_(std::make_unique<Body>(options, clock, std::move(store))) {}
Site::Common::~Common() = default;

Registry& Site::Common::registry() { return body_->registry; }
void Site::Common::tick(base::Time now) { body_->registry.tick(now); }

void Site::Common::collect(metric::Families& families) const {
  body_->counts.collect(families);
  body_->registry.collect(families, body_->clock.now());
  families.gauge("ratelimmq_gateway_hash_cache_entries", "Hashes kept in memory", {},
                 static_cast<double>(body_->hashes.cached()));
  families.gauge("ratelimmq_gateway_hashes_waiting", "Hashes that wait to be computed", {},
                 static_cast<double>(body_->hashes.waiting()));
}

}  // namespace gateway
