// All calls go to the master that the Sentinels name.
//
//   one sentinel at a time: SENTINEL GET-MASTER-ADDR-BY-NAME ─► connect; the node's own ROLE must
//   be "master" ─► calls. Asked again every kAskPauseMax, and soon when the master is lost or says
//   READONLY. A sentinel that fails, or knows no master, gives way to the next.
#pragma once
#include <memory>

#include "io/alarm.h"
#include "redis/desk.h"
#include "redis/owed.h"

namespace redis {

class SentinelRoute final : public Route {
 public:
  static constexpr base::Duration kAskPause = std::chrono::milliseconds(100);
  static constexpr base::Duration kAskPauseMax = std::chrono::seconds(1);

  explicit SentinelRoute(Desk& desk);
  ~SentinelRoute() override;

  void send(CallPtr call) override;
  bool on_error(Connection& from, CallPtr& call, const Reply& reply) override;
  void on_state(Connection& of) override;
  bool connected() const override { return master_ && master_->up(); }

 private:
  bool hopeless() const { return failed_ >= desk_.options().nodes.size(); }
  void ask_soon();
  void ask();
  void learn(const base::Result<Reply>& reply);
  bool adopt(const base::Result<Reply>& reply);
  void end_held(std::vector<Owed::Ended> ended);
  void ring();
  void set_alarm(base::Duration now);

  Desk& desk_;
  std::unique_ptr<Connection> sentinel_, master_;
  size_t turn_ = 0;    // Of the sentinels.
  size_t failed_ = 0;  // Sentinels in a row.
  Owed held_;          // Calls that wait until a master has been named.
  io::Alarm alarm_;
  bool asking_ = false;
  base::Duration asked_at_{}, next_ask_{};
};

}  // namespace redis
