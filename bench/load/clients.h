// Many connections and one thread that drives them all: each sends a batch and awaits its answers
// before the next one (as redis-benchmark does), or batches leave at a steady rate whatever has
// been answered.
#pragma once
#include <cstdint>
#include <string>

#include "load/spread.h"
#include "load/talk.h"

namespace load {

struct Drive {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  unsigned connections = 50;
  double seconds = 0;       // Or:
  uint64_t operations = 0;  // At least so many.
  double rate = 0;          // Requests a second; 0: as fast as answers come.
};

struct Outcome {
  uint64_t operations = 0;
  double seconds = 0;
  Spread answers;  // From sending, or from the instant that it should have been sent.
};

Outcome drive(const Drive& drive, const Work& work);

}  // namespace load
