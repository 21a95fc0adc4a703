// All that runs, wired together: who lives how long, and who is told what.
//
//   keeper (the thread of run())              workers (threads)
//     acceptors ── arrivals, in turn ───────→   sessions ── Talk ── verbs ── limiter
//                                                │           └ where there is one: the store
//                                                ├ seat ── shards ── engines ─► logs' threads
//                                                ├ pusher ── courier ── other people's servers
//                                                └ web: site and upstreams of the gateway
//     signals, file watch → reloads
//     the limiter's tick
//     stop: acceptors close → pushers send nothing new, workers stop their sessions, shards answer
//       what waits → all empty, or stop_timeout → shards write what is left → the end
//
// A reload may take long and an accept may fail, so neither happens on a thread that answers.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "command/command.h"
#include "io/io.h"
#include "server/acceptor.h"
#include "server/api_talk.h"
#include "server/divided_decider.h"
#include "server/local_decider.h"
#include "server/process.h"
#include "server/pusher.h"
#include "server/reloads.h"
#include "server/server.h"
#include "server/shards.h"
#include "server/storage.h"
#include "server/traffic.h"
#include "server/web.h"
#include "server/worker.h"

namespace server {

class Server::Wired {
 public:
  struct Listeners {  // Nothing: it is off.
    std::optional<Listening> tcp, api, gateway, limiter;
  };
  Wired(ServerOptions options, Wiring wiring, io::Networks trusted, Listeners listeners,
        http::AddressGuard guard);

  void run();
  void stop();
  std::string ready_line() const;
  uint16_t port_of(std::string_view listener) const;  // 0: it is off.

 private:
  void add_tcp(Listening listening);
  void add_api(Listening listening, command::Listener listener, ListenerTraffic& traffic);
  void add_gateway(Listening listening);
  void share_limits(const std::vector<io::Loop*>& loops);
  void add_deciders(const std::vector<io::Loop*>& loops);
  void add_registrar(uint16_t port);
  void keep_house();
  void watch_files();
  void reload(std::string_view cause);
  void begin_stop();
  void empty_all();
  void add_pushers(const std::vector<io::Loop*>& loops, http::AddressGuard guard);
  void one_is_empty();
  void give_back();
  void end();
  command::Services services(size_t worker);

  const ServerOptions options_;
  Wiring wiring_;
  const io::Networks trusted_;
  Traffic traffic_;
  command::Counters counters_;
  Reloads reloads_;
  dispatch::Hosts hosts_;
  std::unique_ptr<Shards> shards_;  // Of the workers' threads, so it is made after them.
  Process process_;
  const SessionBounds bounds_;
  io::Loop keeper_;
  Gate gate_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // Of the workers' loops, so they go first. Where limits are decided, by worker; none: registered
  // instances are asked.
  const std::unique_ptr<SharedLimits> shared_;  // Null: limits are this process' own.
  std::vector<std::unique_ptr<limiter::Decider>> deciders_;
  std::unique_ptr<Web> web_;
  std::vector<std::unique_ptr<Api>> apis_;
  std::optional<Pusher::Common> common_;
  std::vector<std::unique_ptr<Pusher>> pushers_;  // By worker.
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::optional<gateway::Registrar> registrar_;
  io::Signals signals_;
  std::optional<io::FileWatch> watch_;
  bool settling_ = false;  // A file may have changed; look soon.
  bool stopping_ = false;
  size_t to_be_emptied_ = 0;  // Workers and pushers, once it stops.
};

}  // namespace server
