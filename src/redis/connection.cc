#include "redis/connection.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/loop.h"

namespace redis {
namespace {

constexpr size_t kWriteMax = size_t{64} << 10;  // Bytes that are handed to the wire at once.

base::Error error_of(base::Code code, std::string what) { return {code, std::move(what), {}}; }

}  // namespace

Connection::Connection(io::Loop& loop, Node node, const Setting& setting, uint64_t seed,
                       Owner& owner)
    : node_(std::move(node)),
      setting_(setting),
      owner_(owner),
      random_(seed),
      lookup_(loop.poll(), [this](io::Lookup::Found found) { on_found(std::move(found)); }),
      wire_(loop.poll(), *this),
      alarm_(loop.poll(), [this] { ring(); }),
      flush_soon_(loop.poll(), [this] { flush(); }),
      parser_(setting.options.reply_bytes_max) {
  next_at_ = io::monotonic();
  alarm_.within(base::Duration::zero());
}

Connection::~Connection() {
  alarm_.stop();
  if (up()) setting_.metrics.lost();
}

void Connection::send(CallPtr call) {
  if (state_ == State::kResting) {
    return owner_.on_ended(*this, std::move(call),
                           error_of(base::Code::kIo, "not connected: " + why_));
  }
  if (owed_.size() >= setting_.options.in_flight_max) {
    return owner_.on_ended(*this, std::move(call),
                           error_of(base::Code::kFull, "in_flight_max calls are in flight"));
  }
  longest_ = std::max(longest_, call->until - call->since);
  const base::Duration until = call->until;
  owed_.add(std::move(call));
  alarm_.within(until - io::monotonic());
  if (up()) flush_soon_.ask();
}

void Connection::attempt() {
  state_ = State::kLooking;
  next_at_ = io::monotonic() + setting_.options.connect_timeout;
  set_alarm(io::monotonic());
  if (setting_.tls && !*setting_.tls) return drop(setting_.tls->error().what);
  if (const std::optional<io::Ip> ip = io::Ip::parse(node_.host)) return connect({*ip});
  if (!lookup_.start(node_.host)) drop("no thread or descriptor is left for a look-up");
}

void Connection::on_found(io::Lookup::Found found) {
  if (state_ != State::kLooking) return;  // Too late for the attempt that asked.
  if (!found) return drop(found.error().what);
  connect(*found);
}

void Connection::connect(const std::vector<io::Ip>& addresses) {
  state_ = State::kConnecting;
  const io::Ip& ip = addresses[failures_ % addresses.size()];
  const TlsTerms* const tls = setting_.tls ? &**setting_.tls : nullptr;
  const base::Status opened = wire_.open({ip, node_.port}, tls, node_.host);
  if (!opened) drop(opened.error().what);
}

void Connection::on_open() {
  state_ = State::kGreeting;
  handshake_.emplace(setting_.handshake);
  wire_.write(handshake_->begin());
}

void Connection::on_gone(const std::string& why) { drop(why); }

void Connection::on_room() {
  if (up()) flush();
}

void Connection::on_bytes(std::string_view bytes) {
  heard_at_ = io::monotonic();
  if (!in_.empty()) bytes = in_.append(bytes);
  while (wire_.is_open()) {
    const ReplyParser::Found found = parser_.step(bytes);
    bytes.remove_prefix(parser_.consumed());
    if (found == ReplyParser::Found::kBroken) return drop("what came is no reply, or too long");
    if (found == ReplyParser::Found::kMore) break;
    if (!parser_.push()) take(parser_.reply());
  }
  if (!wire_.is_open()) return;
  if (in_.empty()) {
    in_ = bytes;
  } else {
    in_.erase(0, in_.size() - bytes.size());
  }
}

void Connection::take(Reply& reply) {
  if (!up()) return greet(reply);
  if (!owed_.awaits()) return drop("a reply came that nobody asked for");
  CallPtr call = owed_.answered();
  if (owed_.size() == 0) longest_ = {};
  if (call) owner_.on_reply(*this, std::move(call), std::move(reply));
}

void Connection::greet(const Reply& reply) {
  std::string out;
  const Handshake::Now now = handshake_->take(reply, out);
  if (now == Handshake::Now::kFailed) return drop(handshake_->why());
  if (now == Handshake::Now::kMore) {
    if (out.empty()) return;
    if (!wire_.room()) return drop("the handshake was not taken");
    return wire_.write(out);
  }
  rise();
}

void Connection::rise() {
  state_ = State::kUp;
  setting_.metrics.connected(std::exchange(was_up_, true));
  failures_ = 0;
  why_.clear();
  say({});
  next_at_ = base::Duration::max();
  flush_soon_.ask();
  owner_.on_state(*this);
}

// One line in the log when it is lost, each time the reason changes, and when it is back.
void Connection::say(const std::string& why) {
  if (std::exchange(said_, why) == why) return;
  const std::string node = io::join_host_port(node_.host, node_.port);
  if (why.empty()) return io::log(io::Level::kInfo, "redis is back", {{"node", node}});
  io::log(io::Level::kWarning, "redis cannot be reached", {{"node", node}, {"error", why}});
}

void Connection::drop(const std::string& why) {
  const base::Duration now = io::monotonic();
  if (up()) setting_.metrics.lost();
  why_ = why;
  say(why);
  wire_.close();
  parser_ = ReplyParser(setting_.options.reply_bytes_max);
  in_.clear();
  longest_ = {};
  state_ = State::kResting;
  const Options& options = setting_.options;
  const auto doubled = options.backoff_min * (int64_t{1} << std::min(failures_++, 20u));
  const base::Duration pause =
      std::min(doubled, std::max(options.backoff_min, options.backoff_max));
  const auto half = static_cast<uint64_t>(pause.count() / 2);
  next_at_ = now + base::Duration(half + random_.below(half + 1));
  end(owed_.abandon(), "the connection was lost: " + why, "not connected: " + why);
  set_alarm(now);
  owner_.on_state(*this);
}

void Connection::end(std::vector<Owed::Ended> ended, const std::string& given,
                     const std::string& kept) {
  for (Owed::Ended& each : ended) {
    base::Error error =
        each.given ? error_of(base::Code::kUnknown, given) : error_of(base::Code::kIo, kept);
    owner_.on_ended(*this, std::move(each.call), std::move(error));
  }
}

void Connection::flush() {
  const base::Duration now = io::monotonic();
  while (up() && wire_.room()) {
    out_.clear();
    if (!owed_.give(out_, kWriteMax, now)) return;
    wire_.write(out_);
  }
}

void Connection::ring() {
  const base::Duration now = io::monotonic();
  end(owed_.expire(now), "no reply came in time", "it could not be sent in time");
  if (now >= next_at_) {
    if (state_ == State::kResting || state_ == State::kNew) return attempt();
    return drop("no answer within connect_timeout");
  }
  if (now >= silent_at()) return drop("it is silent");
  set_alarm(now);
}

base::Duration Connection::silent_at() const {
  if (!up() || !owed_.awaits()) return base::Duration::max();
  return std::max(heard_at_, owed_.front_given_at()) + std::max(longest_, kSilenceMin);
}

void Connection::set_alarm(base::Duration now) {
  const base::Duration at = std::min({next_at_, owed_.next_deadline(), silent_at()});
  if (at != base::Duration::max()) alarm_.within(at - now);
}

}  // namespace redis
