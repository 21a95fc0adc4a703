#include "io/log.h"

#include <unistd.h>

#include <atomic>

#include "io/clock.h"
#include "io/log_line.h"

namespace io {
namespace {

std::atomic<Level> least{Level::kOff};
std::atomic<LogFormat> spelling{LogFormat::kText};

}  // namespace

void start_log(LogOptions options) {
  spelling = options.format;
  least = options.level;
}

// One write(2) a line: lines of several threads and processes do not mix, and nothing is lost when
// the process dies. A log that cannot be written to must not stop the server.
void log(Level level, std::string_view event, LogFields fields) {
  if (level < least.load(std::memory_order_relaxed) || level >= Level::kOff) return;
  std::string line = log_line(spelling, wall_clock(), level, event, fields);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written <= 0) return;
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace io
