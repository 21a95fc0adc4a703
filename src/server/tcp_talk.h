// The TCP port: the line protocol and RESP.
#pragma once
#include <functional>

#include "command/conversation.h"
#include "server/talk.h"

namespace server {

class TcpTalk final : public Talk {
 public:
  TcpTalk(const command::Services& services, command::Caller caller, const protocol::Bounds& bounds,
          std::function<void()> on_ready)
      : conversation_(services, std::move(caller), bounds, std::move(on_ready)) {}

  size_t feed(std::string_view bytes) override { return conversation_.feed(bytes); }
  std::string& out() override { return conversation_.out(); }
  State state() const override {
    return {.waiting = conversation_.waiting(),
            .closing = conversation_.closing(),
            .more = conversation_.more(),
            .owing = !conversation_.idle()};
  }

 private:
  command::Conversation conversation_;
};

}  // namespace server
