// The Forwarded field (RFC 7239), read strictly: what is not understood to its last byte is ignored
// whole.
//
//   for="[2001:db8::1]:443";proto=https;host=example.com, for=10.0.0.5
//   └ an element: each parameter at most once ─────────┘
//
// It does not say who the client is (client_address.h does): a proxy that writes X-Forwarded-For
// alone passes on whatever a client writes here.
//
// Thread: any.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/ip.h"

namespace proxy {

// Of one proxy; absent ones are empty. Views into what was parsed.
struct ForwardedElement {
  std::string_view client;  // "for": an address (IPv6 in brackets), "unknown" or "_name"; no port.
  std::string_view by;      // As `client`.
  std::string_view host;
  std::string_view proto;
};

// Nothing: a parameter twice in one element, an unknown one, a node or host that cannot be, quotes
// that are missing (they are needed around '[' and ':'), an escape within quotes.
std::optional<std::vector<ForwardedElement>> parse_forwarded(std::string_view value);

// Appends our own element: for=, host= (unless empty) and proto=http.
void append_forwarded(std::string& out, const io::Ip& peer, std::string_view host);

}  // namespace proxy
