// The process's time: the wall clock once at the start, carried on by the monotonic clock, so that
// it never runs backwards and a step of the wall clock moves no limit.
#pragma once
#include "base/clock.h"

namespace io {

// Thread: any.
class SystemClock final : public base::Clock {
 public:
  // Starts at the wall clock, or at `floor` where that is later: the last instant that any state
  // which survived a restart has seen.
  explicit SystemClock(base::Time floor = {});
  base::Time now() const override;
  // No instant before `floor` from now on. Before threads look at it.
  void not_before(base::Time floor);

 private:
  int64_t offset_ns_;  // From the monotonic clock to the process's time.
};

base::Duration
monotonic();              // Since an instant of the machine's; of what is measured, or waited for.
base::Time wall_clock();  // For people: dates and log lines. May step.

}  // namespace io
