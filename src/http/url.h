// A URL to be fetched, read once and strictly: what is judged is what is connected to.
//
// http and https only. Numeric hosts in any spelling ("127.1", "0x7f000001", "2130706433") become
// the IPv4 address they mean; a host whose last label is a number but is no IPv4 address is
// refused, and so are user names, `\`, spaces, control bytes, percent-encoded delimiters in the
// authority, zone ids, and brackets around anything but IPv6.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/ip.h"

namespace http {

struct Url {
  std::string text;  // As it is sent to the client: normalised, without fragment.
  std::string host;  // Lower-case, without brackets; a number in its one spelling.
  uint16_t port = 0;
  bool tls = false;
  std::optional<io::Ip> ip;  // The host is an address.

  // What limits know it by: "example.com", "example.com:8080", "[::1]:8080"; without the port that
  // the scheme has by itself. The same as {host} in templates of queues.
  std::string authority() const;
  // "https://example.com" with the port always; two URLs of one origin trust each other.
  std::string origin() const;
};

// kInvalid ("url") says what is wrong, without repeating the URL (it may hold secrets).
base::Result<Url> parse_url(std::string_view text);
// What a redirect's Location means, seen from `base`.
base::Result<Url> resolve_url(const Url& base, std::string_view location);

}  // namespace http
