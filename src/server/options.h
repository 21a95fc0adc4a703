// What a server is told at its start. Plain values: filled by config/, defaults as documented in
// docs/configuration.md.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace server {

struct Address {
  std::string host;   // A numeric address or a name. Empty: this listener is off.
  uint16_t port = 0;  // 0: any free one; the ready line tells which.
  bool off() const { return host.empty(); }
};

enum class Role : uint8_t {
  kServe,    // All in one process, on an embedded store.
  kLimiter,  // A stateless instance: limits, whose states are in Redis.
  kGateway,  // The web server, which asks instances.
};

struct ServerOptions {
  Address tcp{"127.0.0.1", 7411};
  Address api{"127.0.0.1", 8080};
  Address gateway{"127.0.0.1", 8000};
  Address limiter{};
  // Networks (CIDR) from which a public listener needs no secret. A listener on a public address is
  // refused at start without any.
  std::vector<std::string> trusted_networks;
  // Further names by which the api listener is reached, for its guard against web pages
  // (http/page_guard.h); names of this machine and of private networks need not be told.
  std::vector<std::string> hosts;
  std::string data_dir = "./data";  // Created if absent; locked while the server runs.
  unsigned threads = 0;             // 0: one a core.
  uint32_t shards = 0;              // Of the queues; fixed when the data directory is made. 0: as
                                    // many as it has, a new one as many as threads, at most 8.

  size_t line_bytes_max = 64 * 1024;
  size_t body_bytes_max = 1024 * 1024;
  size_t connections_max = 100'000;  // Over it a new connection is answered and closed.
  base::Duration request_timeout = std::chrono::seconds(30);  // From the first byte of a
                                                              // request to its last. Also: how
                                                              // long a client may take none of
                                                              // the answers it is sent.
  base::Duration idle_timeout = std::chrono::minutes(5);      // HTTP keep-alive. TCP: none.
  base::Duration stop_timeout = std::chrono::seconds(10);     // How long a clean stop may take.
};

unsigned threads_of(const ServerOptions& options);       // Never 0.
uint32_t fresh_shards_of(const ServerOptions& options);  // Of a new data directory.

}  // namespace server
