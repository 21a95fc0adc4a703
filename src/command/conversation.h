// One connection of the TCP port without its socket: bytes in, bytes out.
//
// feed() parses all that has arrived and runs it: runs of decision verbs (CHECK, CL.THROTTLE) go to
// the limiter as one batch, every other verb runs by itself, in order. An answer may be given later
// (Call::defer); answers still leave in the order of their requests. A verb that says so holds up
// the requests behind it until its answer is there (commands behind a waiting one run after it).
//
//   bytes → Parser → requests ─┬─ decisions → Batch → Limiter ─┬→ Replies (ordered) → out()
//                              └─ other verbs → Call ──────────┘
//
// Thread: one owner; later answers are given on the owner's thread too.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "command/services.h"
#include "protocol/protocol.h"

namespace command {

class Conversation {
 public:
  // `on_ready` is called (never from inside feed()) when a later answer has put bytes into out() or
  // has let the requests behind it go on; the owner then sends, and feeds again what is unread.
  Conversation(Services services, Caller caller, protocol::Bounds bounds,
               std::function<void()> on_ready);
  ~Conversation();  // Answers still owed are dropped; giving them later does nothing.

  // Runs the whole requests of `bytes` and returns how many bytes were used. The rest must come
  // again, with more behind it. Uses nothing while waiting() or closing().
  size_t feed(std::string_view bytes);

  std::string& out();    // Bytes to send, in order. The owner takes them (and may swap the string).
  bool waiting() const;  // A verb holds up the requests behind it.
  bool closing() const;  // Send out(), then close. (QUIT, SHUTDOWN, a broken stream.)
  bool idle() const;     // No answer is owed and no request is half read.
};

}  // namespace command
