// Many requests under a global cap and a per-host cap: the library's door (docs/fetch.md).
//
//   std::vector<fetch::Result> results =
//       fetch::run_pool(urls, fetch::over_http({.timeout = 10s}),
//                       {.total_concurrency = 200, .per_host_concurrency = 8});
//
// The same scheduler as push queues: a memory queue over engine::Engine, limits in its gate. What
// may not run now holds no socket, no thread and no handle; hosts take turns, and a host that is at
// its cap or blocked delays no other.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "limit/rate.h"

namespace fetch {

struct PoolLimits {
  size_t total_concurrency = 100;          // 1 … 100,000.
  size_t per_host_concurrency = 8;         // 1 … total.
  std::optional<limit::Rate> rate{};       // Of all together.
  std::optional<limit::Rate> host_rate{};  // Of each host.
};

struct Result {
  bool ok = false;           // A 2xx answer came whole.
  int status_code = 0;       // 0: none came.
  uint64_t bytes_read = 0;   // Of the body, decompressed.
  base::Duration elapsed{};  // Of the last attempt, from its start to its last byte.
  std::string url{};         // As given.
  std::string error{};       // Empty if ok.
};

// One request, blocking. No limits, no repeats.
Result fetch_one(const std::string& url, base::Duration timeout);

// How run_pool fetches. A function of your own is called on one of total_concurrency threads.
struct HttpTerms {
  base::Duration timeout = std::chrono::seconds(30);  // The body included.
  unsigned retries = 0;
  unsigned redirects = 0;
};
class Fetch {
 public:
  Fetch(std::function<Result(const std::string& url)> blocking) : blocking_(std::move(blocking)) {}
  explicit Fetch(HttpTerms terms) : terms_(terms) {}
  const std::function<Result(const std::string& url)>& blocking() const { return blocking_; }
  const HttpTerms& terms() const { return terms_; }

 private:
  std::function<Result(const std::string& url)> blocking_;  // Null: HTTP, in one thread.
  HttpTerms terms_;
};
inline Fetch over_http(HttpTerms terms = {}) { return Fetch(terms); }

// Results in the order of the URLs. A URL that is none, or a limit out of bounds, is a Result with
// an error, never an exception.
std::vector<Result> run_pool(std::span<const std::string> urls, const Fetch& fetch,
                             const PoolLimits& limits);

}  // namespace fetch
