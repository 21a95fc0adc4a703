// HTTP requests over libcurl's multi interface, driven by one loop: its sockets are sources of the
// loop's epoll set, so a thousand requests in flight need no thread.
//
//   send() ─► a handle (used again) ─► connect (guard) ─► request ─► headers ─► body ─► done
//                 deadline: all of it ──────────────────────────────────────────────┘
//
// It only ever sees requests that run: whoever queues them is elsewhere (engine/gate.h).
//
// HTTP/1.1 alone: a request is then one connection in use, which is what caps and "idle" count.
// libcurl runs name look-ups on threads of its own, one each.
//
// Thread: its loop's.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/address_guard.h"
#include "http/url.h"
#include "io/ip.h"

namespace io {
class Loop;
}

namespace http {

// Why there is no answer, or no whole one.
enum class Failure : uint8_t {
  kNone,
  kUrl,    // Method or fields are refused; nothing was sent.
  kGuard,  // The address guard refused every address.
  kDns,
  kConnect,
  kTls,
  kTimeout,   // The deadline, whatever it was doing.
  kTooLarge,  // Headers or the (decompressed) body are over their bounds.
  kRedirect,  // Too many, to another scheme than http(s), or from https to http.
  kBroken,    // The connection ended, or what came is no HTTP.
  kCancelled,
};
std::string_view to_string(Failure failure);  // "timeout", "dns", …

struct ClientOptions {
  AddressGuard guard{};
  std::function<void(std::string_view host, std::string_view range)> on_report{};  // Report mode.
  size_t idle_connections_max = 1024;  // Kept open for the next request; bounded in all.
  std::string ca_file{};               // Empty: the system's.
  std::string user_agent{};            // Empty: "ratelimmq/VERSION".
  // "HOST:PORT:ADDRESS[,ADDRESS]…": names that are not looked up. The guard judges them as others.
  std::vector<std::string> resolve{};
  base::Duration dns_cache = std::chrono::minutes(1);  // How long a name's addresses are believed.
};

struct Field {
  std::string_view name, value;
};

// Views live until send() returns; `body` until `done` is called.
struct Outgoing {
  std::string_view method = "GET";
  const Url* url = nullptr;
  // Those that frame the message or say where it goes (Host, Content-Length, Transfer-Encoding,
  // Connection, Expect, …) are the client's own and left out. A control byte in one is kUrl.
  std::span<const Field> fields{};
  std::string_view body{};
  base::Duration timeout = std::chrono::seconds(30);  // From send() to the last byte of the body.
  size_t header_bytes_max = size_t{64} << 10;
  uint64_t body_bytes_max = uint64_t{64} << 20;  // Decompressed.
  // Asks for gzip and br and undoes them; any other coding, or two, is kBroken. (zstd: a few bytes
  // of it may ask for a window of 128 MiB.)
  bool decompress = true;
  // Followed by the client itself. To another origin none of `fields` goes along; from https to
  // http is a failure; 301, 302 and 303 become GET without a body (HEAD stays HEAD).
  unsigned redirects_max = 0;
  // Follows only what arrives whole where it was allowed to go: 307 and 308, and to the same host
  // (Url::authority()). Any other redirect is the answer.
  bool strict_redirects = false;
  size_t kept_bytes = 0;  // So much of the body's beginning is in Response::body.
  // Gets the body as it arrives; false: stop (kCancelled). May be empty: then it is only counted.
  // It may send() and cancel(), but not destroy the client.
  std::function<bool(std::string_view)> on_body{};
};

struct Response {
  Failure failure = Failure::kNone;
  std::string error;        // For people, of a failure; names no secret. Empty: none.
  int status = 0;           // 0: no status line came.
  uint64_t body_bytes = 0;  // Decompressed, as far as it came.
  std::string body;         // The first kept_bytes.
  // Fields of the final answer, as received.
  std::string retry_after, ratelimit, age, location;
  std::optional<io::Ip> local;  // This machine's end of the connection; nothing: there was none.
  struct Phases {  // From send() on; 0: not reached, or nothing to do (a connection used again).
    base::Duration dns{}, connect{}, tls{}, first_byte{}, total{};
  } phases;
};

class Client {
 public:
  using Done = std::function<void(Response&&)>;

  // `loop` outlives it, and runs nothing more of it once it is gone.
  Client(io::Loop& loop, ClientOptions options);
  ~Client();  // Requests in flight are dropped; their `done` is not called.
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  using Id = uint64_t;
  // `done` is called once, never from inside send(). It may send the next one, or destroy the
  // client.
  Id send(const Outgoing& outgoing, Done done);
  void cancel(Id id);  // `done` is called with kCancelled, not from inside; unknown ids: nothing.
  size_t in_flight() const;
  size_t connections() const;  // Open, idle ones too.

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace http
