// The timers of one loop: one descriptor for all of them, taken at the start, so that a timer can
// be set when the process has none left.
#pragma once
#include <functional>
#include <map>

#include "base/time.h"
#include "io/poll.h"

namespace io {

// Thread: one owner.
class Timers final : public Source {
 public:
  explicit Timers(Poll& poll);

  // `period` zero: once. Else the next time is `period` after the end of the last call.
  void add(base::Duration delay, base::Duration period, std::function<void()> task);
  void on_ready(uint8_t ready) override;

 private:
  struct Task {
    base::Duration period;
    std::function<void()> run;
  };
  void arm();

  Fd timer_;
  std::multimap<base::Duration, Task> due_;  // By the monotonic clock.
};

}  // namespace io
