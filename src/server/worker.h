// One thread of sessions: its loop, and the connections that were given to it.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "io/loop.h"
#include "server/session.h"

namespace server {

// A new connection, before it speaks.
struct Arrival {
  io::Fd fd;
  io::Ip peer;
  uint64_t id;
  size_t worker;  // Whose it becomes.
  Presence presence;
};

// Makes the talk of a connection; `wake` is its session's resume().
// Thread: the worker's whose connection it is.
using MakeTalk = std::function<std::unique_ptr<Talk>(const Arrival& arrival, base::Random& ids,
                                                     std::function<void()> wake)>;

class Worker {
 public:
  // `bounds` and `clock` outlive it. `sweep` is how often patience is looked at.
  Worker(const base::Clock& clock, const SessionBounds& bounds, base::Duration sweep,
         uint64_t seed);

  io::Loop& loop() { return loop_; }
  void run() { loop_.run(); }  // Until leave(). The calling thread becomes the worker's.

  // Thread: any, for the rest. What they ask for happens on the worker's.
  void adopt(Arrival arrival, const MakeTalk& make);  // `make` outlives the worker.
  // Ends the sessions as soon as what they owe is sent, then calls `empty`, on its own thread.
  void stop(std::function<void()> empty);
  void cut_off();  // Ends all sessions, whatever they owe.
  void leave() { loop_.stop(); }

 private:
  void welcome(Arrival& arrival, const MakeTalk& make);
  void bury(Session& session);
  void sweep();
  void for_each(const std::function<void(Session&)>& visit);
  void tell_if_empty();

  const base::Clock& clock_;
  io::Loop loop_;
  SessionHome home_;
  base::Random ids_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Session>> buried_;  // Ended; one of them may be running right now.
  std::function<void()> empty_;                   // Set: the worker stops.
  bool told_ = false;
};

}  // namespace server
