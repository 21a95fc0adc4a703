// What the bytes of a connection mean. Implementations: TcpTalk (the TCP port) and ApiTalk (HTTP).
//
// Thread: the session's.
#pragma once
#include <string>
#include <string_view>

#include "base/time.h"

namespace server {

class Talk {
 public:
  virtual ~Talk() = default;

  // Runs the whole requests of `bytes` and returns how many bytes were used. The rest must come
  // again, with more behind it.
  virtual size_t feed(std::string_view bytes) = 0;
  virtual std::string& out() = 0;  // Bytes to send; the session takes them, or swaps the string.

  struct State {
    bool waiting = false;  // Nothing is read further until an answer is there.
    bool closing = false;  // Send out(), then close.
    bool more = false;     // out() is full: send some of it, then feed the rest again.
    bool owing = false;    // An answer is still to come. (Or, maybe, behind a half read request.)
  };
  virtual State state() const = 0;

  virtual base::Time deadline() const { return base::Time::max(); }  // When patience ends.
  virtual void expire() {}  // It has ended: the talk is closing now.
  // The client sends nothing more while it waits for an answer: most likely it is gone, so it
  // should wait no longer.
  virtual void hang_up() {}
  virtual void stop() {}  // The server stops: what is owed is still answered, then closing.
  virtual void rest() {}  // Nothing has happened for a while: give memory back.
};

}  // namespace server
