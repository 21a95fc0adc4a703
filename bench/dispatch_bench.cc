// What the dispatcher's scheduler costs, without sockets: N requests wait for H hosts; one is
// started, ends, and another one for its host takes its place.
//
//   dispatch_bench --waiting N --hosts H
//   → {"waiting":N,"hosts":H,"start_ns":…,"bytes_each":…}
//
// start_ns is CPU time. bytes_each is what is resident for each that waits, less the bytes of its
// URL.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "fetch/memory_queue.h"

namespace {

constexpr size_t kStarts = 200'000;
constexpr size_t kInFlight = 100;

size_t resident_bytes() {
  size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

double cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::string host_of(size_t number) { return "host-" + std::to_string(number) + ".example.com"; }
std::string url_of(size_t host) { return "http://" + host_of(host) + "/a/path?of=some&length"; }

struct Running {
  engine::Receipt receipt;
  size_t host;
};

size_t host_in(std::string_view url) {  // http://host-123.…
  return std::strtoul(std::string(url.substr(url.find('-') + 1)).c_str(), nullptr, 10);
}

}  // namespace

int main(int argc, char** argv) {
  size_t waiting = 1000, hosts = 1000;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--waiting") == 0) waiting = std::strtoul(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--hosts") == 0) hosts = std::strtoul(argv[i + 1], nullptr, 10);
  }
  std::vector<Running> running, ended;
  base::Time now = base::time_from(int64_t{1} << 60);
  auto queue = fetch::MemoryQueue::make(
      {.total = kInFlight, .per_host = 2},
      [&](const fetch::MemoryQueue::Run& run) {
        running.push_back({run.receipt, host_in(run.body)});
      },
      now);
  if (!queue) {
    std::fprintf(stderr, "dispatch_bench: %s\n", queue.error().what.c_str());
    return 1;
  }
  const size_t before = resident_bytes();
  size_t url_bytes = 0;
  for (size_t i = 0; i < waiting + kInFlight; ++i) {
    const std::string url = url_of(i % hosts);
    url_bytes += url.size();
    (*queue)->add(host_of(i % hosts), url, now);
  }
  (*queue)->turn(now);
  const double grown = static_cast<double>(resident_bytes() - before);
  const double each = (grown - static_cast<double>(url_bytes)) / static_cast<double>(waiting);

  const double began = cpu_ns();
  size_t starts = 0;
  while (starts < kStarts) {
    now += std::chrono::microseconds(100);
    ended.swap(running);
    starts += ended.size();
    for (const Running& run : ended) {
      (*queue)->done(run.receipt, now);
      (*queue)->add(host_of(run.host), url_of(run.host), now);
    }
    ended.clear();
    (*queue)->turn(now);
    if (running.empty()) return 1;
  }
  std::printf("{\"waiting\":%zu,\"hosts\":%zu,\"start_ns\":%.0f,\"bytes_each\":%.1f}\n", waiting,
              hosts, (cpu_ns() - began) / static_cast<double>(starts), each);
  return 0;
}
