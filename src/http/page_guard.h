// Keeps web pages away from a listener that trusts the network it is reached from.
//
// A page that a user happens to open runs on the user's machine, and may send requests to
// 127.0.0.1 or, after rebinding its own name to a private address, read the answers too. Such a
// request gives itself away: it carries the page's name as Host, or an Origin or Sec-Fetch-Site
// that says "another site". Requests of programs carry neither Origin nor Sec-Fetch-Site.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "io/ip.h"

namespace http {

// A Host is ours if it is
//   - localhost or a loopback address, with the listener's port;
//   - the host that the listener was told to bind, with its port;
//   - a name of `hosts`, with any port (a proxy or a port mapping may stand between);
//   - and, on a listener that is bound to more than loopback, with any port: an IP address, a name
//     of one label, or a name below local, internal or home.arpa. Rebinding needs a name in the
//     public DNS, and none of these can be one; containers and scrapers call each other by them.
// HTTP/1.0 may leave Host out; a browser never does.
struct PageGuard {
  std::string bound_host;  // As configured: a name or an address.
  io::Ip bound_ip;
  uint16_t port = 0;               // The real one.
  std::vector<std::string> hosts;  // Further names that reach this listener.
};

// Why the request is refused (403); nothing if it may go on. An Origin is ours if it is http(s)://
// and the request's own Host; Sec-Fetch-Site if it is same-origin or none.
std::optional<std::string_view> foreign(const PageGuard& guard, const Request& request);

}  // namespace http
