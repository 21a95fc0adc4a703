// What a gateway is told. Plain values: filled by config/ (docs/configuration.md).
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace gateway {

enum class Choose : uint8_t { kRandom, kLeastLoaded, kRendezvous };
enum class WhenNone : uint8_t { kRefuse, kAllow };

// What a route asks before it serves. Templates: {client_ip} {method} {path} {host} {header:NAME};
// an absent or empty value makes its descriptor not apply.
struct Decide {
  std::string domain;
  std::vector<std::string> descriptors;  // "client_ip={client_ip}", "tenant=x,path={path}"
};

struct Route {
  std::string host{};  // Empty: any. Lower-case, with its port unless the scheme has it by itself.
  std::string path{};  // "/", "/api": whole segments; the longest wins, then one with a host.
  std::string upstream{};  // "http://127.0.0.1:9000"; empty: /compute_hash.
  WhenNone when_none = WhenNone::kRefuse;
  std::optional<Decide> decide{};                     // Nothing: not limited.
  base::Duration timeout = std::chrono::seconds(30);  // Of the upstream: to its first byte,
                                                      // and between two reads.
  uint64_t request_bytes_max = uint64_t{16} << 20;    // Of a body.
  uint64_t response_bytes_max = uint64_t{1} << 40;
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
  std::vector<std::string> trusted_proxies{};  // CIDRs.
  unsigned ipv6_prefix = 64;                   // 1 to 128: whom a limit means by an IPv6 client.
  ComputeHash compute_hash{};
  std::vector<Route> routes{};
  size_t header_bytes_max = size_t{16} << 10;
  base::Duration request_timeout = std::chrono::seconds(30);  // From a request's first byte to the
                                                              // end of its header, and of its body
                                                              // between two reads.
  base::Duration idle_timeout = std::chrono::minutes(5);
  size_t upstream_idle_max = 64;  // Connections kept for the next request, each upstream, a thread.
  uint64_t seed = 0;
};

}  // namespace gateway
