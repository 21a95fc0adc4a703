// The gateway's listener: a proxy::Conversation with a session's socket.
#pragma once
#include <functional>
#include <utility>

#include "proxy/conversation.h"
#include "server/talk.h"

namespace server {

class GatewayTalk final : public Talk {
 public:
  GatewayTalk(proxy::Conversation::Common common, io::Ip peer, std::function<void()> on_ready)
      : conversation_(common, peer, std::move(on_ready)) {}

  size_t feed(std::string_view bytes) override { return conversation_.feed(bytes); }
  std::string& out() override { return conversation_.out(); }
  State state() const override {
    const bool waiting = conversation_.waiting();
    return {.waiting = waiting,
            .closing = conversation_.closing(),
            .more = conversation_.more(),
            .owing = waiting};
  }
  base::Time deadline() const override { return conversation_.deadline(); }
  void expire() override { conversation_.expire(); }
  void hang_up() override { conversation_.hang_up(); }
  void stop() override { conversation_.last_answer(); }
  void rest() override { conversation_.rest(); }

 private:
  proxy::Conversation conversation_;
};

}  // namespace server
