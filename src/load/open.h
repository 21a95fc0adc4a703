// A request that was sent and is not answered.
#pragma once
#include <string>
#include <vector>

#include "base/time.h"
#include "load/talk.h"

namespace load {

struct Open {
  Verb verb = Verb::kPing;
  Draw draw;
  base::Time since;  // When it was due; a latency counts from here.
  base::Time sent;
  std::vector<std::string> receipts;  // Of an ack.
};

}  // namespace load
