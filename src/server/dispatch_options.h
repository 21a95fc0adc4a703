// What the dispatcher is told: plain values, filled by config/ from the section `dispatch`. The
// caps and the rate become limits of the domain `outbound`; the rest is the pushers'.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dispatch/hosts.h"
#include "http/address_guard.h"
#include "limit/rate.h"

namespace server {

struct HostRate {
  limit::Rate rate;
  int64_t burst = 1;
  friend bool operator==(const HostRate&, const HostRate&) = default;
};

struct DispatchOptions {
  int64_t total = 200;                // Requests at a time, of this process.
  int64_t per_host = 8;               // … to one host.
  std::optional<HostRate> host_rate;  // Requests to one host.
  http::GuardMode guard = http::GuardMode::kBlock;
  std::vector<std::string> allow;  // Networks, addresses and names that the guard lets through.
  std::string ca_file;             // Certificates that are trusted; empty: the system's.
  dispatch::HostsOptions hosts;    // Its seed is the server's.
};

}  // namespace server
