// The hosts at the other end of pushes, each with its temper: they count what is open with them,
// fall ill, come back, and say when they want to be left alone. And what is known of their blocks,
// against which every delivery is held.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "dispatch/dispatch.h"
#include "sim/dice.h"
#include "sim/plan.h"

namespace sim {

class Street {
 public:
  Street(const Plan& plan, Dice& dice) : plan_(plan), dice_(dice) {}

  void begin();                  // A new process: nothing is open, nobody is blocked.
  void trouble(base::Time now);  // One step of whoever wishes the hosts ill.

  struct Answer {
    dispatch::Failure failure = dispatch::Failure::kNone;
    int status = 0;
    std::string retry_after;
    base::Duration took{};
  };
  // A request arrives. `well`: every host is, and answers at once. Throws Broken if it is one too
  // many, for the host or for all together.
  Answer request(const std::string& host, base::Time now, bool well);

  // Message `uid` was leased for `host` at that instant. Throws Broken if the host was blocked
  // then, or half open with a probe out.
  void leased(const std::string& host, uint64_t uid, base::Time at);
  void ended(const std::string& host, uint64_t uid, base::Time now);
  void told(const dispatch::HostRow& row, base::Time now);  // What the dispatcher makes of it now.
  bool blocked(const std::string& host, base::Time now) const;  // May it be?
  std::vector<std::string> hosts() const;                       // That anything was sent to.

 private:
  struct Probe {
    uint64_t uid;
    base::Time at, end;
  };
  struct Block {
    base::Time from, until;
    base::Time ended = base::Time::max();
    bool probing = false;  // Half open from `until` on.
    std::vector<Probe> probes{};
  };
  struct Host {
    base::Time ill_until{}, busy_until{};
    std::vector<base::Time> open{};  // When each request that came ends.
    std::vector<Block> blocks{};
  };
  Answer answer(Host& host, base::Time now);
  size_t count(Host& host, base::Time now) const;

  const Plan& plan_;
  Dice& dice_;
  std::map<std::string, Host> hosts_;
};

}  // namespace sim
