// The connections to one upstream, and all upstreams of one thread.
//
// Thread: its loop's.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/address_guard.h"
#include "http/url.h"
#include "io/alarm.h"
#include "io/lookup.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/socket.h"
#include "proxy/link.h"
#include "proxy/upstreams.h"

namespace proxy {

class Pool final : private LinkHome {
 public:
  // All outlive it.
  struct Terms {
    io::Poll& poll;
    Traffic& traffic;
    io::Alarm& alarm;                           // To be followed by tick().
    size_t idle_max;                            // Connections kept for the next request.
    const http::AddressGuard* guard = nullptr;  // Null: any address may be connected to.
  };
  Pool(const Terms& terms, std::string_view url);
  ~Pool() override;

  // A link that serves `order`: one that was kept open, unless `fresh`, else a new one. Its
  // request() is still to be written.
  Link& open(const Link::Order& order, Receiver& receiver, bool fresh);
  void tick(base::Duration now);
  base::Duration next_tick() const;  // From the last one.

  const std::string& authority() const { return authority_; }
  size_t links() const { return links_.size(); }
  size_t idle_links() const { return idle_.size(); }

 private:
  io::Poll& poll() override;
  Traffic& traffic() override;
  base::Duration now() const override;
  void idle(Link& link) override;
  void closed(Link& link) override;
  void wake() override;

  void look_up(base::Duration now);
  void found(io::Lookup::Found addresses);
  void connect(Link& link);

  const Terms terms_;
  std::string name_;  // Empty: the host is an address.
  std::string authority_;
  uint16_t port_ = 0;
  std::vector<io::Endpoint> endpoints_;
  size_t next_endpoint_ = 0;
  io::Lookup lookup_;
  bool looking_up_ = false;
  base::Duration look_up_at_{};
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Link*> idle_;  // The last one used is the next one used.
};

struct Upstreams::Body {
  Body(io::Loop& loop_in, const Options& options_in, Traffic& traffic_in);
  ~Body();

  Pool& pool(const std::string& url);
  void tick();

  io::Loop& loop;
  const Options& options;
  Traffic& traffic;
  io::Networks trusted;  // Proxies.
  io::Alarm alarm;
  std::map<std::string, std::unique_ptr<Pool>, std::less<>> pools;  // By URL.
};

}  // namespace proxy
