// A call goes to the master of its key's slot.
//
//   the map of slots: CLUSTER SLOTS of any node, at the start, then when something said that it is
//   out of date: MOVED, CLUSTERDOWN, a node that is lost. Not more often than kAskPause; while a
//   node stays lost, ever less often, down to kAskPauseMax.
//
//   MOVED    → the node that it names; that slot of the map is corrected at once
//   ASK      → the node that it names, behind ASKING, this once
//   TRYAGAIN → the same again a little later (keys of the call are on their way to another node)
//
// kHopsMax of them at most for one call, and never past its deadline. All other errors are replies.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "io/alarm.h"
#include "redis/desk.h"
#include "redis/owed.h"
#include "redis/slots.h"

namespace redis {

class ClusterRoute final : public Route {
 public:
  static constexpr base::Duration kAskPause = std::chrono::milliseconds(100);
  static constexpr base::Duration kAskPauseMax = std::chrono::seconds(1);

  explicit ClusterRoute(Desk& desk);
  ~ClusterRoute() override;

  void send(CallPtr call) override;
  bool on_error(Connection& from, CallPtr& call, const Reply& reply) override;
  void on_state(Connection& of) override;
  bool connected() const override;

 private:
  using Nodes = std::map<std::pair<std::string, uint16_t>, std::unique_ptr<Connection>>;
  Connection& to(const Node& node);
  const Node* any_master();
  Connection* any_up();
  bool hopeless() const;

  void hold(CallPtr call);
  void release();
  void end_held();

  bool redirect(const Connection& from, CallPtr& call, const std::string& error);
  bool try_again(CallPtr& call);

  void want(base::Duration within);  // The map, not later than that after it was last asked for.
  void ask();
  void learn(base::Result<Reply>&& reply, const Node& from);
  bool adopt(SlotMap map);
  void ring();
  void set_alarm(base::Duration now);

  Desk& desk_;
  Nodes nodes_;
  std::optional<SlotMap> map_;
  Owed held_;  // Calls that wait for a map, or to be tried again.
  io::Alarm alarm_;
  bool wanted_ = true, asking_ = false;
  base::Duration pause_ = kAskPause;
  base::Duration asked_at_{}, next_ask_{}, retry_at_ = base::Duration::max();
};

}  // namespace redis
