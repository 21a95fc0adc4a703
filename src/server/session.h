// One connection: a socket and what its bytes mean.
//
//   recv → the thread's scratch → Talk::feed → Talk::out → send        (nothing is left over: the
//            └ an unfinished request → rest_     └ the socket is full → unsent_   usual request)
//
// A request costs one recv and one send, and no allocation. What an idle connection holds is this
// object and its Talk.
//
//   open ── the client ended, the talk closes, the server stops ──→ everything owed is sent ──→
//     shut down for writing ──→ lingering (what the client still sends is thrown away, so that no
//     reset overtakes the last answer) ──→ closed
//
// Thread: its worker's.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "io/poll.h"
#include "io/socket.h"
#include "server/talk.h"
#include "server/traffic.h"

namespace server {

class Session;

struct SessionBounds {
  // A client that does not read: over this nothing is read from it either …
  size_t unsent_bytes_max = size_t{1} << 20;
  // … and it is closed when it has taken nothing for this long.
  base::Duration stuck_max = std::chrono::seconds(30);
  base::Duration linger_max = std::chrono::seconds(2);
  size_t rest_bytes_max = size_t{64} << 10;  // Read ahead while an answer holds up the requests.
};

// What sessions of one thread share.
struct SessionHome {
  io::Poll& poll;
  const SessionBounds& bounds;
  std::function<void(Session&)> gone;  // Called once; may not destroy the session at once.
  base::Time now{};                    // As of the last sweep.
};

class Session final : public io::Source {
 public:
  Session(SessionHome& home, io::Fd fd, Presence presence);

  void begin(std::unique_ptr<Talk> talk);
  void on_ready(uint8_t ready) override;
  void resume();  // The talk has an answer, or goes on behind one.
  void stop();    // Nothing more is read; ends when what is owed is sent.
  void end();     // Now, whatever is owed.
  void sweep();   // At times: patience, and memory that an idle connection gives back.

  size_t place = 0;  // For the owner: where it keeps the session.

 private:
  enum class Phase : uint8_t { kOpen, kLingering, kOver };

  bool read();
  void take(std::string_view bytes);
  void feed_rest();
  bool send();
  size_t unsent() const { return unsent_.size() - sent_; }
  void settle();
  bool finished(const Talk::State& state) const;
  void finish();
  void linger();
  void want(uint8_t interest);
  void give_back();

  SessionHome& home_;
  Presence presence_;
  io::Fd fd_;
  std::unique_ptr<Talk> talk_;
  std::string rest_;    // Read, but not used by the talk yet.
  std::string unsent_;  // Taken from the talk, but not by the socket; sent_ bytes of it are gone.
  size_t sent_ = 0;
  base::Time since_;  // Unsent: when some were last taken. Lingering: when that began.
  Phase phase_ = Phase::kOpen;
  uint8_t interest_ = io::kReadable;
  bool eof_ = false;
  bool stopping_ = false;
  bool broken_ = false;
  bool moved_ = false;  // Since the last sweep.
};

}  // namespace server
