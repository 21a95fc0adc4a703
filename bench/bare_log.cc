// A log without a server: what arrives at a steady rate is written and synced, all that is there at
// once, into a file that was preallocated as segments are. bench/queue_run sets the queue beside
// it.
//
//   bare_log FOLDER PER_SECOND TOGETHER BYTES SECONDS     one line of JSON
//
// PER_SECOND messages of so many BYTES, so many of them TOGETHER. A span counts from the instant
// when its messages were due to the end of their sync.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "load/histogram.h"
#include "load/schedule.h"

namespace {

constexpr off_t kFileBytes = off_t{64} << 20;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "bare_log: %s\n", why.c_str());
  std::exit(1);
}

base::Time steady_now() { return base::Time(std::chrono::steady_clock::now().time_since_epoch()); }

class File {
 public:
  explicit File(const std::string& directory) : path_(directory + "/bare_log") { begin(); }
  ~File() {
    ::close(file_);
    ::unlink(path_.c_str());
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write_and_sync(const std::string& bytes) {
    const auto size = static_cast<off_t>(bytes.size());
    if (at_ + size > kFileBytes) {
      ::close(file_);
      begin();
    }
    if (::pwrite(file_, bytes.data(), bytes.size(), at_) != size) die("write: " + path_);
    if (::fdatasync(file_) != 0) die("fdatasync: " + path_);
    at_ += size;
  }

 private:
  void begin() {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file_ < 0 || ::posix_fallocate(file_, 0, kFileBytes) != 0 || ::fsync(file_) != 0)
      die("create: " + path_);
    at_ = 0;
  }

  const std::string path_;
  int file_ = -1;
  off_t at_ = 0;
};

struct Wanted {
  uint64_t per_second, together;
  size_t bytes;
  double seconds;
};

uint64_t run(File& file, const Wanted& wanted, load::Histogram& spread) {
  const base::Time begin = steady_now();
  const base::Time end = begin + base::Duration(static_cast<int64_t>(wanted.seconds * 1e9));
  const load::Schedule schedule(begin, wanted.per_second, wanted.together);
  std::string bytes;
  uint64_t next = 0;
  for (base::Time now = begin; now < end; now = steady_now()) {
    const uint64_t first = next;
    while (schedule.due(next) <= now) ++next;
    if (next == first) {
      std::this_thread::sleep_for(schedule.due(next) - now);
      continue;
    }
    bytes.resize((next - first) * wanted.together * wanted.bytes, 'x');
    file.write_and_sync(bytes);
    const base::Time back = steady_now();
    for (uint64_t i = first; i < next; ++i)
      spread.add((back - schedule.due(i)).count(), wanted.together);
  }
  return next * wanted.together;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) die("FOLDER PER_SECOND TOGETHER BYTES SECONDS");
  const Wanted wanted{std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10),
                      std::strtoul(argv[4], nullptr, 10), std::atof(argv[5])};
  if (wanted.per_second == 0 || wanted.together == 0 || wanted.bytes == 0) die("must be above 0");
  File file(argv[1]);
  load::Histogram spread;
  const uint64_t messages = run(file, wanted, spread);
  const auto us = [&](double share) { return static_cast<double>(spread.at(share)) / 1e3; };
  std::printf("{\"operations\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f}\n",
              static_cast<unsigned long long>(messages), us(0.5), us(0.99), us(0.999));
}
