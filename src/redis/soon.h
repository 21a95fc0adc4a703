// A task to be run once, soon: what many calls of one loop round have in common is done once.
//
// Thread: the poll's.
#pragma once
#include <functional>
#include <memory>
#include <utility>

#include "io/alarm.h"
#include "io/poll.h"

namespace redis {

class Soon {
 public:
  // `task` may destroy the Soon, and may ask for itself again.
  Soon(io::Poll& poll, std::function<void()> task)
      : poll_(poll), task_(std::move(task)), alarm_(poll, [this] { run(); }) {}
  ~Soon() {
    *alive_ = false;
    alarm_.stop();
  }
  Soon(const Soon&) = delete;
  Soon& operator=(const Soon&) = delete;

  // At the end of this round of the loop, or in one of its own if there is none. A task that asks
  // for itself is run in the next round, so that it cannot keep the loop from all else.
  void ask() {
    if (std::exchange(asked_, true)) return;
    if (running_ || !poll_.in_round()) return alarm_.within(base::Duration::zero());
    poll_.defer([this, alive = alive_] {
      if (*alive) run();
    });
  }

 private:
  void run() {
    if (!std::exchange(asked_, false)) return;
    const std::shared_ptr<bool> alive = alive_;
    running_ = true;
    task_();
    if (*alive) running_ = false;
  }

  io::Poll& poll_;
  const std::function<void()> task_;
  io::Alarm alarm_;
  bool asked_ = false, running_ = false;
  // Shared with what the poll has been given: it cannot be taken back.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace redis
