// Wakes the loop of another thread: one descriptor, rung by whoever has put something in its way.
#pragma once
#include <atomic>
#include <functional>

#include "io/poll.h"

namespace io {

// The owner is told at least once after each ring(); rings that come before it looks are one.
class Bell final : public Source {
 public:
  // `heard` runs on the poll's thread.
  Bell(Poll& poll, std::function<void()> heard);

  // Thread: any. Costs a system call only if the bell is not ringing already.
  void ring();
  void on_ready(uint8_t ready) override;

 private:
  Fd event_;
  std::function<void()> heard_;
  std::atomic<bool> ringing_{false};
};

}  // namespace io
