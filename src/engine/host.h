// The host of a URL as limits know it: the same text that http::Url::authority() gives, so that
// what a message is held back by is where it is sent.
//
//   https://user@Example.com:443/x  →  example.com
//   http://0x7f.1:8080              →  127.0.0.1:8080
//   http://[0:0::1]/                →  [::1]
#pragma once
#include <string>
#include <string_view>

namespace engine {

// Lower-case, a number in its one spelling, without user and the port that the scheme has by
// itself. Empty: it cannot be told (no scheme, a byte that no name has: also '%' and what is not
// ASCII; a last label that is a number though the host is no address; a port that is none).
std::string host_of(std::string_view url);

}  // namespace engine
