#include "server/listen.h"

namespace server {

base::Result<Listening> open_listener(const std::string& name, const Address& address,
                                      const io::Networks& trusted) {
  const std::string where = name + " " + io::join_host_port(address.host, address.port);
  const auto failed = [&](const base::Error& error) {
    return base::Error{error.code, where + ": " + error.what, "listen." + name};
  };
  const base::Result<io::Ip> ip = io::resolve(address.host);
  if (!ip) return failed(ip.error());
  if (!ip->loopback() && trusted.empty()) {
    return failed({base::Code::kNoPerm,
                   "other machines can reach this address, and there are no users yet: say in "
                   "listen.trusted_networks (RATELIMMQ_LISTEN_TRUSTED_NETWORKS) who may, as "
                   "10.0.0.0/8, or bind 127.0.0.1",
                   {}});
  }
  base::Result<io::Fd> fd = io::listen_on({*ip, address.port});
  if (!fd) return failed(fd.error());
  const io::Endpoint endpoint = io::local_endpoint(*fd);
  return Listening{std::move(*fd), endpoint};
}

bool may_enter(const io::Ip& peer, const io::Networks& trusted) {
  return peer.loopback() || trusted.contains(peer);
}

}  // namespace server
