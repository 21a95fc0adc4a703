// What the disk can do: records appended to one file, each written and synced before the next.
//
//   fdatasync DIRECTORY SECONDS BYTES…
//
// For each size {"bytes":4096,"syncs_per_second":2100,"p50_us":440,"p99_us":1300}. The file's
// blocks are there before, as a log's are, so that a sync writes data and no growth. It is removed.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr off_t kFileBytes = 256 << 20;

void check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

// Microseconds of each append, in order of length.
std::vector<double> appends(int fd, size_t bytes, double seconds) {
  using Clock = std::chrono::steady_clock;
  const std::string record(bytes, 'x');
  std::vector<double> spans;
  off_t at = 0;
  for (const auto begin = Clock::now();
       Clock::now() - begin < std::chrono::duration<double>(seconds);) {
    if (at + static_cast<off_t>(bytes) > kFileBytes) at = 0;
    const auto from = Clock::now();
    check(pwrite(fd, record.data(), bytes, at) == static_cast<ssize_t>(bytes), "pwrite");
    check(fdatasync(fd) == 0, "fdatasync");
    spans.push_back(std::chrono::duration<double, std::micro>(Clock::now() - from).count());
    at += static_cast<off_t>(bytes);
  }
  std::sort(spans.begin(), spans.end());
  return spans;
}

// Zeros are written, not only reserved: a block that was never written is growth, too.
void fill(int fd) {
  const std::string zeros(1 << 20, '\0');
  for (off_t at = 0; at < kFileBytes; at += static_cast<off_t>(zeros.size())) {
    check(pwrite(fd, zeros.data(), zeros.size(), at) == static_cast<ssize_t>(zeros.size()), "fill");
  }
  check(fsync(fd) == 0, "fsync");
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 3 ? std::atof(argv[2]) : 0;
  if (seconds <= 0) {
    std::fprintf(stderr, "fdatasync DIRECTORY SECONDS BYTES…\n");
    return 2;
  }
  std::string file = std::string(argv[1]) + "/fdatasync-XXXXXX";
  const int fd = mkstemp(file.data());
  check(fd >= 0, file.c_str());
  check(unlink(file.c_str()) == 0, "unlink");  // It is gone when this process is.
  fill(fd);
  for (int i = 3; i < argc; ++i) {
    const size_t bytes = std::strtoull(argv[i], nullptr, 10);
    const std::vector<double> spans = appends(fd, bytes, seconds);
    double sum_us = 0;
    for (const double span : spans) sum_us += span;
    std::printf("{\"bytes\":%zu,\"syncs_per_second\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
                bytes, static_cast<double>(spans.size()) * 1e6 / sum_us, spans[spans.size() / 2],
                spans[spans.size() * 99 / 100]);
    std::fflush(stdout);
  }
}
