// What the proxy is told. Plain values: filled by config/ (docs/configuration.md).
#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"

namespace proxy {

struct Options {
  std::vector<std::string> trusted_proxies{};  // CIDRs.
  size_t header_bytes_max = size_t{16} << 10;
  base::Duration request_timeout = std::chrono::seconds(30);  // From a request's first byte to the
                                                              // end of its header, and of its body
                                                              // between two reads.
  base::Duration idle_timeout = std::chrono::minutes(5);
  size_t upstream_idle_max = 64;  // Connections kept for the next request, each upstream, a thread.
};

}  // namespace proxy
