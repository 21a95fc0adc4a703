// Connections to the servers that routes lead to: kept open for the next request, used by one
// exchange at a time, never shared in the middle of one.
//
// A request whose connection was kept open and ended before a byte of the answer came is sent once
// more on a new one if none of its body was streamed and its method is idempotent; else it is 502.
// No other retries.
//
// Thread: its loop's.
#pragma once
#include <cstddef>
#include <memory>
#include <string>

#include "proxy/options.h"
#include "proxy/traffic.h"

namespace io {
class Loop;
}

namespace proxy {

class Upstreams {
 public:
  // `options` and `traffic` outlive it. One a thread; `traffic` is what all of them count into.
  Upstreams(io::Loop& loop, const Options& options, Traffic& traffic);
  ~Upstreams();
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;

  void expect(const std::string& url);  // Looks up its name, before the first request needs it.

  size_t open() const;  // Connections, idle ones too.
  size_t idle() const;

  struct Body;  // What conversations use (proxy/pool.h).
  Body& body() { return *body_; }

 private:
  std::unique_ptr<Body> body_;
};

}  // namespace proxy
