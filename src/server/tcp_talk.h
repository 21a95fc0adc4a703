// The TCP port: the line protocol and RESP.
#pragma once
#include <functional>

#include "base/clock.h"
#include "command/conversation.h"
#include "command/shards.h"
#include "server/talk.h"

namespace server {

// An idle connection stays for as long as it likes; half a request does not: what was read of it is
// held in memory, so the rest must come within `half_request_max` of the last whole one.
class TcpTalk final : public Talk {
 public:
  TcpTalk(const command::Services& services, command::Caller caller, const protocol::Bounds& bounds,
          base::Duration half_request_max, std::function<void()> on_ready)
      : clock_(services.clock),
        shards_(services.shards),
        connection_id_(caller.connection_id),
        half_request_max_(half_request_max),
        conversation_(services, std::move(caller), bounds, std::move(on_ready)) {}

  size_t feed(std::string_view bytes) override {
    const size_t used = conversation_.feed(bytes);
    if (!conversation_.half_read()) {
      patience_ends_ = base::Time::max();
    } else if (used > 0 || patience_ends_ == base::Time::max()) {
      patience_ends_ = clock_.now() + half_request_max_;
    }
    return used;
  }
  std::string& out() override { return conversation_.out(); }
  State state() const override {
    return {.waiting = conversation_.waiting(),
            .closing = expired_ || conversation_.closing(),
            .more = conversation_.more(),
            .owing = !conversation_.idle()};
  }
  base::Time deadline() const override { return patience_ends_; }
  void expire() override { expired_ = true; }
  void hang_up() override {
    if (shards_ != nullptr) shards_->leave(connection_id_);
  }

 private:
  const base::Clock& clock_;
  command::Shards* shards_;  // Null: there are none.
  uint64_t connection_id_;
  base::Duration half_request_max_;
  base::Time patience_ends_ = base::Time::max();
  bool expired_ = false;
  command::Conversation conversation_;
};

}  // namespace server
