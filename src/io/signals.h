// The signals a server answers to.
#pragma once
#include <functional>
#include <memory>

#include "io/loop.h"

namespace io {

// While it lives: SIGTERM and SIGINT call `stop`, SIGHUP calls `reload`, on the loop's thread.
// SIGPIPE is ignored from the first one on, for the rest of the process.
class Signals {
 public:
  Signals(Loop& loop, std::function<void()> stop, std::function<void()> reload);
  ~Signals();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace io
