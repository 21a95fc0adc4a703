// Where a request is passed on to, and what it may cost there.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace proxy {

struct Way {
  std::string upstream{};                             // "http://127.0.0.1:9000"
  base::Duration timeout = std::chrono::seconds(30);  // Of the upstream: to its first byte,
                                                      // and between two reads.
  uint64_t request_bytes_max = uint64_t{16} << 20;    // Of a body.
  uint64_t response_bytes_max = uint64_t{1} << 40;
};

}  // namespace proxy
