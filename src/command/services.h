// What verbs act on, and who asks. No verb receives "the server".
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "limiter/decider.h"
#include "limiter/limiter.h"

namespace dispatch {
class Hosts;
}

namespace command {

class Counters;  // command/counters.h; one a process.
class Shards;    // command/shards.h

// The process, as verbs see it. Implementations: server::Process, and a plain one in tests.
// Thread: any.
class Process {
 public:
  virtual ~Process() = default;
  virtual void shut_down() = 0;  // Begins the clean stop; returns at once.
  virtual bool stopping() const = 0;
  virtual bool ready(std::string& why_not) const = 0;
  virtual std::string metrics_text() const = 0;  // Prometheus text format 0.0.4.

  struct Facts {  // For INFO and /version.
    std::string version;
    std::string commit;
    std::string config_file;  // Empty: none.
    int64_t started_at_ms = 0;
    int64_t connections = 0;
    uint64_t connections_total = 0;
    uint64_t commands_total = 0;
    int64_t resident_bytes = 0;
    unsigned threads = 0;
    int tcp_port = 0;
    struct Store {
      bool up = false;
      unsigned instances = 1;  // That share it, as last counted.
    };
    std::optional<Store> store = {};  // Nothing: limits live in this process' memory.
  };
  virtual Facts facts() const = 0;
};

struct Services {
  limiter::Limiter& limiter;
  const base::Clock& clock;
  Process& process;
  Counters& counters;
  Shards* shards = nullptr;  // Null: this process has no queues; their verbs answer an error.
  const dispatch::Hosts* hosts = nullptr;  // Null: it sends nothing; DISPATCH answers an error.
  // Of the thread. Null: `limiter` decides; else it only says which limits there are.
  limiter::Decider* decider = nullptr;
};

// Who is on the other end. While no users are configured, loopback has the admin right.
struct Caller {
  std::string address;  // "127.0.0.1"; for the `server` domain's client_ip (IPv6: its /64).
  bool admin = false;
  uint64_t connection_id = 0;
};

}  // namespace command
