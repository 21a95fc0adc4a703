#include "server/options.h"

#include <algorithm>
#include <thread>

namespace server {

unsigned threads_of(const ServerOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
}

uint32_t fresh_shards_of(const ServerOptions& options) {
  constexpr uint32_t kMost = 8;
  return options.shards > 0 ? options.shards : std::min(uint32_t{threads_of(options)}, kMost);
}

}  // namespace server
