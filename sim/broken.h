// A promise that was not kept. Thrown inside the room, caught by live().
#pragma once
#include <string>

#include "base/time.h"

namespace sim {

struct Broken {
  std::string what;
};

// Milliseconds with nine digits behind: "1000.000000001".
std::string to_string(base::Time at);

}  // namespace sim
