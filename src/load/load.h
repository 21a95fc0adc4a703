// The door of the room: a load generator for our own server and for its peers.
//
//   closed loop   each connection sends a batch, awaits its answers, sends the next one
//   open loop     batches leave at a steady rate whatever has been answered (schedule.h)
//
//   prepare ─► connect ─► warm-up ─► measured ─► last answers
//   (queues, scripts)     (not counted)
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/socket.h"
#include "load/precision.h"
#include "load/process.h"
#include "load/tally.h"
#include "load/work.h"

namespace load {

inline constexpr unsigned kConnectionsMax = 50'000;
inline constexpr unsigned kThreadsMax = 64;
inline constexpr size_t kPipelineMax = 10'000;
inline constexpr uint64_t kKeysMax = 1'000'000'000;
inline constexpr uint64_t kQueuesMax = 1'000'000;
inline constexpr size_t kBodyBytesMax = size_t{1} << 20;
inline constexpr uint64_t kRateMax = 100'000'000;
inline constexpr base::Duration kForMax = std::chrono::hours(24 * 7);

struct Options {
  io::Endpoint to;
  Work work;
  unsigned connections = 50, threads = 1;
  uint64_t rate = 0;   // Requests a second of an open loop; 0: a closed loop.
  uint64_t count = 0;  // Operations, or
  base::Duration span = std::chrono::seconds(10);  // so long; whichever is over first.
  base::Duration warm_up{};
  std::vector<int> servers;  // Process ids, of whom CPU and memory are told.
  std::optional<Law> law;    // That the server is to keep: its precision is judged.
  std::string record;        // A history is written to this file.
};

// While it runs.
struct Live {
  base::Duration since{};  // The beginning; of the warm-up, if there is one.
  uint64_t answers = 0, errors = 0;
  bool measured = false;
};

struct Outcome {
  Tally tally;
  double seconds = 0;                // From the end of the warm-up to the last answer.
  double client_cpu_s = 0;           // In that time, of this process.
  std::optional<ProcessUse> server;  // In that time; memory: at its end.
  std::optional<Precision> precision;
  bool interrupted = false;
};

// Thread: takes the calling one until the load is over; SIGINT and SIGTERM end it early. Errors
// (kIo): nobody listens, the server refuses what prepares it, a file cannot be written.
base::Result<Outcome> run(const Options& options, const std::function<void(const Live&)>& on_tick);

}  // namespace load
