// Who may register an instance, and what such a request says.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "gateway/options.h"
#include "io/network.h"
#include "proxy/exchange.h"

namespace gateway {

// Open on loopback and from `trusted`, by the TCP peer and unless a proxy has passed the request
// on; elsewhere `Authorization: Bearer` with the secret. kNoAuth; kNoPerm: a web page asks.
base::Status may_register(const proxy::Head& head, const io::Networks& trusted,
                          std::string_view secret);

struct Registration {
  std::string host;  // As http::Url has it: lower-case, without brackets.
  uint16_t port = 0;
  std::optional<base::Duration> ttl;
};
// {"host","port"[,"ttl_s"]}. kInvalid names the field; none: it is no JSON object. An address must
// be loopback or in `callable`; a name is judged when it is called.
base::Result<Registration> read_registration(std::string_view body, const io::Networks& callable);

}  // namespace gateway
