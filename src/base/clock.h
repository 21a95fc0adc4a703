// The only source of time. Implementations: io::SystemClock, and a settable one in tests.
#pragma once
#include "base/time.h"

namespace base {

// Thread: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;  // Never less than what it answered before.
};

}  // namespace base
