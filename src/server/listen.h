// Opening a listener, and who may come in by it.
#pragma once
#include <string>

#include "base/result.h"
#include "io/network.h"
#include "io/socket.h"
#include "server/options.h"

namespace server {

struct Listening {
  io::Fd fd;
  io::Endpoint endpoint;  // With the real port.
};

// `name` is "tcp" or "api". Refuses an address that others can reach while `trusted` is empty.
// Errors name the listener and the address: "tcp 127.0.0.1:7411: address already in use".
base::Result<Listening> open_listener(const std::string& name, const Address& address,
                                      const io::Networks& trusted);

// Loopback may, and the trusted networks.
bool may_enter(const io::Ip& peer, const io::Networks& trusted);

}  // namespace server
