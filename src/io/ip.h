// An IP address, of either family.
#pragma once
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace io {

// An IPv4 address is kept as ::ffff:a.b.c.d, so that the same peer looks the same whichever socket
// it came in by.
class Ip {
 public:
  Ip() = default;                                         // ::
  static std::optional<Ip> parse(std::string_view text);  // No brackets, no zone.
  static Ip of(const sockaddr_storage& address);          // REQUIRES: AF_INET or AF_INET6.
  static Ip masked(const Ip& ip, unsigned bits);          // Of 128. The rest is 0.

  bool v4() const;
  bool loopback() const;     // 127.0.0.0/8, ::1
  bool any() const;          // 0.0.0.0, ::
  std::string text() const;  // "127.0.0.1", "2001:db8::1"
  // Whom a limit on clients means: an IPv4 address, or the /64 of an IPv6 one ("2001:db8::/64"),
  // since its owner may use any address in it. Loopback is itself.
  std::string client() const;

  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  friend bool operator==(const Ip&, const Ip&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

struct HostPort {
  std::string host;              // Without brackets.
  std::optional<uint16_t> port;  // Nothing: the text names none.
  bool literal = false;          // The host is an IP address (IPv6 only in brackets).
};

// "localhost:80", "127.0.0.1", "[::1]:8080". Nothing if it is neither name nor address: an empty
// host, a port that is no number up to 65535, IPv6 without brackets.
std::optional<HostPort> parse_host_port(std::string_view text);

std::string join_host_port(std::string_view host, uint16_t port);  // Brackets around IPv6.

}  // namespace io
