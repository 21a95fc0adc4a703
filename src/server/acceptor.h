// Takes the connections of one listener and hands them out in turn.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "io/loop.h"
#include "server/listen.h"
#include "server/traffic.h"
#include "server/worker.h"

namespace server {

enum class TurnedAway : uint8_t { kUntrusted, kFull };

// What acceptors share: the bound on connections, and their numbers.
struct Gate {
  const io::Networks& trusted;
  size_t connections_max;
  const Traffic& traffic;
  uint64_t next_id = 1;
};

// Thread: its loop's.
class Acceptor final : public io::Source {
 public:
  struct Manner {
    // What a connection that may not stay is sent before it is closed.
    std::function<std::string(TurnedAway why)> farewell;
    MakeTalk make_talk;
    bool for_all = false;  // Also for whom is not in the trusted networks.
  };

  // All outlive it.
  Acceptor(io::Loop& loop, Listening listening, Gate& gate, ListenerTraffic& traffic,
           std::span<const std::unique_ptr<Worker>> workers, Manner manner);

  void start();
  void stop();  // No new connections; the port is free.
  const io::Endpoint& endpoint() const { return listening_.endpoint; }
  const std::string& name() const { return traffic_.name; }

 private:
  void on_ready(uint8_t ready) override;
  bool accept_one();
  void admit(io::Accepted accepted);
  void turn_away(const io::Accepted& accepted, TurnedAway why);
  void back_off(int error);

  io::Loop& loop_;
  Listening listening_;
  Gate& gate_;
  ListenerTraffic& traffic_;
  std::span<const std::unique_ptr<Worker>> workers_;
  Manner manner_;
  size_t turn_ = 0;
  bool started_ = false;
  base::Time complained_{};
};

}  // namespace server
