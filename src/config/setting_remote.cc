// The settings of what is shared by several processes: the store, the gateway, limiter instances.
#include "config/row.h"
#include "http/url.h"

namespace config {
namespace {

base::Status check_name(std::string_view text) {
  if (text.find('\0') != text.npos) return base::invalid("must be text");
  return {};
}

base::Status check_redis_url(std::string_view text) {
  const base::Result<redis::Options> options = redis::parse_url(text);
  return options ? base::Status() : base::Status(options.error());
}

base::Result<std::string> parse_node(std::string_view text) {
  const auto node = io::parse_host_port(text);
  if (!node || !node->port) return base::invalid("must be host:port");
  return std::string(text);
}

base::Result<std::string> parse_gateway(std::string_view text) {
  const base::Result<http::Url> url = http::parse_url(text);
  if (!url) return url.error();
  if (url->text != url->origin() + "/" &&
      url->text != (url->tls ? "https://" : "http://") + url->authority() + "/") {
    return base::invalid("must be http://host:port");
  }
  return std::string(text);
}

// "redis://user@host", so that a printed configuration tells no secret.
std::string without_password(const std::string& url) {
  const size_t at = url.rfind('@'), scheme = url.find("://");
  if (at == url.npos || scheme == url.npos) return url;
  const std::string user = url.substr(scheme + 3, at - scheme - 3);
  const std::string name = user.substr(0, user.find(':'));
  return url.substr(0, scheme + 3) + (name.empty() ? "" : name + "@") + url.substr(at + 1);
}

Setting redis_url() {
  Setting row = text(
      "store.redis.url", "redis:// or rediss://",
      "where the Redis is, as redis://user:password@host:port/database; rediss:// with TLS",
      [](auto& c) -> auto& { return c.redis.url; }, check_redis_url);
  row.get = [](const Config& config) {
    return std::vector<std::string>{without_password(config.redis.url)};
  };
  return row;
}

Setting verify() {
  return word(
      "store.redis.verify", "", "certificates of a rediss:// server are verified",
      [](auto& c) -> auto& { return c.redis.verify; },
      std::array<std::string_view, 2>{"false", "true"});
}

void add_redis(std::vector<Setting>& rows) {
  rows.push_back(redis_url());
  rows.push_back(text(
      "store.redis.password_env", "name, or nothing",
      "the environment variable that has the password; nothing: the URL's",
      [](auto& c) -> auto& { return c.redis.password_env; }, check_name));
  rows.push_back(span(
      "store.redis.deadline", "how long a decision may wait for the store; then when_gone",
      [](auto& c) -> auto& { return c.store.deadline; }, kMillisecond, kHour));
  rows.push_back(list(
      "store.redis.cluster", "list of host:port", "",
      "some nodes of a Redis Cluster; the URL then only says user and TLS",
      [](auto& c) -> auto& { return c.redis.cluster; }, parse_node));
  rows.push_back(list(
      "store.redis.sentinel.nodes", "list of host:port", "", "the Sentinels that name the master",
      [](auto& c) -> auto& { return c.redis.sentinels; }, parse_node));
  rows.push_back(text(
      "store.redis.sentinel.master", "name", "the master's name among the Sentinels",
      [](auto& c) -> auto& { return c.redis.master; }, check_name));
  rows.push_back(text(
      "store.redis.ca_file", "path, or nothing",
      "certificates that are trusted (PEM); nothing: the system's",
      [](auto& c) -> auto& { return c.redis.ca_file; }, check_path));
  rows.push_back(text(
      "store.redis.cert_file", "path, or nothing", "our own certificate (PEM), with its key_file",
      [](auto& c) -> auto& { return c.redis.cert_file; }, check_path));
  rows.push_back(text(
      "store.redis.key_file", "path, or nothing", "the key of cert_file (PEM)",
      [](auto& c) -> auto& { return c.redis.key_file; }, check_path));
  rows.push_back(verify());
}

void add_store(std::vector<Setting>& rows) {
  rows.push_back(word(
      "store.kind", "", "where limits live: in this process's memory, or in a Redis",
      [](auto& c) -> auto& { return c.store_kind; },
      std::array<std::string_view, 2>{"embedded", "redis"}));
  rows.push_back(word(
      "store.mode", "", "how limits are kept over a remote store; a limit may differ",
      [](auto& c) -> auto& { return c.mode; },
      std::array<std::string_view, 2>{"granted", "strict"}));
  rows.push_back(word(
      "store.when_gone", "", "what happens while a remote store is gone; a limit may differ",
      [](auto& c) -> auto& { return c.when_gone; },
      std::array<std::string_view, 3>{"local", "refuse", "allow"}));
  rows.push_back(count(
      "store.instances", "instances that share the store, for `local` where none can be counted",
      [](auto& c) -> auto& { return c.store.instances; }, 0, 100'000));
  rows.push_back(word(
      "store.placement", "",
      "in a cluster: the limits of a domain in one slot, or each limit in a slot of its own",
      [](auto& c) -> auto& { return c.store.placement; },
      std::array<std::string_view, 2>{"domain", "spread"}));
  add_redis(rows);
}

void add_instances(std::vector<Setting>& rows) {
  rows.push_back(word(
      "gateway.limiters.choose", "", "which instance is asked",
      [](auto& c) -> auto& { return c.gateway.choose; },
      std::array<std::string_view, 3>{"random", "least_loaded", "rendezvous"}));
  rows.push_back(span(
      "gateway.limiters.deadline", "how long a request may wait for a decision; then when_none",
      [](auto& c) -> auto& { return c.gateway.deadline; }, kMillisecond, kHour));
  rows.push_back(span(
      "gateway.limiters.ttl", "how long an instance stays registered after a heartbeat",
      [](auto& c) -> auto& { return c.gateway.registration_ttl; }, 1000 * kMillisecond, kHour));
  rows.push_back(text(
      "gateway.limiters.registration_secret_env", "name",
      "the environment variable that has the secret of registration",
      [](auto& c) -> auto& { return c.registration_secret_env; }, check_name));
}

void add_gateway(std::vector<Setting>& rows) {
  add_instances(rows);
  rows.push_back(list(
      "gateway.client_address.trusted_proxies", "list of networks", "",
      "proxies whose X-Forwarded-For is believed",
      [](auto& c) -> auto& { return c.gateway.proxy.trusted_proxies; }, parse_network));
  rows.push_back(count(
      "gateway.client_address.ipv6_prefix", "bits of an IPv6 address that are one client",
      [](auto& c) -> auto& { return c.gateway.ipv6_prefix; }, 1, 128));
  rows.push_back(count(
      "gateway.compute_hash.rounds", "SHA-256 is applied so often",
      [](auto& c) -> auto& { return c.gateway.compute_hash.rounds; }, 1, 100'000'000));
  rows.push_back(count(
      "gateway.compute_hash.threads", "threads that compute hashes; 0: one for each core",
      [](auto& c) -> auto& { return c.gateway.compute_hash.threads; }, 0, 1024));
  rows.push_back(count(
      "gateway.compute_hash.cache.entries", "hashes kept in memory",
      [](auto& c) -> auto& { return c.gateway.compute_hash.cache_entries; }, 0, 100'000'000));
  rows.push_back(span(
      "gateway.compute_hash.cache.ttl", "how long a hash is kept, in memory and in Redis",
      [](auto& c) -> auto& { return c.gateway.compute_hash.cache_ttl; }, kMillisecond, 365 * kDay));
}

void add_instance(std::vector<Setting>& rows) {
  rows.push_back(list(
      "limiter.register_with", "list of URLs", "", "gateways that this instance registers with",
      [](auto& c) -> auto& { return c.registrar.register_with; }, parse_gateway));
  rows.push_back(text(
      "limiter.advertise", "auto, or host",
      "the host by which gateways reach it; auto: the address that it reaches them by",
      [](auto& c) -> auto& { return c.advertise; }, check_name));
  rows.push_back(span(
      "limiter.heartbeat", "how often it says that it is there",
      [](auto& c) -> auto& { return c.registrar.heartbeat; }, 10 * kMillisecond, kHour));
}

}  // namespace

void add_remote(std::vector<Setting>& rows) {
  add_store(rows);
  add_gateway(rows);
  add_instance(rows);
}

}  // namespace config
