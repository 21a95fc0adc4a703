// Fetches the URLs named on the command line: at most 50 at a time, 4 of a host.
#include <fetch/pool.h>

#include <cstdio>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const std::vector<std::string> urls(argv + 1, argv + argc);

  const std::vector<fetch::Result> results =
      fetch::run_pool(urls, fetch::over_http({.timeout = 10s, .retries = 2}),
                      {.total_concurrency = 50, .per_host_concurrency = 4});

  bool all_ok = true;
  for (const fetch::Result& result : results) {
    std::printf("%3d %8llu bytes %8.1f ms  %s %s\n", result.status_code,
                static_cast<unsigned long long>(result.bytes_read),
                std::chrono::duration<double, std::milli>(result.elapsed).count(),
                result.url.c_str(), result.error.c_str());
    all_ok = all_ok && result.ok;
  }
  return all_ok ? 0 : 1;
}
