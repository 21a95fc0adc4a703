#include "redis/cluster_route.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "io/clock.h"
#include "io/loop.h"

namespace redis {
namespace {

constexpr base::Duration kTryAgain = std::chrono::milliseconds(2);

base::Error unreachable(std::string what) { return {base::Code::kIo, std::move(what), {}}; }

}  // namespace

ClusterRoute::ClusterRoute(Desk& desk)
    : desk_(desk), alarm_(desk.loop().poll(), [this] { ring(); }) {
  for (const Node& seed : desk.options().nodes) to(seed);
}

ClusterRoute::~ClusterRoute() { alarm_.stop(); }

Connection& ClusterRoute::to(const Node& node) {
  std::unique_ptr<Connection>& at = nodes_[{node.host, node.port}];
  if (!at) at = desk_.connect(node, Desk::Kind::kNode);
  return *at;
}

bool ClusterRoute::hopeless() const {
  return std::ranges::all_of(nodes_, [](const auto& each) { return each.second->resting(); });
}

bool ClusterRoute::connected() const {
  const auto up = [](const auto& each) { return each.second->up(); };
  return map_ && std::ranges::any_of(nodes_, up);
}

void ClusterRoute::send(CallPtr call) {
  if (!map_ && hopeless()) {
    return desk_.end(std::move(call), unreachable("no node of the cluster can be reached"));
  }
  if (!map_) return hold(std::move(call));
  const Node* const node = call->slot ? map_->owner(*call->slot) : any_master();
  if (node != nullptr) return to(*node).send(std::move(call));
  want(kAskPause);
  desk_.end(std::move(call), unreachable("no node has the slot"));
}

const Node* ClusterRoute::any_master() {
  const std::vector<Node>& masters = map_->masters();
  const size_t first = desk_.random().below(masters.size());
  for (size_t i = 0; i < masters.size(); ++i) {
    const Node& node = masters[(first + i) % masters.size()];
    if (to(node).up()) return &node;
  }
  return &masters[first];
}

Connection* ClusterRoute::any_up() {
  std::vector<Connection*> up;
  for (const auto& [address, each] : nodes_) {
    if (each->up()) up.push_back(each.get());
  }
  return up.empty() ? nullptr : up[desk_.random().below(up.size())];
}

void ClusterRoute::hold(CallPtr call) {
  if (held_.size() >= desk_.options().in_flight_max) {
    base::Error full{base::Code::kFull, "in_flight_max calls wait for a map of the cluster", {}};
    return desk_.end(std::move(call), std::move(full));
  }
  alarm_.within(call->until - io::monotonic());
  held_.add(std::move(call));
}

void ClusterRoute::release() {
  retry_at_ = base::Duration::max();
  for (Owed::Ended& each : held_.abandon()) send(std::move(each.call));
}

void ClusterRoute::end_held() {
  for (Owed::Ended& each : held_.abandon()) {
    desk_.end(std::move(each.call), unreachable("no node of the cluster can be reached"));
  }
}

bool ClusterRoute::on_error(Connection& from, CallPtr& call, const Reply& reply) {
  if (reply.is_error("CLUSTERDOWN")) want(kAskPause);
  if (call->ours || call->hops >= kHopsMax) return false;
  if (reply.is_error("MOVED ") || reply.is_error("ASK ")) return redirect(from, call, reply.text);
  return reply.is_error("TRYAGAIN") && try_again(call);
}

bool ClusterRoute::redirect(const Connection& from, CallPtr& call, const std::string& error) {
  const std::optional<Redirect> redirect = parse_redirect(error, from.node());
  if (!redirect) return false;
  ++call->hops;
  call->asking = redirect->ask;
  if (!redirect->ask) {
    if (map_) map_->move(redirect->slot, redirect->to);
    want(kAskPause);
  }
  to(redirect->to).send(std::move(call));
  return true;
}

bool ClusterRoute::try_again(CallPtr& call) {
  const base::Duration now = io::monotonic();
  if (now + kTryAgain >= call->until) return false;
  ++call->hops;
  call->asking = false;
  hold(std::move(call));
  retry_at_ = std::min(retry_at_, now + kTryAgain);
  set_alarm(now);
  return true;
}

void ClusterRoute::on_state(Connection& of) {
  if (of.up()) {
    if (wanted_) want(kAskPause);
    return;
  }
  if (!map_ && hopeless()) end_held();
  want(pause_);
}

void ClusterRoute::want(base::Duration within) {
  wanted_ = true;
  next_ask_ = std::min(next_ask_, asked_at_ + within);
  set_alarm(io::monotonic());
}

void ClusterRoute::ring() {
  const base::Duration now = io::monotonic();
  for (Owed::Ended& each : held_.expire(now)) {
    desk_.end(std::move(each.call), unreachable("no node could be asked in time"));
  }
  if (now >= retry_at_) release();
  if (wanted_ && !asking_ && now >= next_ask_) ask();
  set_alarm(now);
}

void ClusterRoute::set_alarm(base::Duration now) {
  base::Duration at = std::min(held_.next_deadline(), retry_at_);
  if (wanted_ && !asking_) at = std::min(at, next_ask_);
  if (at != base::Duration::max()) alarm_.within(at - now);
}

void ClusterRoute::ask() {
  asked_at_ = io::monotonic();
  next_ask_ = asked_at_ + pause_;
  Connection* const node = any_up();
  if (node == nullptr) {  // All may have moved elsewhere: names may still lead to them.
    for (const Node& seed : desk_.options().nodes) to(seed);
    return;
  }
  asking_ = true;
  node->send(desk_.ours(
      command_of({"CLUSTER", "SLOTS"}),
      [this, from = node->node()](base::Result<Reply>&& reply) { learn(std::move(reply), from); }));
}

void ClusterRoute::learn(base::Result<Reply>&& reply, const Node& from) {
  asking_ = false;
  std::optional<SlotMap> map;
  if (reply) map = SlotMap::of(*reply, from);
  wanted_ = !map || !adopt(*std::move(map));
  pause_ = wanted_ ? std::min(2 * pause_, kAskPauseMax) : kAskPause;
  const auto jitter = static_cast<uint64_t>(pause_.count() / 4);
  next_ask_ = asked_at_ + pause_ + base::Duration(desk_.random().below(jitter));
  if (map_) release();
  set_alarm(io::monotonic());
}

// False: a master cannot be reached, so this is not the last map.
bool ClusterRoute::adopt(SlotMap map) {
  Nodes left = std::exchange(nodes_, {});
  bool whole = true;
  for (const Node& master : map.masters()) {
    const auto found = left.find({master.host, master.port});
    if (found != left.end()) nodes_.insert(left.extract(found));
    whole &= !to(master).resting();
  }
  for (auto& [address, each] : left) desk_.retire(std::move(each));
  map_ = std::move(map);
  return whole;
}

}  // namespace redis
