// TLS between what is said and what goes over a socket: no socket of its own, it is handed bytes
// and asked for bytes.
#pragma once
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "redis/options.h"

namespace redis {

template <typename T, void (*free)(T*)>
struct Freed {
  void operator()(T* it) const { free(it); }
};

// What the connections of a client share: whom they trust, and who they are. TLS 1.2 and later.
class TlsTerms {
 public:
  // kIo, naming the file.
  static base::Result<TlsTerms> make(const Tls& options);

 private:
  friend class TlsSession;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX, ::SSL_CTX_free>> context_;
  Tls options_;
};

// Thread: one owner.
class TlsSession {
 public:
  // `host` is what the certificate must be for, unless the terms name another.
  TlsSession(const TlsTerms& terms, const std::string& host);

  enum class State : uint8_t { kMeeting, kOpen, kEnded };  // kEnded: see why().
  State state() const { return state_; }
  const std::string& why() const { return why_; }

  void meet();                         // Goes on as far as the bytes that came reach.
  void came(std::string_view sealed);  // From the socket.
  bool read(std::string& plain);       // Appends what has come. False: it has ended.
  bool write(std::string_view plain);  // REQUIRES: kOpen. False: it has ended.
  void take_sealed(std::string& out);  // Appends what is to go to the socket.

 private:
  void end(int result);
  std::unique_ptr<SSL, Freed<SSL, ::SSL_free>> ssl_;
  BIO* in_;   // The session's.
  BIO* out_;  // The session's.
  State state_ = State::kMeeting;
  std::string why_;
};

}  // namespace redis
