// One connection of the TCP port without its socket: bytes in, bytes out.
//
// feed() parses all that has arrived and runs it: runs of decision verbs (CHECK, CL.THROTTLE) go to
// the limiter, or to a Decider, as one batch, runs of queue verbs to the shards as one errand,
// every other verb runs by itself, in order. An answer may be given later (Call::defer); answers
// still leave in the order of their requests. A verb that says so holds up the requests behind it
// until its answer is there (commands behind a waiting one run after it).
//
//   bytes → Parser → requests ─┬─ decisions → Batch → Limiter ─┬→ Replies (ordered) → out()
//                              ├─ queue verbs → Errand → Shards ┤
//                              └─ other verbs → Call ──────────┘
//
// Thread: one owner; later answers are given on the owner's thread too.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "command/client.h"
#include "command/replies.h"
#include "command/services.h"
#include "command/verb.h"
#include "protocol/protocol.h"

namespace command {

struct Desk;  // command/desk.h

class Conversation {
 public:
  static constexpr size_t kOutBytesMax = size_t{1} << 20;  // See more().

  // `on_ready` is called (never from inside feed()) when a later answer has put bytes into out() or
  // has let the requests behind it go on; the owner then sends, and feeds again what is unread. It
  // may destroy the conversation. The table is that of services.counters.
  Conversation(Services services, Caller caller, protocol::Bounds bounds,
               std::function<void()> on_ready);
  ~Conversation();  // Answers still owed are dropped; giving them later does nothing.
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Runs the whole requests of `bytes` and returns how many bytes were used. The rest must come
  // again, with more behind it. Uses nothing while waiting() or closing().
  size_t feed(std::string_view bytes);

  std::string& out() {
    return replies_.out();
  }                      // Bytes to send, in order. The owner takes them
                         // (and may swap the string).
  bool waiting() const;  // A verb holds up the requests behind it, or too many answers are owed.
  bool closing() const;  // Send out(), then close. (QUIT, SHUTDOWN, a broken stream.)
  bool idle() const;     // No answer is owed and no request is half read.
  bool half_read() const { return half_read_; }  // Of the last feed's bytes, a part of a request.

  // feed() stopped between two requests because out() holds kOutBytesMax or more: send some of it,
  // then feed the rest again (nobody calls on_ready for this).
  bool more() const { return more_; }

 private:
  size_t run_all(std::string_view bytes, Desk& desk);
  bool stopped() const;
  void run(std::span<const std::string_view> words, Desk& desk);
  void run_now(const Verb& verb, std::span<const std::string_view> words, Desk& desk);
  void ask(const Verb& verb, std::span<const std::string_view> words, Desk& desk);
  void request(const Verb& verb, std::span<const std::string_view> words, Desk& desk);
  void flush(Desk& desk);
  // Answers an error, behind the answers of all requests before it.
  void refuse(Desk& desk, base::Code code, std::string_view text);
  bool pay(Desk& desk, std::string& refusal);

  Services services_;
  Caller caller_;
  Client client_;
  Replies replies_;
  protocol::Parser parser_;
  Seat seat_;
  bool limited_ = false;  // There is a `server` domain; looked up once a feed.
  bool closing_ = false;
  bool half_read_ = false;
  bool more_ = false;
};

}  // namespace command
