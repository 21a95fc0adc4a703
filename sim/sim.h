// The door of the room: one seed, one life. A life is a process of one or several shards on a disk
// that fails, a clock that jumps and clients of every kind, all drawn from the seed; whatever it
// answers is held against what was promised (docs/testing.md). The same seed and steps give the
// same digest.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace sim {

struct LifeOptions {
  uint64_t seed = 1;
  uint64_t steps = 1500;  // Of the clients, before the faults stop and everything must drain.
  bool verbose = false;   // Tells on stdout what happens.
};

struct Outcome {
  uint64_t digest = 0;                // Of every answer and instant.
  std::optional<std::string> broken;  // Which promise, when, and the story that shows it.
  struct Counts {
    uint64_t steps = 0, requests = 0, messages = 0, deliveries = 0, checks = 0, restarts = 0,
             power_cuts = 0, failed_disks = 0, full_disks = 0, corruptions_refused = 0,
             replays_compared = 0, idle_turns_judged = 0, pushes = 0;
  } counts;
};

Outcome live(const LifeOptions& options);

}  // namespace sim
