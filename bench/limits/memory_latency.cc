// What the machine's memory can do: nanoseconds of a load that needs the load before it.
//
//   memory_latency BYTES…      {"bytes":4800000000,"ns":97.1} for each, the median of five rounds
//
// The lines of a working set are linked to one ring in an order that no prefetcher guesses, and the
// ring is followed. From some hundred megabytes on, the walk of the page table is part of it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

namespace {

struct alignas(64) Line {
  uint32_t next;
};

constexpr uint64_t kLoads = 4'000'000;

// Sattolo's shuffle: a permutation that is one ring.
std::vector<Line> ring(uint64_t count) {
  std::vector<Line> lines(count);
  for (uint64_t i = 0; i < count; ++i) lines[i].next = static_cast<uint32_t>(i);
  std::mt19937_64 random(1);
  for (uint64_t i = count - 1; i > 0; --i) std::swap(lines[i].next, lines[random() % i].next);
  return lines;
}

double cpu_ns() {  // Of this process: what others take of the machine does not count.
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double ns_of_a_load(const std::vector<Line>& lines, uint32_t& at) {
  const double begin = cpu_ns();
  for (uint64_t i = 0; i < kLoads; ++i) at = lines[at].next;
  return (cpu_ns() - begin) / static_cast<double>(kLoads);
}

double median_ns(uint64_t bytes) {
  const std::vector<Line> lines = ring(std::max<uint64_t>(1, bytes / sizeof(Line)));
  uint32_t at = 0;
  ns_of_a_load(lines, at);  // Warm.
  std::array<double, 5> rounds;
  for (double& ns : rounds) ns = ns_of_a_load(lines, at);
  if (at >= lines.size()) std::abort();  // So that the loop above has a use.
  std::sort(rounds.begin(), rounds.end());
  return rounds[rounds.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const uint64_t bytes = std::strtoull(argv[i], nullptr, 10);
    if (bytes / sizeof(Line) > UINT32_MAX) {
      std::fprintf(stderr, "memory_latency: %s bytes are more than 2^32 lines\n", argv[i]);
      return 2;
    }
    std::printf("{\"bytes\":%llu,\"ns\":%.2f}\n", static_cast<unsigned long long>(bytes),
                median_ns(bytes));
    std::fflush(stdout);
  }
}
