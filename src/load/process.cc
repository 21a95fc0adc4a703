#include "load/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace load {
namespace {

std::string file_of(int process, const char* name) {
  std::ifstream file("/proc/" + std::to_string(process) + '/' + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The number behind `name`; nothing: there is none.
std::optional<uint64_t> number_behind(const std::string& text, const std::string& name) {
  const size_t at = text.find(name);
  if (at == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(at + name.size()));
  uint64_t value = 0;
  if (!(rest >> value)) return std::nullopt;
  return value;
}

// Fields 14 and 15 of stat; the second one, in parentheses, may hold anything.
bool read_ticks(int process, uint64_t& user, uint64_t& system) {
  const std::string text = file_of(process, "stat");
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream rest(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) rest >> skipped;
  return static_cast<bool>(rest >> user >> system);
}

}  // namespace

base::Result<ProcessUse> use_of(std::span<const int> processes) {
  static const auto ticks_a_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  ProcessUse use;
  for (const int process : processes) {
    uint64_t user = 0, system = 0;
    if (!read_ticks(process, user, system))
      return base::Error{base::Code::kIo, "there is no process " + std::to_string(process), {}};
    use.user_s += static_cast<double>(user) / ticks_a_second;
    use.system_s += static_cast<double>(system) / ticks_a_second;
    const std::string status = file_of(process, "status");
    use.resident_bytes += number_behind(status, "VmRSS:").value_or(0) * 1024;
    use.peak_bytes += number_behind(status, "VmHWM:").value_or(0) * 1024;
    if (const auto written = number_behind(file_of(process, "io"), "\nwrite_bytes:"))
      use.written_bytes = use.written_bytes.value_or(0) + *written;
  }
  return use;
}

ProcessUse between(const ProcessUse& before, const ProcessUse& after) {
  ProcessUse use = after;
  use.user_s -= before.user_s;
  use.system_s -= before.system_s;
  if (use.written_bytes && before.written_bytes) *use.written_bytes -= *before.written_bytes;
  return use;
}

double own_cpu_s() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace load
