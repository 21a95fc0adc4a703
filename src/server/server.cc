#include "server/server.h"

#include "http/address_guard.h"
#include "server/storage.h"
#include "server/wired.h"

namespace server {
namespace {

// The gateway is public by nature.
const std::vector<std::string> kAll = {"0.0.0.0/0", "::/0"};

base::Result<std::optional<Listening>> open_if_on(const std::string& name, const Address& address,
                                                  const io::Networks& trusted) {
  if (address.off()) return std::optional<Listening>();
  base::Result<Listening> opened = open_listener(name, address, trusted);
  if (!opened) return opened.error();
  return std::optional<Listening>(std::move(*opened));
}

// What we listen at ourselves is refused, whatever network it is in.
base::Result<http::AddressGuard> make_guard(
    const DispatchOptions& options, std::initializer_list<const std::optional<Listening>*> own) {
  std::vector<io::Endpoint> endpoints;
  for (const std::optional<Listening>* each : own) {
    if (*each) endpoints.push_back((*each)->endpoint);
  }
  base::Result<http::AddressGuard> guard =
      http::AddressGuard::make(options.guard, options.allow, std::move(endpoints));
  if (!guard) return base::invalid("dispatch.allow: " + guard.error().what, "dispatch.allow");
  return guard;
}

}  // namespace

base::Result<std::unique_ptr<Server>> Server::open(ServerOptions options, Wiring wiring) {
  io::raise_descriptor_limit();
  base::Result<io::Networks> trusted = io::Networks::parse(options.trusted_networks);
  if (!trusted) return trusted.error();
  auto tcp = open_if_on("tcp", options.tcp, *trusted);
  if (!tcp) return tcp.error();
  auto api = open_if_on("api", options.api, *trusted);
  if (!api) return api.error();
  auto gateway = open_if_on("gateway", options.gateway, *io::Networks::parse(kAll));
  if (!gateway) return gateway.error();
  auto limiter = open_if_on("limiter", options.limiter, *trusted);
  if (!limiter) return limiter.error();
  base::Result<http::AddressGuard> guard =
      make_guard(wiring.dispatch, {&*tcp, &*api, &*gateway, &*limiter});
  if (!guard) return guard.error();
  return std::unique_ptr<Server>(new Server(std::make_unique<Wired>(
      std::move(options), std::move(wiring), std::move(*trusted),
      Wired::Listeners{std::move(*tcp), std::move(*api), std::move(*gateway), std::move(*limiter)},
      std::move(*guard))));
}

Server::Server(std::unique_ptr<Wired> wired) : wired_(std::move(wired)) {}
Server::~Server() = default;

std::string Server::ready_line() const { return wired_->ready_line(); }
void Server::run() { wired_->run(); }
void Server::stop() { wired_->stop(); }
uint16_t Server::tcp_port() const { return wired_->port_of("tcp"); }
uint16_t Server::api_port() const { return wired_->port_of("api"); }
uint16_t Server::gateway_port() const { return wired_->port_of("gateway"); }
uint16_t Server::limiter_port() const { return wired_->port_of("limiter"); }

}  // namespace server
