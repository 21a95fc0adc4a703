#include "redis/sentinel_route.h"

#include <algorithm>
#include <utility>

#include "base/number.h"
#include "io/clock.h"
#include "io/loop.h"

namespace redis {
namespace {

std::optional<Node> master_of(const base::Result<Reply>& reply) {
  if (!reply || reply->list.size() != 2) return std::nullopt;
  const std::optional<int64_t> port = base::parse_integer(reply->list[1].text);
  if (!port || *port <= 0 || *port > 65535 || reply->list[0].text.empty()) return std::nullopt;
  return Node{reply->list[0].text, static_cast<uint16_t>(*port)};
}

}  // namespace

SentinelRoute::SentinelRoute(Desk& desk)
    : desk_(desk), alarm_(desk.loop().poll(), [this] { ring(); }) {
  alarm_.within(base::Duration::zero());
}

SentinelRoute::~SentinelRoute() { alarm_.stop(); }

void SentinelRoute::send(CallPtr call) {
  if (master_) return master_->send(std::move(call));
  const bool full = held_.size() >= desk_.options().in_flight_max;
  if (hopeless() || full) {
    const base::Code code = full ? base::Code::kFull : base::Code::kIo;
    return desk_.end(std::move(call), base::Error{code, "no sentinel names a master", {}});
  }
  alarm_.within(call->until - io::monotonic());
  held_.add(std::move(call));
}

bool SentinelRoute::on_error(Connection& from, CallPtr&, const Reply& reply) {
  if (&from == master_.get() && reply.is_error("READONLY")) ask_soon();
  return false;
}

void SentinelRoute::on_state(Connection& of) {
  if (&of == master_.get() && of.resting()) ask_soon();
}

void SentinelRoute::ask_soon() {
  next_ask_ = std::min(next_ask_, asked_at_ + kAskPause);
  set_alarm(io::monotonic());
}

void SentinelRoute::ring() {
  const base::Duration now = io::monotonic();
  end_held(held_.expire(now));
  if (!asking_ && now >= next_ask_) ask();
  set_alarm(now);
}

void SentinelRoute::set_alarm(base::Duration now) {
  base::Duration at = held_.next_deadline();
  if (!asking_) at = std::min(at, next_ask_);
  if (at != base::Duration::max()) alarm_.within(at - now);
}

void SentinelRoute::end_held(std::vector<Owed::Ended> ended) {
  for (Owed::Ended& each : ended) {
    desk_.end(std::move(each.call), base::Error{base::Code::kIo, "no sentinel names a master", {}});
  }
}

void SentinelRoute::ask() {
  asked_at_ = io::monotonic();
  const Options& options = desk_.options();
  if (!sentinel_ || sentinel_->resting()) {
    desk_.retire(std::move(sentinel_));
    const Node& node = options.nodes.at(turn_++ % options.nodes.size());
    sentinel_ = desk_.connect(node, Desk::Kind::kSentinel);
  }
  asking_ = true;
  sentinel_->send(
      desk_.ours(command_of({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", options.master_name}),
                 [this](base::Result<Reply>&& reply) { learn(reply); }));
}

void SentinelRoute::learn(const base::Result<Reply>& reply) {
  asking_ = false;
  base::Duration pause = kAskPause;
  if (adopt(reply)) {
    failed_ = 0;
    if (connected()) pause = kAskPauseMax;
  } else {
    desk_.retire(std::move(sentinel_));
    if (++failed_; hopeless()) {
      end_held(held_.abandon());
      pause = std::min<base::Duration>(kAskPause * static_cast<int64_t>(failed_), kAskPauseMax);
    }
  }
  const auto jitter = static_cast<uint64_t>(pause.count() / 4);
  next_ask_ = asked_at_ + pause + base::Duration(desk_.random().below(jitter));
  set_alarm(io::monotonic());
}

bool SentinelRoute::adopt(const base::Result<Reply>& reply) {
  const std::optional<Node> node = master_of(reply);
  if (!node) return false;
  if (master_ && master_->node() == *node) return true;
  desk_.retire(std::exchange(master_, desk_.connect(*node, Desk::Kind::kMaster)));
  for (Owed::Ended& each : held_.abandon()) send(std::move(each.call));
  return true;
}

}  // namespace redis
