// One HTTP connection without its socket: bytes in, bytes out.
//
//   bytes → Reader → request ──→ Application ─ now or later → answer() → out()
//                  └ refusal ──→ Application (what the problem looks like) → out(), then close
//
// Requests of one connection are answered in order: while an answer is owed nothing more is read.
//
// Thread: one owner.
#pragma once
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "http/message.h"
#include "http/reader.h"

namespace http {

// What answers requests.
class Application {
 public:
  virtual ~Application() = default;
  // Calls Connection::answer() once, before it returns or later. Views live until it returns.
  virtual void on_request(const Request& request) = 0;
  virtual Answer refused(const Refusal& refusal) = 0;
};

struct ConnectionOptions {
  ReaderOptions reader;
  base::Duration request_timeout = std::chrono::seconds(30);  // From its first byte to its last.
  base::Duration idle_timeout = std::chrono::minutes(5);      // Between two requests.
  size_t out_bytes_max = 1024 * 1024;  // More than this unsent, and the next request waits.
};

class Connection {
 public:
  // All outlive the connection. `ids` makes request ids for those who bring none.
  Connection(const ConnectionOptions& options, Application& application, base::Random& ids,
             base::Time now);

  // Answers the whole requests of `bytes` and returns how many bytes were used. The rest must come
  // again, with more behind it. Uses nothing while waiting() or closing().
  size_t feed(std::string_view bytes, base::Time now);
  void answer(Answer&& answer, base::Time now);  // REQUIRES: waiting().

  std::string& out() { return out_; }        // Bytes to send; the owner takes them.
  bool waiting() const { return owed_; }     // For an answer.
  bool closing() const { return closing_; }  // Send out(), then close.
  bool more() const { return more_; }        // Send some of out(), then feed the rest again.
  bool idle() const { return !owed_ && !more_ && !reader_.begun(); }

  base::Time deadline() const;     // When patience ends, if nothing arrives before.
  void expire(base::Time now);     // It has ended: says so (408), or just closes between requests.
  void last_answer();              // The next answer is the last one: the server stops.
  void rest() { reader_.rest(); }  // Gives memory back.

 private:
  void ask(base::Time now);
  void refuse(const Refusal& refusal, base::Time now);

  const ConnectionOptions& options_;
  Application& application_;
  base::Random& ids_;
  Reader reader_;
  std::string out_;
  std::string request_id_;
  base::Time since_;  // The first byte of the present request, else the end of the last one.
  bool owed_ = false;
  bool closing_ = false;
  bool more_ = false;
  bool last_ = false;
};

}  // namespace http
