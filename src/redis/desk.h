// What every layout works with: it makes connections, lets them go, and ends calls.
//
//   a call ends anywhere ─► end() ─► told at the end of the loop's round, all in one go
//
// So whoever is told may send, or destroy the client: nothing of the client is on the stack but
// this. Thread: its loop's.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "redis/connection.h"
#include "redis/metrics.h"
#include "redis/options.h"
#include "redis/soon.h"

namespace redis {

// To which node a call goes, and what a reply says about that: one for each Layout.
class Route {
 public:
  virtual ~Route() = default;
  virtual void send(CallPtr call) = 0;
  // A reply that is an error. True: it has taken the call, which goes on elsewhere.
  virtual bool on_error(Connection& from, CallPtr& call, const Reply& reply) = 0;
  virtual void on_state(Connection& of) = 0;  // It may not let `of` go from inside.
  virtual bool connected() const = 0;
};

class Desk final : public Connection::Owner {
 public:
  Desk(io::Loop& loop, Options options, std::shared_ptr<Metrics> metrics);
  ~Desk() override;

  void set_route(Route* route) { route_ = route; }
  void on_change(std::function<void(bool)> told) { told_ = std::move(told); }
  const Options& options() const { return options_; }
  const Metrics& metrics() const { return *metrics_; }
  io::Loop& loop() { return loop_; }
  base::Random& random() { return random_; }
  size_t in_flight() const { return in_flight_; }

  using Done = std::function<void(base::Result<Reply>&&)>;
  CallPtr call(std::string bytes, base::Duration deadline, Done done);  // Of a caller.
  CallPtr ours(std::string bytes, Done done);  // Of a layout: not counted, within connect_timeout.
  void end(CallPtr call, base::Result<Reply> with);

  enum class Kind : uint8_t { kNode, kMaster, kSentinel };  // kMaster: its role is looked at.
  std::unique_ptr<Connection> connect(const Node& node, Kind kind);
  void retire(std::unique_ptr<Connection> connection);  // It ends what it owes, then goes.

  void on_reply(Connection& from, CallPtr call, Reply&& reply) override;
  void on_ended(Connection& from, CallPtr call, base::Error&& error) override;
  void on_state(Connection& of) override;

 private:
  struct Ended {
    CallPtr call;
    base::Result<Reply> with;
  };
  struct Loading {  // A node is being given a script's text.
    const Connection* by;
    const std::string* script;
    friend bool operator==(const Loading&, const Loading&) = default;
  };
  void give_script(Connection& to, CallPtr call);
  void loaded(Connection& by, Call& call);
  void count(const Call& call, const base::Result<Reply>& with);
  void tell();

  io::Loop& loop_;
  const Options options_;
  const std::shared_ptr<Metrics> metrics_;  // Shared by the clients of a process, one a thread.
  Setting node_, master_, sentinel_;
  base::Random random_;
  Route* route_ = nullptr;
  std::function<void(bool)> told_;
  bool was_connected_ = false;
  size_t in_flight_ = 0;
  std::vector<Loading> loading_;
  std::vector<Ended> ended_;
  std::vector<std::unique_ptr<Connection>> retired_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Shared with the tell() that runs.
  Soon tell_soon_;
};

}  // namespace redis
