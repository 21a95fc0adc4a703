#include "server/vitals.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace server {
namespace {

// A line of /proc/self/status: "Threads:\t3", "VmRSS:\t  1234 kB".
int64_t status_number(const std::string& name) {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word) {
    if (word != name + ":") continue;
    int64_t value = 0;
    file >> value;
    return value;
  }
  return 0;
}

base::Duration to_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

int64_t count_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return 0;
  return std::distance(begin(files), end(files)) - 1;  // One is the iterator's own.
}

}  // namespace

int64_t resident_bytes() { return status_number("VmRSS") * 1024; }

Vitals vitals() {
  Vitals out;
  out.resident_bytes = resident_bytes();
  out.virtual_bytes = status_number("VmSize") * 1024;
  out.threads = status_number("Threads");
  out.open_descriptors = count_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.descriptors_max = static_cast<int64_t>(limit.rlim_cur);
  }
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    out.cpu = to_duration(usage.ru_utime) + to_duration(usage.ru_stime);
  }
  return out;
}

void collect(const Vitals& vitals, base::Time started, metric::Families& families) {
  const auto gauge = [&](std::string_view name, std::string_view help, int64_t value) {
    families.gauge(name, help, {}, static_cast<double>(value));
  };
  families.counter_seconds("process_cpu_seconds_total", "User and system time.", {}, vitals.cpu);
  gauge("process_resident_memory_bytes", "Resident memory.", vitals.resident_bytes);
  gauge("process_virtual_memory_bytes", "Virtual memory.", vitals.virtual_bytes);
  gauge("process_open_fds", "Open descriptors.", vitals.open_descriptors);
  gauge("process_max_fds", "How many descriptors may be open.", vitals.descriptors_max);
  gauge("process_threads", "Threads.", vitals.threads);
  families.gauge("process_start_time_seconds", "Start, since the epoch.", {},
                 static_cast<double>(base::nanoseconds(started)) / 1e9);
}

}  // namespace server
