// Descriptors, and listening and accepted sockets.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"
#include "io/ip.h"

namespace io {

// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  void close();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Endpoint {
  Ip ip;
  uint16_t port = 0;
  std::string text() const { return join_host_port(ip.text(), port); }
};

// What a host may be bound to: an address as it is; a name's first IPv4 address, else its first
// IPv6 one. Errors name the host.
base::Result<Ip> resolve(const std::string& host);

// A socket that listens, non-blocking; :: takes IPv4 too. Errors are the system's words alone
// ("address already in use").
base::Result<Fd> listen_on(const Endpoint& endpoint);
Endpoint local_endpoint(const Fd& fd);  // With the real port.

// A connection from `listener`, non-blocking, without Nagle's delay. An empty Fd: none waits, or it
// failed and errno says how.
struct Accepted {
  Fd fd;
  Ip peer;
};
Accepted accept_from(const Fd& listener);

// A connection on its way, non-blocking, without Nagle's delay, with keep-alive probes (a peer that
// is gone is found out within half a minute). Writable once it has been made or has failed:
// connect_error() says which. Errors are the system's words alone.
base::Result<Fd> connect_to(const Endpoint& endpoint);
std::string connect_error(const Fd& fd);  // Empty: it has been made.

// Raises the bound of open descriptors to what the system allows. Returns it.
uint64_t raise_descriptor_limit();

}  // namespace io
