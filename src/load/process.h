// What a process has used, as the system counts it.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace load {

struct ProcessUse {
  double user_s = 0, system_s = 0;  // CPU time of all its threads, by the tick (10 ms).
  uint64_t resident_bytes = 0, peak_bytes = 0;
  std::optional<uint64_t> written_bytes;  // Sent to the disk; nothing: it is not ours to know.
};

// Of all of them together. An error names the process that is not there.
base::Result<ProcessUse> use_of(std::span<const int> processes);
ProcessUse between(const ProcessUse& before, const ProcessUse& after);  // Memory: after.
double own_cpu_s();                                                     // Of this process so far.

}  // namespace load
