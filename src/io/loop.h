// One thread's event loop: an io_context, and the set of its sessions' sockets inside it.
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
  // Again and again, the next time `period` after the last call's end; until the loop ends.
  void every(base::Duration period, std::function<void()> task);
  void after(base::Duration delay, std::function<void()> task);
  // Each time `fd` has something to read. Not for sockets of sessions: those belong to poll().
  void when_readable(int fd, std::function<void()> task);

  Poll& poll();
  boost::asio::io_context& context();

 private:
  struct State;  // Asio's side of the loop.
  std::unique_ptr<State> state_;
};

}  // namespace io
