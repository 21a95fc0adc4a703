// One thread's event loop.
//
// Sockets, timers, posts: all are sources of one Poll. A room that wants Asio (its coroutines,
// TLS, signals) asks for context(); from then on the thread is run by that io_context, which
// waits for the Poll as for any descriptor. Sessions run beside it either way; without it a wake-up
// saves two or three system calls.
//
// Thread: run() makes the calling thread the loop's; post() and stop() are for any thread, all else
// is for the loop's own (or for before run()).
#pragma once
#include <functional>
#include <memory>

#include "base/time.h"
#include "io/poll.h"

namespace boost::asio {
class io_context;
}

namespace io {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();  // Until stop(). What is posted before stop() still runs.
  void stop();

  void post(std::function<void()> task);
  // Again and again until the loop ends, each time `period` after the end of the last call.
  void every(base::Duration period, std::function<void()> task);
  void after(base::Duration delay, std::function<void()> task);
  void when_readable(int fd, std::function<void()> task);  // Each time; `fd` outlives the loop.

  Poll& poll();
  boost::asio::io_context& context();  // REQUIRES, the first time: run() has not begun.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace io
