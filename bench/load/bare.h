// A log without a server: what arrives at a steady rate is written and synced, all that is there
// at once, into a file that was preallocated as segments are.
#pragma once
#include <string>

#include "load/clients.h"

namespace load {

struct Bare {
  std::string directory = ".";
  double seconds = 1, rate = 1000;
  size_t pipeline = 1;  // So many arrive together.
  size_t bytes = 128;   // Of a message.
};

Outcome bare(const Bare& wanted);  // operations: messages.

}  // namespace load
