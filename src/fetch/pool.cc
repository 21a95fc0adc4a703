#include "fetch/pool.h"

#include <utility>

#include "base/check.h"
#include "fetch/sweep.h"
#include "io/clock.h"

namespace fetch {
namespace {

http::ClientOptions client_options() {
  return {.guard = *http::AddressGuard::make(http::GuardMode::kOff, {})};
}

base::Result<SweepOptions> options_of(const Fetch& fetch, const PoolLimits& limits) {
  SweepOptions options;
  if (limits.per_host_concurrency > limits.total_concurrency)
    return base::invalid("per_host_concurrency must be 1 to total_concurrency", "per_host");
  options.limits.total = limits.total_concurrency;
  options.limits.per_host = limits.per_host_concurrency;
  for (const auto& [rate, law] : {std::pair{&limits.rate, &options.limits.rate},
                                  std::pair{&limits.host_rate, &options.limits.host_rate}}) {
    if (!*rate) continue;
    const base::Result<limit::Gcra> made = pace(**rate, {});
    if (!made) return made.error();
    *law = *made;
  }
  options.terms = fetch.terms();
  options.blocking = fetch.blocking();
  options.client = client_options();
  return options;
}

}  // namespace

Result fetch_one(const std::string& url, base::Duration timeout) {
  Result result;
  result.url = url;
  const base::Result<http::Url> parsed = http::parse_url(url);
  if (!parsed) {
    result.error = parsed.error().what;
    return result;
  }
  io::Loop loop;
  http::Client client(loop, client_options());
  http::Outgoing outgoing;
  outgoing.url = &*parsed;
  outgoing.timeout = timeout;
  client.send(outgoing, [&](http::Response&& response) {
    result.status_code = response.status;
    result.bytes_read = response.body_bytes;
    result.elapsed = response.phases.total;
    result.ok = response.failure == http::Failure::kNone && response.status / 100 == 2;
    if (response.failure != http::Failure::kNone) {
      result.error = std::string(http::to_string(response.failure)) + ": " + response.error;
    } else if (!result.ok) {
      result.error = "status " + std::to_string(response.status);
    }
    loop.stop();
  });
  loop.run();
  return result;
}

std::vector<Result> run_pool(std::span<const std::string> urls, const Fetch& fetch,
                             const PoolLimits& limits) {
  std::vector<Result> results(urls.size());
  for (size_t i = 0; i < urls.size(); ++i) results[i].url = urls[i];
  const auto fail = [&](const std::string& what) {
    for (Result& each : results) {
      if (!each.ok && each.error.empty()) each.error = what;
    }
  };
  base::Result<SweepOptions> options = options_of(fetch, limits);
  if (!options) {
    fail(options.error().what);
    return results;
  }
  io::Loop loop;
  const io::SystemClock clock;
  UrlsInMemory source(urls);
  const auto finished = [&](Finished&& one) {
    one.result.url = urls[one.index];
    results[one.index] = std::move(one.result);
  };
  auto sweep =
      Sweep::make(loop, clock, *std::move(options), source, finished, [&loop] { loop.stop(); });
  if (!sweep) {
    fail(sweep.error().what);
    return results;
  }
  (*sweep)->start();
  loop.run();
  if (const std::string error = (*sweep)->error(); !error.empty()) fail(error);
  return results;
}

}  // namespace fetch
