// What a gateway is told. Plain values: filled by config/ (docs/configuration.md).
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "proxy/options.h"
#include "proxy/way.h"

namespace gateway {

enum class Choose : uint8_t { kRandom, kLeastLoaded, kRendezvous };
enum class WhenNone : uint8_t { kRefuse, kAllow };

// What a route asks before it serves. Templates: {client_ip} {method} {path} {host} {header:NAME};
// an absent or empty value makes its descriptor not apply.
struct Decide {
  std::string domain;
  std::vector<std::string> descriptors;  // "client_ip={client_ip}", "tenant=x,path={path}"
};

struct Route : proxy::Way {  // No upstream: /compute_hash.
  std::string host{};  // Empty: any. Lower-case, with its port unless the scheme has it by itself.
  std::string path{};  // "/", "/api": whole segments; the longest wins, then one with a host.
  WhenNone when_none = WhenNone::kRefuse;
  std::optional<Decide> decide{};  // Nothing: not limited.
};

struct ComputeHash {
  uint32_t rounds = 200'000;       // 1 to 100,000,000.
  size_t cache_entries = 100'000;  // Of the memory cache; 0: none.
  base::Duration cache_ttl = std::chrono::hours(1);
  unsigned threads = 0;       // That compute; 0: one a core.
  size_t waiting_max = 1000;  // Computations that wait for a thread; over it 503.
};

struct Options {
  Choose choose = Choose::kRandom;
  base::Duration deadline = std::chrono::milliseconds(30);  // Of a decision, then when_none.
  base::Duration registration_ttl = std::chrono::seconds(10);
  std::string registration_secret{};            // Empty: none; see docs/gateway.md.
  std::vector<std::string> trusted_networks{};  // From which registration needs no secret.
  size_t instances_max = 1000;
  unsigned ipv6_prefix = 64;  // 1 to 128: whom a limit means by an IPv6 client.
  ComputeHash compute_hash{};
  std::vector<Route> routes{};
  proxy::Options proxy{};
  uint64_t seed = 0;
};

}  // namespace gateway
