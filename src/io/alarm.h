// One instant to be woken at, set again and again: a timer of its own, as exact as the kernel's
// (some tens of microseconds; see io/loop_test.cc).
#pragma once
#include <functional>

#include "base/time.h"
#include "io/poll.h"

namespace io {

// Thread: the poll's.
class Alarm final : public Source {
 public:
  Alarm(Poll& poll, std::function<void()> ring);

  // Rings once, at `delay` from now or, if that is earlier, when it was to ring already. So whoever
  // moves the instant on costs nothing: the owner looks when it rings, and sets it again.
  void within(base::Duration delay);
  void stop();  // It rings no more, not even if this round of the poll was to tell it.
  void on_ready(uint8_t ready) override;

 private:
  Poll& poll_;
  Fd timer_;
  std::function<void()> ring_;
  base::Duration at_ = base::Duration::max();  // By the monotonic clock; max: not set.
};

}  // namespace io
