// The door of the room: listeners, sessions and threads; start and stop.
//
// One loop a thread (io/loop.h); a connection stays on the thread it was given to. One acceptor a
// listener hands connections out in turn. Nothing above knows of sockets: a session of the TCP port
// is a command::Conversation with a socket, an HTTP one is http::Connection with
// command::serve_http behind it.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "gateway/registrar.h"
#include "limiter/limiter.h"
#include "server/dispatch_options.h"
#include "server/options.h"
#include "server/queue_rules.h"
#include "server/shared_limits.h"
#include "server/web.h"

namespace server {

class Storage;  // server/storage.h

// What a reload did. Errors are for people, one line each ("file:line:column: what").
struct Reload {
  std::vector<std::string> errors;              // Empty: the new limits are in force.
  size_t limits = 0;                            // How many are in force now.
  std::optional<QueueRules> queues = {};        // After a success: what is in force from now on.
  std::vector<std::string> watched_files = {};  // After a success: instead of those watched so far.
};

struct Wiring {
  limiter::Limiter& limiter;
  const base::Clock& clock;
  std::string config_file;                 // Empty: none. For /version, INFO and the log.
  std::vector<std::string> watched_files;  // A change of one of them reloads, as SIGHUP does.
  std::function<Reload()> reload;
  // Taken and open. Null: no queues, and no limit is durable (roles limiter and gateway).
  std::unique_ptr<Storage> storage;
  DispatchOptions dispatch = {};  // Its caps are limits already.
  // Limits are decided there; `limiter` only says which there are, and decides those of this
  // process' own domains (divided_decider.h).
  std::unique_ptr<SharedLimits> shared = {};
  // Behind listen.gateway. With a storage or a store it asks this process' limits.
  Web::Terms web = {};
  gateway::RegistrarOptions registrar = {};  // Of listen.limiter; the port is filled in.
};

class Server {
 public:
  // Binds every listener, starts nothing yet. Errors name the listener and the address
  // ("tcp 127.0.0.1:7411: address already in use"), or what is wrong with dispatch.allow.
  static base::Result<std::unique_ptr<Server>> open(ServerOptions options, Wiring wiring);
  ~Server();

  // "ready tcp=127.0.0.1:7411 api=127.0.0.1:8080": the real ports of all listeners that are on.
  std::string ready_line() const;

  // Serves until SIGTERM, SIGINT, SHUTDOWN or stop(); SIGHUP reloads. Then: no new connections,
  // what runs ends, what is owed is sent, within stop_timeout; what was changed is written. Returns
  // when all threads have ended.
  void run();
  void stop();  // Thread: any. Signal-safe: no.

  // The real port of a listener; 0: it is off.
  uint16_t tcp_port() const;
  uint16_t api_port() const;
  uint16_t gateway_port() const;
  uint16_t limiter_port() const;

 private:
  class Wired;  // All that runs, wired together.
  explicit Server(std::unique_ptr<Wired> wired);
  std::unique_ptr<Wired> wired_;
};

}  // namespace server
