// The connections to one upstream, and all upstreams of one thread.
//
// Thread: its loop's.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/link.h"
#include "gateway/options.h"
#include "gateway/upstreams.h"
#include "http/url.h"
#include "io/alarm.h"
#include "io/lookup.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/socket.h"

namespace gateway {

class Pool final : private LinkHome {
 public:
  Pool(Upstreams::Body& all, std::string_view url);
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

  Upstreams::Body& all_;
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
  void arm(base::Duration within) { alarm.within(within); }

  io::Loop& loop;
  const Options& options;
  Traffic& traffic;
  io::Networks trusted;  // Proxies.
  io::Alarm alarm;
  std::map<std::string, std::unique_ptr<Pool>, std::less<>> pools;  // By URL.
};

}  // namespace gateway
