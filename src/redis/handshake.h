// What is said on a new connection before any call: protocol, user, name, database, role.
//
//   HELLO 3 [AUTH user password] SETNAME name ──► OK ──► [SELECT n] [ROLE] ──► ready
//        └─ a server before 6.0: unknown ──► [AUTH …] CLIENT SETNAME name [SELECT n] [ROLE] ──┘
#pragma once
#include <cstdint>
#include <deque>
#include <string>

#include "redis/reply.h"

namespace redis {

class Handshake {
 public:
  struct Terms {
    std::string user{}, password{}, name{};
    int database = 0;
    bool master = false;  // A node that is none is refused.
  };
  explicit Handshake(const Terms& terms) : terms_(terms) {}

  std::string begin();  // What to send first.
  enum class Now : uint8_t { kMore, kReady, kFailed };
  // `out` gets what to send next.
  Now take(const Reply& reply, std::string& out);
  const std::string& why() const { return why_; }  // The node's words, after kFailed.

 private:
  enum class Step : uint8_t { kHello, kAuth, kName, kSelect, kRole };
  Now fail(std::string why);
  void fall_back(std::string& out);
  void go_on(std::string& out);
  Now check(Step step, const Reply& reply);

  const Terms& terms_;
  std::deque<Step> expected_;
  std::string why_;
};

}  // namespace redis
