// What settings of the store, the gateway and its instances mean together.
#include <algorithm>

#include "config/layer.h"
#include "config/value.h"
#include "gateway/site.h"
#include "io/ip.h"
#include "server/divided_decider.h"

namespace config {
namespace {

std::vector<redis::Node> nodes_of(const std::vector<std::string>& texts) {
  std::vector<redis::Node> nodes;
  for (const std::string& text : texts) {
    if (const auto node = io::parse_host_port(text)) nodes.push_back({node->host, *node->port});
  }
  return nodes;
}

void fail(const std::string& path, const std::string& what, Draft& draft) {
  draft.problems.add(origin_of(path, draft), path + ": " + what);
}

void check_place(const RedisPlace& place, Draft& draft) {
  if (!place.cluster.empty() && !place.sentinels.empty()) {
    fail("store.redis.cluster", "not together with store.redis.sentinel", draft);
  }
  if (!place.sentinels.empty() && place.master.empty()) {
    fail("store.redis.sentinel.master", "is needed with store.redis.sentinel.nodes", draft);
  }
  if (place.cert_file.empty() != place.key_file.empty()) {
    fail("store.redis.cert_file", "goes together with store.redis.key_file", draft);
  }
}

redis::Options options_of(const RedisPlace& place, const std::string& password) {
  redis::Options options = *redis::parse_url(place.url);
  if (!password.empty()) options.password = password;
  if (!place.cluster.empty()) {
    options.layout = redis::Layout::kCluster;
    options.nodes = nodes_of(place.cluster);
  } else if (!place.sentinels.empty()) {
    options.layout = redis::Layout::kSentinel;
    options.nodes = nodes_of(place.sentinels);
    options.master_name = place.master;
  }
  options.tls.verify = place.verify;
  options.tls.ca_file = place.ca_file;
  options.tls.cert_file = place.cert_file;
  options.tls.key_file = place.key_file;
  return options;
}

void check_laws(const limiter::NodeSpec& node, Draft& draft) {
  for (const limiter::LimitSpec& limit : node.limits) {
    if (limit.durable) {
      draft.problems.add(limit.mark,
                         "a limit in Redis cannot be durable: what is kept over a "
                         "crash is what Redis itself keeps");
    }
    const base::Status fits = store::check(limit);
    if (!fits) draft.problems.add(limit.mark, fits.error().what);
  }
  for (const limiter::NodeSpec& each : node.nodes) check_laws(each, draft);
}

void check_store(Draft& draft) {
  const Config& config = draft.config;
  check_place(config.redis, draft);
  if (config.store.deadline >= config.gateway.deadline) {
    fail("store.redis.deadline",
         "must be shorter than gateway.limiters.deadline, which waits for it (" +
             print_span(config.gateway.deadline) + ")",
         draft);
  }
  if (draft.role == server::Role::kGateway) return;
  const bool broker = draft.role == server::Role::kServe;
  for (const limiter::DomainSpec& domain : config.domains) {
    for (const limiter::NodeSpec& node : domain.nodes) {
      if (!broker || !server::own_limits(domain.name, node.key)) check_laws(node, draft);
    }
  }
}

std::string secret(const std::string& variable, const Sources& sources) {
  const auto found = sources.environment.find(variable);
  return found == sources.environment.end() ? std::string() : found->second;
}

// "host", or nothing for `auto`.
std::string advertised(const std::string& text) { return text == "auto" ? std::string() : text; }

}  // namespace

void settle_remote(const Sources& sources, Draft& draft) {
  Config& config = draft.config;
  config.gateway.registration_secret = secret(config.registration_secret_env, sources);
  config.registrar.secret = config.gateway.registration_secret;
  config.registrar.advertise_host = advertised(config.advertise);
  config.gateway.trusted_networks = config.server.trusted_networks;
  config.gateway.proxy.request_timeout = config.server.request_timeout;
  config.gateway.proxy.idle_timeout = config.server.idle_timeout;
  if (redis::parse_url(config.redis.url)) {
    config.store.redis = options_of(config.redis, secret(config.redis.password_env, sources));
  }
}

void check_remote(Draft& draft) {
  const Config& config = draft.config;
  if (config.store_kind == StoreKind::kRedis) {
    check_store(draft);
  } else if (draft.role == server::Role::kLimiter) {
    fail("store.kind", "must be redis: instances share their limits", draft);
  }
  const base::Status good = gateway::check(config.gateway);
  if (!good) fail("gateway.routes", good.error().what, draft);
}

}  // namespace config
