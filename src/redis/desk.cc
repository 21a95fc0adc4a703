#include "redis/desk.h"

#include <algorithm>
#include <random>

#include "io/clock.h"
#include "io/loop.h"

namespace redis {
namespace {

constexpr base::Duration kDeadlineMax = std::chrono::hours(24);

Outcome outcome_of(const base::Result<Reply>& with) {
  if (with) return with->kind == Reply::Kind::kError ? Outcome::kError : Outcome::kReply;
  if (with.error().code == base::Code::kUnknown) return Outcome::kUnknown;
  return with.error().code == base::Code::kFull ? Outcome::kFull : Outcome::kIo;
}

Setting setting_of(const Options& options, Metrics& metrics, Handshake::Terms terms) {
  terms.name = options.client_name;
  Setting out{.handshake = std::move(terms), .options = options, .metrics = metrics};
  if (options.tls.on) out.tls.emplace(TlsTerms::make(options.tls));
  return out;
}

Handshake::Terms node_terms(const Options& options, bool master) {
  return {.user = options.user,
          .password = options.password,
          .name = {},
          .database = options.layout == Layout::kCluster ? 0 : options.database,
          .master = master};
}

Handshake::Terms sentinel_terms(const Options& options) {
  return {.user = options.sentinel_user, .password = options.sentinel_password, .name = {}};
}

uint64_t random_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

// "EVALSHA sha …" as "EVAL text …".
std::string with_text(const std::string& bytes, const std::string& text) {
  const size_t words = bytes.find("\r\n") + 2;
  constexpr size_t kVerb = 4 + 7 + 2, kSha = 5 + 40 + 2;  // "$7", "EVALSHA"; "$40", the digest.
  std::string out = bytes.substr(0, words);
  append_word(out, "EVAL");
  append_word(out, text);
  return out.append(bytes, words + kVerb + kSha);
}

}  // namespace

Desk::Desk(io::Loop& loop, Options options, std::shared_ptr<Metrics> metrics)
    : loop_(loop),
      options_(std::move(options)),
      metrics_(std::move(metrics)),
      node_(setting_of(options_, *metrics_, node_terms(options_, false))),
      master_(setting_of(options_, *metrics_, node_terms(options_, true))),
      sentinel_(setting_of(options_, *metrics_, sentinel_terms(options_))),
      random_(random_seed()),
      tell_soon_(loop.poll(), [this] { tell(); }) {}

Desk::~Desk() {
  *alive_ = false;
  metrics_->dropped(in_flight_);
}

CallPtr Desk::call(std::string bytes, base::Duration deadline, Done done) {
  auto out = std::make_unique<Call>();
  out->bytes = std::move(bytes);
  out->done = std::move(done);
  out->since = io::monotonic();
  out->until = out->since + std::min(deadline, kDeadlineMax);
  ++in_flight_;
  metrics_->began();
  return out;
}

CallPtr Desk::ours(std::string bytes, Done done) {
  auto out = std::make_unique<Call>();
  out->bytes = std::move(bytes);
  out->done = std::move(done);
  out->since = io::monotonic();
  out->until = out->since + options_.connect_timeout;
  out->ours = true;
  return out;
}

void Desk::end(CallPtr call, base::Result<Reply> with) {
  if (!call->ours) count(*call, with);
  ended_.push_back({std::move(call), std::move(with)});
  tell_soon_.ask();
}

void Desk::count(const Call& call, const base::Result<Reply>& with) {
  --in_flight_;
  metrics_->ended(outcome_of(with), io::monotonic() - call.since);
}

std::unique_ptr<Connection> Desk::connect(const Node& node, Kind kind) {
  const Setting& setting = kind == Kind::kNode     ? node_
                           : kind == Kind::kMaster ? master_
                                                   : sentinel_;
  return std::make_unique<Connection>(loop_, node, setting, random_.next(), *this);
}

void Desk::retire(std::unique_ptr<Connection> connection) {
  if (!connection) return;
  retired_.push_back(std::move(connection));
  tell_soon_.ask();
}

void Desk::on_reply(Connection& from, CallPtr call, Reply&& reply) {
  loaded(from, *call);
  if (reply.kind == Reply::Kind::kError) {
    const bool again = call->script && call->hops < kHopsMax && reply.is_error("NOSCRIPT");
    if (again) return give_script(from, std::move(call));
    if (route_->on_error(from, call, reply)) return;
  }
  end(std::move(call), std::move(reply));
}

// Replies come in order: whatever is sent behind the text finds the script there.
void Desk::give_script(Connection& to, CallPtr call) {
  ++call->hops;
  const Loading loading{&to, call->script.get()};
  if (std::ranges::find(loading_, loading) == loading_.end()) {
    call->bytes = with_text(call->bytes, *call->script);
    call->script.reset();
    call->loading = loading.script;
    loading_.push_back(loading);
  }
  to.send(std::move(call));
}

void Desk::loaded(Connection& by, Call& call) {
  if (call.loading != nullptr) std::erase(loading_, Loading{&by, call.loading});
  call.loading = nullptr;
}

void Desk::on_ended(Connection& from, CallPtr call, base::Error&& error) {
  loaded(from, *call);
  end(std::move(call), std::move(error));
}

void Desk::on_state(Connection& of) {
  const auto is = [&](const std::unique_ptr<Connection>& each) { return each.get() == &of; };
  if (std::ranges::none_of(retired_, is)) route_->on_state(of);
  tell_soon_.ask();
}

void Desk::tell() {
  std::erase_if(retired_,
                [](const std::unique_ptr<Connection>& each) { return each->owed() == 0; });
  const std::shared_ptr<bool> alive = alive_;
  std::vector<Ended> ended = std::exchange(ended_, {});
  const bool connected = route_->connected();
  if (std::exchange(was_connected_, connected) != connected && told_) {
    told_(connected);
    if (!*alive) return;
  }
  for (Ended& each : ended) {
    if (each.call->done) each.call->done(std::move(each.with));
    if (!*alive) return;
  }
}

}  // namespace redis
