// One node gets all calls.
#pragma once
#include <memory>

#include "redis/desk.h"

namespace redis {

class SingleRoute final : public Route {
 public:
  explicit SingleRoute(Desk& desk)
      : node_(desk.connect(desk.options().nodes.at(0), Desk::Kind::kNode)) {}

  void send(CallPtr call) override { node_->send(std::move(call)); }
  bool on_error(Connection&, CallPtr&, const Reply&) override { return false; }
  void on_state(Connection&) override {}
  bool connected() const override { return node_->up(); }

 private:
  const std::unique_ptr<Connection> node_;
};

}  // namespace redis
