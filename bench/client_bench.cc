// http::Client as bench/curl_loop.cc is a bare multi loop: GETs one URL again and again.
//
//   client_bench URL REQUESTS IN_FLIGHT
#include <cstdlib>

#include "cpu_report.h"
#include "http/client.h"
#include "io/loop.h"

namespace {

struct Run {
  io::Loop& loop;
  http::Client client;
  http::Url url;
  long to_start, to_end, failed = 0;

  void start() {
    --to_start;
    client.send({.url = &url}, [this](http::Response&& response) {
      failed += response.failure != http::Failure::kNone || response.status != 200;
      if (to_start > 0) start();
      if (--to_end == 0) loop.stop();
    });
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "client_bench URL REQUESTS IN_FLIGHT\n"), 2;
  const base::Result<http::Url> url = http::parse_url(argv[1]);
  if (!url) return std::fprintf(stderr, "%s\n", url.error().what.c_str()), 2;
  const std::string allow[] = {"127.0.0.0/8"};
  const long requests = std::atol(argv[2]), in_flight = std::atol(argv[3]);
  io::Loop loop;
  Run run{.loop = loop,
          .client = {loop, {.guard = *http::AddressGuard::make(http::GuardMode::kBlock, allow)}},
          .url = *url,
          .to_start = requests,
          .to_end = requests};
  const bench::CpuReport report;
  for (long i = 0; i < in_flight && run.to_start > 0; ++i) run.start();
  loop.run();
  report.print("client_bench", requests, run.failed);
  return run.failed != 0;
}
