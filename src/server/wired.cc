#include "server/wired.h"

#include <algorithm>
#include <random>

#include "http/writer.h"
#include "server/tcp_talk.h"

namespace server {
namespace {

constexpr base::Duration kTick = std::chrono::milliseconds(100);
constexpr base::Duration kHostsTick = std::chrono::seconds(1);
constexpr base::Duration kWebTick = std::chrono::milliseconds(200);
constexpr base::Duration kOnTheirWay = std::chrono::milliseconds(100);  // Asks of gateways.
constexpr size_t kHeaderBytesMax = 16 * 1024;
constexpr size_t kIdleConnectionsMax = 1024;  // To others' servers, of all pushers.

// A quarter of the shortest patience, so that none is overdrawn by more than that.
base::Duration sweep_period(const ServerOptions& options) {
  const base::Duration quarter = std::min(options.request_timeout, options.idle_timeout) / 4;
  return std::clamp<base::Duration>(quarter, std::chrono::milliseconds(10),
                                    std::chrono::seconds(1));
}

uint64_t fresh_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

dispatch::HostsOptions seeded(dispatch::HostsOptions options) {
  options.seed = fresh_seed();
  return options;
}

command::Caller caller_of(const Arrival& arrival) {
  return {.address = arrival.peer.client(),
          .admin = arrival.peer.loopback(),
          .connection_id = arrival.id};
}

// Nothing was read, so the protocol is unknown: RESP, as Redis does; people can read it too.
std::string tcp_farewell(TurnedAway why) {
  return why == TurnedAway::kFull ? "-ERR max number of clients reached\r\n"
                                  : "-NOPERM your address is not in trusted_networks\r\n";
}

std::string api_farewell(TurnedAway why, base::Time now) {
  command::HttpAnswer problem =
      why == TurnedAway::kFull
          ? command::problem(503, {}, "max number of clients reached")
          : command::problem(403, {}, "your address is not in trusted_networks");
  const http::Answer answer{.status = problem.status,
                            .content_type = problem.content_type,
                            .body = std::move(problem.body),
                            .headers = {}};
  std::string out;
  http::write(answer, {.request_id = "none", .now = now, .close = true}, out);
  return out;
}

}  // namespace

Server::Wired::Wired(ServerOptions options, Wiring wiring, io::Networks trusted,
                     Listeners listeners, http::AddressGuard guard)
    : options_(std::move(options)),
      wiring_(std::move(wiring)),
      trusted_(std::move(trusted)),
      reloads_(wiring_.reload, wiring_.clock),
      hosts_(wiring_.limiter, seeded(wiring_.dispatch.hosts)),
      process_({.limiter = wiring_.limiter,
                .counters = counters_,
                .traffic = traffic_,
                .reloads = reloads_,
                .shards = shards_,
                .hosts = hosts_,
                .clock = wiring_.clock,
                .journal = wiring_.storage ? &wiring_.storage->journal() : nullptr,
                .shared = wiring_.shared.get(),
                .web = web_},
               {.config_file = wiring_.config_file,
                .started = wiring_.clock.now(),
                .threads = threads_of(options_),
                .tcp_port = listeners.tcp ? listeners.tcp->endpoint.port : 0},
               [this] { stop(); }),
      bounds_{.stuck_max = options_.request_timeout},
      gate_{trusted_, options_.connections_max, traffic_},
      shared_(std::move(wiring_.shared)),
      signals_(
          keeper_, [this] { begin_stop(); }, [this] { reload("SIGHUP"); }) {
  std::vector<io::Loop*> loops;
  for (unsigned i = 0; i < threads_of(options_); ++i) {
    workers_.push_back(
        std::make_unique<Worker>(wiring_.clock, bounds_, sweep_period(options_), fresh_seed()));
    loops.push_back(&workers_.back()->loop());
  }
  if (wiring_.storage) {
    shards_ = std::make_unique<Shards>(std::move(wiring_.storage->engines()), loops, wiring_.clock,
                                       wiring_.limiter);
    add_pushers(loops, std::move(guard));
  }
  share_limits(loops);
  add_deciders(loops);
  if (listeners.tcp) add_tcp(std::move(*listeners.tcp));
  if (listeners.api) {
    add_api(std::move(*listeners.api), command::Listener::kApi, traffic_.api);
  }
  if (listeners.gateway) add_gateway(std::move(*listeners.gateway));
  if (listeners.limiter) {
    add_registrar(listeners.limiter->endpoint.port);
    add_api(std::move(*listeners.limiter), command::Listener::kLimiter, traffic_.limiter);
  }
  // From here on: who reads the ready line and then changes a file expects a reload.
  if (!wiring_.watched_files.empty()) watch_.emplace(wiring_.watched_files);
}

void Server::Wired::share_limits(const std::vector<io::Loop*>& loops) {
  if (!shared_) return;
  shared_->begin(
      loops, shards_ ? shards_->teller() : [](uint32_t, base::Hash128) {});
}

void Server::Wired::add_deciders(const std::vector<io::Loop*>& loops) {
  if (!shared_ && !wiring_.storage) return;
  for (size_t i = 0; i < loops.size(); ++i) {
    if (shared_) {
      deciders_.push_back(std::make_unique<DividedDecider>(*loops[i], wiring_.limiter,
                                                           wiring_.clock, shared_->store(i)));
    } else {
      deciders_.push_back(
          std::make_unique<LocalDecider>(*loops[i], wiring_.limiter, wiring_.clock));
    }
  }
}

void Server::Wired::add_gateway(Listening listening) {
  std::vector<io::Loop*> loops;
  for (const auto& worker : workers_) loops.push_back(&worker->loop());
  std::vector<limiter::Decider*> deciders;
  for (const auto& each : deciders_) deciders.push_back(each.get());
  web_ = std::make_unique<Web>(std::move(wiring_.web), wiring_.clock, loops, deciders);
  const auto farewell = [this](TurnedAway why) { return api_farewell(why, wiring_.clock.now()); };
  acceptors_.push_back(std::make_unique<Acceptor>(
      keeper_, std::move(listening), gate_, traffic_.gateway, workers_,
      Acceptor::Manner{.farewell = farewell, .make_talk = web_->make_talk(), .for_all = true}));
}

void Server::Wired::add_registrar(uint16_t port) {
  gateway::RegistrarOptions options = wiring_.registrar;
  if (options.register_with.empty()) return;
  options.advertise_port = port;
  registrar_.emplace(keeper_, std::move(options));
}

void Server::Wired::add_pushers(const std::vector<io::Loop*>& loops, http::AddressGuard guard) {
  common_.emplace(Pusher::Common{
      wiring_.clock,
      *shards_,
      hosts_,
      {.guard = std::move(guard),
       .idle_connections_max = std::max<size_t>(kIdleConnectionsMax / loops.size(), 1),
       .ca_file = wiring_.dispatch.ca_file}});
  for (io::Loop* const loop : loops) {
    pushers_.push_back(std::make_unique<Pusher>(*loop, *common_, ~uint64_t{0} - pushers_.size()));
  }
  shards_->on_push([this](uint32_t shard, std::string_view queue, const queue::Push& push) {
    pushers_[shards_->seat_of(shard)]->told(shard, queue, push);
  });
}

command::Services Server::Wired::services(size_t worker) {
  return {.limiter = wiring_.limiter,
          .clock = wiring_.clock,
          .process = process_,
          .counters = counters_,
          .shards = shards_.get(),
          .hosts = shards_ ? &hosts_ : nullptr,
          .decider = shared_ ? deciders_[worker].get() : nullptr};
}

void Server::Wired::add_tcp(Listening listening) {
  const protocol::Bounds bounds{.line_bytes_max = options_.line_bytes_max,
                                .body_bytes_max = options_.body_bytes_max};
  std::vector<command::Services> by_worker;
  for (size_t i = 0; i < workers_.size(); ++i) by_worker.push_back(services(i));
  MakeTalk make = [by_worker = std::move(by_worker), bounds, patience = options_.request_timeout](
                      const Arrival& arrival, base::Random&, std::function<void()> wake) {
    return std::make_unique<TcpTalk>(by_worker[arrival.worker], caller_of(arrival), bounds,
                                     patience, std::move(wake));
  };
  acceptors_.push_back(std::make_unique<Acceptor>(
      keeper_, std::move(listening), gate_, traffic_.tcp, workers_,
      Acceptor::Manner{.farewell = tcp_farewell, .make_talk = std::move(make)}));
}

void Server::Wired::add_api(Listening listening, command::Listener listener,
                            ListenerTraffic& traffic) {
  const Address& bound = listener == command::Listener::kApi ? options_.api : options_.limiter;
  apis_.push_back(
      std::make_unique<Api>(Api{.listener = listener,
                                .services = {},
                                .options = {.reader = {.header_bytes_max = kHeaderBytesMax,
                                                       .body_bytes_max = options_.body_bytes_max},
                                            .request_timeout = options_.request_timeout,
                                            .idle_timeout = options_.idle_timeout},
                                .guard = {.bound_host = bound.host,
                                          .bound_ip = listening.endpoint.ip,
                                          .port = listening.endpoint.port,
                                          .hosts = options_.hosts},
                                .traffic = traffic_.http}));
  Api& api = *apis_.back();
  for (size_t i = 0; i < workers_.size(); ++i) api.services.push_back(services(i));
  MakeTalk make = [&api](const Arrival& arrival, base::Random& ids, std::function<void()> wake) {
    return std::make_unique<ApiTalk>(api, arrival.worker, caller_of(arrival), ids, std::move(wake));
  };
  const auto farewell = [this](TurnedAway why) { return api_farewell(why, wiring_.clock.now()); };
  acceptors_.push_back(std::make_unique<Acceptor>(
      keeper_, std::move(listening), gate_, traffic, workers_,
      Acceptor::Manner{.farewell = farewell, .make_talk = std::move(make)}));
}

void Server::Wired::keep_house() {
  if (stopping_) return;
  keeper_.every(kTick, [this] { wiring_.limiter.tick(wiring_.clock.now()); });
  keeper_.every(kHostsTick, [this] { hosts_.tick(wiring_.clock.now()); });
  if (web_) keeper_.every(kWebTick, [this] { web_->tick(wiring_.clock.now()); });
  if (registrar_) registrar_->start();
  if (watch_) watch_files();
  for (const auto& acceptor : acceptors_) {
    acceptor->start();
    io::log(io::Level::kInfo, "listening",
            {{"listener", acceptor->name()}, {"address", acceptor->endpoint().text()}});
  }
}

void Server::Wired::watch_files() {
  if (watch_->fd() < 0) {
    io::log(io::Level::kWarning, "files are not watched: no inotify; SIGHUP reloads");
    return;
  }
  keeper_.when_readable(watch_->fd(), [this] {
    watch_->take_hints();
    if (std::exchange(settling_, true)) return;
    keeper_.after(io::FileWatch::kSettle, [this] {
      settling_ = false;
      if (watch_->changed()) reload("file changed");
    });
  });
}

void Server::Wired::reload(std::string_view cause) {
  const Reload done = reloads_.run(cause);
  if (done.queues && shards_) shards_->declare(*done.queues);
  if (watch_ && !done.watched_files.empty()) watch_->follow(done.watched_files);
}

void Server::Wired::run() {
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < workers_.size(); ++i) {
    threads.emplace_back([this, i] {
      if (shards_) shards_->sit(i);
      workers_[i]->run();
    });
  }
  if (wiring_.storage) wiring_.storage->journal().start(wiring_.clock);
  keeper_.post([this] { keep_house(); });
  process_.set_serving();
  keeper_.run();
  for (std::thread& thread : threads) thread.join();
  if (wiring_.storage) wiring_.storage->close_journal();
}

