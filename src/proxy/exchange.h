// One request that is being served, as whoever serves it sees it: its head, and the ways to answer.
//
//   Conversation ── on_request(exchange) ──► Application
//        ▲                                     │ now or later, once: answer() or pass()
//        └────────── bytes to the client ◄─────┘
//
// Thread: its connection's.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"
#include "io/ip.h"
#include "proxy/way.h"

namespace proxy {

struct Field {
  std::string_view name, value;  // As received, value trimmed.
};

// Views live as long as the exchange.
struct Head {
  std::string_view method, target;  // The target begins with '/'.
  std::string_view path;            // Of the target: up to '?'.
  std::string_view host;            // Of Host or the absolute target; lower-case, without ":80".
  std::string_view request_id;      // X-Request-Id, received or made.
  std::vector<Field> fields;        // All, in order, hop-by-hop ones included.
  io::Ip peer;
  bool loopback() const { return peer.loopback(); }

  // The first one's value; empty: none. Names are compared without case.
  std::string_view field(std::string_view name) const;
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Head& head() const = 0;

  // The whole body, at most `bytes_max` (over it the client is answered 413 and `read` is not
  // called). Once; before answer(). `read` may be called before this returns; never if the client
  // goes away.
  virtual void read_body(size_t bytes_max, std::function<void(std::string_view body)> read) = 0;
  virtual void answer(http::Answer&& answer) = 0;
  // To an upstream, bodies streamed; `added` go into the response (RateLimit, …).
  // `client` is its address as text, for X-Real-IP; empty: not said. The way outlives it.
  virtual void pass(const Way& way, std::string_view client,
                    std::vector<std::pair<std::string_view, std::string>> added) = 0;
  virtual bool gone() const = 0;  // Answered, or the client has left: answers go nowhere.
};

class Application {
 public:
  virtual ~Application() = default;
  // Shared: an answer that comes later keeps it.
  virtual void on_request(const std::shared_ptr<Exchange>& exchange) = 0;
  // How a problem looks that the connection or the way upstream has found: 400, 408, 413, 417, 431,
  // 501, 502, 504, 505.
  virtual http::Answer problem(int status, std::string_view detail) = 0;
};

}  // namespace proxy
