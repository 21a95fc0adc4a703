// Who sent a request when proxies stand in between.
//
//   X-Forwarded-For: 198.51.100.7, 10.0.0.5          peer 10.0.0.9
//                    ▲             └ trusted, on ◄── trusted, on ◄ start
//                    └ the first that is not trusted: the client
//
// The field is believed as far as trusted proxies wrote it: all its lines, joined in their order,
// are walked from the right. Whatever stands left of the first address that is not trusted, or of
// something that is no address, the client may have made up; it is not looked at.
//
// Thread: any.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "io/ip.h"
#include "io/network.h"
#include "proxy/exchange.h"

namespace proxy {

// The client's address. An untrusted peer is the client, whatever it says. If all are trusted: the
// leftmost; before something that is no address: the last good one.
io::Ip client_of(const Head& head, const io::Networks& trusted);

// What a limit on clients is keyed by: an IPv4 address, or the prefix of an IPv6 one
// ("2001:db8::/64"), since its owner may use any address in it. Loopback is itself. REQUIRES:
// ipv6_prefix in 1 … 128.
std::string client_key(const io::Ip& client, unsigned ipv6_prefix);

// One node of X-Forwarded-For: "1.2.3.4", "1.2.3.4:80", "2001:db8::1", "[2001:db8::1]:443". A zone
// ("fe80::1%eth0") is dropped. Nothing: it is no address.
std::optional<io::Ip> parse_forwarded_node(std::string_view text);

}  // namespace proxy
