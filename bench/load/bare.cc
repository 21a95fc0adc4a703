#include "load/bare.h"

#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "load/die.h"
#include "load/instants.h"

namespace load {
namespace {

constexpr off_t kFileBytes = off_t{64} << 20;

class File {
 public:
  explicit File(const std::string& directory) : path_(directory + "/queue_load.bare") { begin(); }
  ~File() {
    close(file_);
    unlink(path_.c_str());
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write_and_sync(const std::string& bytes) {
    if (at_ + static_cast<off_t>(bytes.size()) > kFileBytes) {
      close(file_);
      begin();
    }
    if (pwrite(file_, bytes.data(), bytes.size(), at_) != static_cast<ssize_t>(bytes.size()))
      die("write: " + path_);
    if (fdatasync(file_) != 0) die("fdatasync: " + path_);
    at_ += static_cast<off_t>(bytes.size());
  }

 private:
  void begin() {
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file_ < 0 || posix_fallocate(file_, 0, kFileBytes) != 0 || fsync(file_) != 0)
      die("create: " + path_);
    at_ = 0;
  }

  const std::string path_;
  int file_ = -1;
  off_t at_ = 0;
};

}  // namespace

Outcome bare(const Bare& wanted) {
  File file(wanted.directory);
  Outcome outcome;
  const Schedule schedule{steady_now(), 1e9 * static_cast<double>(wanted.pipeline) / wanted.rate};
  const int64_t end = schedule.begin + static_cast<int64_t>(wanted.seconds * 1e9);
  std::string bytes;
  for (uint64_t next = 0;;) {
    const int64_t now = steady_now();
    if (now >= end) break;
    const uint64_t first = next;
    while (schedule.due(next) <= now) ++next;
    if (next == first) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(schedule.due(next) - now));
      continue;
    }
    bytes.resize((next - first) * wanted.pipeline * wanted.bytes, 'x');
    file.write_and_sync(bytes);
    const int64_t back = steady_now();
    for (uint64_t i = first; i < next; ++i)
      outcome.answers.add(back - schedule.due(i), wanted.pipeline);
    outcome.operations += (next - first) * wanted.pipeline;
  }
  outcome.seconds = static_cast<double>(steady_now() - schedule.begin) / 1e9;
  return outcome;
}

}  // namespace load
