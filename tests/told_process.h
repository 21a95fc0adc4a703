// The inside of a server without its ring: a limiter, a told clock, and one line-protocol
// conversation. For tests.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "command/command.h"
#include "limiter/limiter.h"

namespace testing_process {

class ToldClock : public base::Clock {
 public:
  base::Time now() const override { return now_; }
  void set(base::Time t) { now_ = t; }

 private:
  base::Time now_ = base::time_from(1'700'000'000'000'000'000);
};

class StillProcess : public command::Process {
 public:
  void shut_down() override {}
  bool stopping() const override { return false; }
  bool ready(std::string&) const override { return true; }
  std::string metrics_text() const override { return {}; }
  Facts facts() const override { return {}; }
};

struct Told {
  ToldClock clock;
  limiter::Limiter limiter{{}};
  StillProcess process;
  command::Counters counters;
  command::Conversation conversation{
      command::Services{
          .limiter = limiter, .clock = clock, .process = process, .counters = counters},
      command::Caller{.address = "127.0.0.1", .admin = true, .connection_id = 1},
      protocol::Bounds{}, [] {}};

  // One line in, one line out.
  std::string say(std::string_view line) {
    conversation.feed(std::string(line) + "\n");
    std::string answer;
    answer.swap(conversation.out());
    while (!answer.empty() && answer.back() == '\n') answer.pop_back();
    return answer;
  }
};

}  // namespace testing_process