void Server::Wired::stop() {
  keeper_.post([this] { begin_stop(); });
}

// An instance leaves the registry first, and goes on answering what was sent before that was known:
// nobody asks who is gone.
void Server::Wired::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  process_.set_stopping();
  io::log(io::Level::kInfo, "stopping", {{"connections", std::to_string(traffic_.open())}});
  if (!registrar_) return empty_all();
  registrar_->stop([this] { keeper_.after(kOnTheirWay, [this] { empty_all(); }); });
}

void Server::Wired::empty_all() {
  for (const auto& acceptor : acceptors_) acceptor->stop();
  to_be_emptied_ = workers_.size() + pushers_.size();
  const auto empty = [this] { keeper_.post([this] { one_is_empty(); }); };
  for (const auto& pusher : pushers_) pusher->stop(empty);
  for (const auto& worker : workers_) worker->stop(empty);
  if (shards_) shards_->stop();
  keeper_.after(options_.stop_timeout, [this] {
    if (to_be_emptied_ == 0) return;
    io::log(io::Level::kWarning, "stop_timeout is over, closing what is left",
            {{"connections", std::to_string(traffic_.open())}});
    for (const auto& worker : workers_) worker->cut_off();
    for (const auto& pusher : pushers_) pusher->cut_off();
  });
}

void Server::Wired::one_is_empty() {
  if (--to_be_emptied_ > 0) return;
  if (!shards_) return end();
  shards_->drain([this] { keeper_.post([this] { give_back(); }); });
}

// What was taken from a store and nobody uses: what takes longer than a call may is lost.
void Server::Wired::give_back() {
  if (!shared_) return end();
  for (size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->loop().post([this, i] { shared_->end(i); });
  }
  keeper_.after(shared_->deadline(), [this] { end(); });
}

void Server::Wired::end() {
  for (const auto& worker : workers_) worker->leave();
  keeper_.stop();
}

std::string Server::Wired::ready_line() const {
  std::string line = "ready";
  for (const auto& acceptor : acceptors_) {
    line.append(1, ' ').append(acceptor->name()).append(1, '=').append(acceptor->endpoint().text());
  }
  return line;
}

uint16_t Server::Wired::port_of(std::string_view listener) const {
  const auto found = std::ranges::find(acceptors_, listener, &Acceptor::name);
  return found == acceptors_.end() ? uint16_t{0} : (*found)->endpoint().port;
}

}  // namespace server
