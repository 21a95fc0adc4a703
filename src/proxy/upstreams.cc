#include "proxy/upstreams.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "io/clock.h"
#include "proxy/pool.h"

namespace proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Duration kTick = milliseconds(100);  // As exact as timeouts are.
constexpr base::Duration kKnownFor = seconds(60);    // A name's addresses.
constexpr base::Duration kUnknownFor = seconds(1);   // A name without any.

}  // namespace

Pool::Pool(const Terms& terms, std::string_view url)
    : terms_(terms),
      lookup_(terms.poll, [this](io::Lookup::Found told) { found(std::move(told)); }) {
  const base::Result<http::Url> parsed = http::parse_url(url);
  if (!parsed || parsed->tls) return;
  authority_ = parsed->authority();
  port_ = parsed->port;
  if (parsed->ip) {
    endpoints_.push_back({*parsed->ip, port_});
  } else {
    name_ = parsed->host;
    look_up(now());
  }
}

Pool::~Pool() = default;

io::Poll& Pool::poll() { return terms_.poll; }
Traffic& Pool::traffic() { return terms_.traffic; }
base::Duration Pool::now() const { return io::monotonic(); }
void Pool::wake() { terms_.alarm.within(base::Duration::zero()); }

Link& Pool::open(const Link::Order& order, Receiver& receiver, bool fresh) {
  if (!fresh && !idle_.empty()) {
    Link& link = *idle_.back();
    idle_.pop_back();
    link.begin(order, receiver);
    return link;
  }
  links_.push_back(std::make_unique<Link>(static_cast<LinkHome&>(*this)));
  Link& link = *links_.back();
  link.place = links_.size() - 1;
  traffic().opened();
  link.begin(order, receiver);
  if (!looking_up_ || !endpoints_.empty()) connect(link);
  terms_.alarm.within(kTick);
  return link;
}

void Pool::connect(Link& link) {
  std::vector<io::Endpoint> in_turn = endpoints_;
  if (terms_.guard != nullptr) {
    std::erase_if(in_turn, [this](const io::Endpoint& to) {
      return !terms_.guard->judge(name_, to.ip, to.port).allowed;
    });
  }
  if (!in_turn.empty()) {
    const auto first = static_cast<std::ptrdiff_t>(next_endpoint_++ % in_turn.size());
    std::rotate(in_turn.begin(), in_turn.begin() + first, in_turn.end());
  }
  link.connect(in_turn);
}

void Pool::idle(Link& link) {
  if (idle_.size() >= terms_.idle_max) return link.close();
  idle_.push_back(&link);
}

void Pool::closed(Link& link) {
  traffic().closed();
  std::erase(idle_, &link);
  const size_t place = link.place;
  CHECK(links_[place].get() == &link);
  std::shared_ptr<Link> leaving = std::move(links_[place]);
  links_[place] = std::move(links_.back());
  links_.pop_back();
  if (place < links_.size()) links_[place]->place = place;
  poll().defer([leaving = std::move(leaving)] {});  // It may be the one that is being told.
}

void Pool::look_up(base::Duration now) {
  if (name_.empty() || looking_up_ || now < look_up_at_) return;
  looking_up_ = lookup_.start(name_);
  look_up_at_ = now + kUnknownFor;  // Unless some are found.
}

// Old addresses are kept until there are new ones. IPv4 alone, if there is any.
void Pool::found(io::Lookup::Found addresses) {
  looking_up_ = false;
  if (addresses) {
    const bool four = std::ranges::any_of(*addresses, &io::Ip::v4);
    endpoints_.clear();
    for (const io::Ip& ip : *addresses) {
      if (ip.v4() || !four) endpoints_.push_back({ip, port_});
    }
    look_up_at_ = now() + kKnownFor;
  }
  for (size_t i = links_.size(); i-- > 0;) {
    if (links_[i]->unconnected()) connect(*links_[i]);
  }
}

void Pool::tick(base::Duration now) {
  look_up(now);
  // Telling one may close others.
  for (size_t i = links_.size(); i-- > 0;) {
    if (i < links_.size()) links_[i]->tick(now);
  }
}

base::Duration Pool::next_tick() const {
  if (!links_.empty()) return kTick;
  return name_.empty() ? base::Duration::max() : kUnknownFor;
}

Upstreams::Body::Body(io::Loop& loop_in, const Options& options_in, Traffic& traffic_in)
    : loop(loop_in),
      options(options_in),
      traffic(traffic_in),
      alarm(loop_in.poll(), [this] { tick(); }) {
  const base::Result<io::Networks> proxies = io::Networks::parse(options.trusted_proxies);
  if (proxies) trusted = *proxies;
}

Upstreams::Body::~Body() { alarm.stop(); }

Pool& Upstreams::Body::pool(const std::string& url) {
  const auto known = pools.find(url);
  if (known != pools.end()) return *known->second;
  const Pool::Terms terms{loop.poll(), traffic, alarm, options.upstream_idle_max};
  return *pools.emplace(url, std::make_unique<Pool>(terms, url)).first->second;
}

void Upstreams::Body::tick() {
  const base::Duration now = io::monotonic();
  base::Duration next = base::Duration::max();
  for (const auto& [url, each] : pools) {
    each->tick(now);
    next = std::min(next, each->next_tick());
  }
  if (next != base::Duration::max()) alarm.within(next);
}

Upstreams::Upstreams(io::Loop& loop, const Options& options, Traffic& traffic)
    : body_(std::make_unique<Body>(loop, options, traffic)) {}
Upstreams::~Upstreams() = default;

void Upstreams::expect(const std::string& url) {
  body_->pool(url);
  body_->tick();
}

size_t Upstreams::open() const {
  size_t sum = 0;
  for (const auto& [url, pool] : body_->pools) sum += pool->links();
  return sum;
}

size_t Upstreams::idle() const {
  size_t sum = 0;
  for (const auto& [url, pool] : body_->pools) sum += pool->idle_links();
  return sum;
}

}  // namespace proxy
