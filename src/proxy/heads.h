// The heads of requests and of upstreams' answers: read once, when all of it is there, into views.
//
// Strict, since what two readers understand differently is how a request is smuggled. Refused,
// never repaired: lines that do not end in CR LF, folded lines, a space before the colon, control
// bytes, Content-Length beside Transfer-Encoding, either of them or Host twice, a list of lengths,
// any coding but chunked, HTTP/1.1 without Host, a Host that is none, a target that is neither a
// path nor http://host/path, an absolute target whose host is not Host's, methods that change what
// a message is (CONNECT, TRACE).
//
// Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "proxy/exchange.h"
#include "proxy/field_kind.h"

namespace proxy {

// How long a body is.
struct Framing {
  enum class Kind : uint8_t { kNone, kLength, kChunked, kToEnd };
  Kind kind = Kind::kNone;
  uint64_t length = 0;  // Of kLength.
};

// The fields of one head, and what they say of the connection. Used again from head to head.
struct Fields {
  std::vector<Field> all;
  std::vector<FieldKind> kinds;         // Of `all`.
  std::vector<std::string_view> named;  // By Connection, as fields of this connection alone.
  std::optional<uint64_t> length;
  bool chunked = false;
  bool close = false, keep_alive = false;
  bool date = false;

  void clear();
  bool is_named(size_t at) const;  // By Connection.
  bool passes(size_t at) const;    // Goes on as it is: a plain field, not named.
};

struct RequestHead {
  std::string_view method;
  std::string_view target;     // Begins with '/'; an absolute one without its scheme and host.
  std::string_view authority;  // Host, as received; empty: none (HTTP/1.0).
  std::string_view request_id;
  Fields fields;
  Framing framing;
  bool old = false;      // HTTP/1.0
  bool expects = false;  // 100-continue
  bool keep_alive() const { return old ? fields.keep_alive && !fields.close : !fields.close; }

  std::string made_target;  // What `target` views if it was "http://host?query".
};
// `text` ends with the empty line. Views into it.
std::optional<http::Refusal> parse_request(std::string_view text, RequestHead& head);

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  Fields fields;
  Framing framing;
  bool old = false;
  bool keep_alive() const { return old ? fields.keep_alive && !fields.close : !fields.close; }
};
// Of an answer to HEAD, if `to_head`. False: it is no good.
bool parse_response(std::string_view text, bool to_head, ResponseHead& head);

// Where the head at the beginning of `bytes` ends, behind its empty line; npos: not yet. `seen`
// bytes have been searched before.
size_t find_head_end(std::string_view bytes, size_t seen);

// Half a head that can become none: a line that does not end in CR LF, a first byte that no method
// has.
bool hopeless(std::string_view bytes);

// "Example.COM:80" to "example.com".
void append_host(std::string& out, std::string_view authority);

}  // namespace proxy
