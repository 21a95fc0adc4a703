// One client of the proxy without its socket: bytes in, bytes out. Bodies stream both ways; what
// two readers could understand differently is refused (proxy/heads.h has the list), and never
// reaches an upstream.
//
// Requests of one connection are served in order. Memory: a header, and a bounded piece of body in
// each direction, whatever the bodies' sizes.
//
// Thread: one owner, that of `upstreams`.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "io/ip.h"
#include "proxy/exchange.h"
#include "proxy/options.h"

namespace proxy {

class Upstreams;  // proxy/upstreams.h: the connections to the routes' servers, one a thread.

class Conversation {
 public:
  struct Common {  // Outlives it.
    const Options& options;
    Application& application;
    Upstreams& upstreams;
    const base::Clock& clock;
    base::Random& ids;
  };
  // `on_ready` is called, never from inside feed(), when out() or the state has changed.
  Conversation(Common common, io::Ip peer, std::function<void()> on_ready);
  ~Conversation();

  // Uses bytes and returns how many. The rest must come again, with more behind it.
  size_t feed(std::string_view bytes);
  std::string& out();  // Bytes to send; the owner takes them.

  bool waiting() const;  // Nothing is read further until an answer, or room upstream, is there.
  bool closing() const;  // Send out(), then close.
  bool more() const;     // Send some of out(), then feed the rest again: more will come.
  base::Time deadline() const;  // When patience ends, if nothing arrives before.
  void expire();
  // The client sends nothing more. What it has asked for whole is still answered; a request whose
  // body will never be whole is dropped: deadline() has passed then.
  void hang_up();
  void last_answer();  // The next answer is the last one: the server stops.
  void rest();         // Between two requests: gives memory back.

 private:
  struct Body;
  std::shared_ptr<Body> body_;
};

}  // namespace proxy
