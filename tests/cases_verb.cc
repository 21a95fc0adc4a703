// Cases of CL.THROTTLE, played through the verb itself: bytes into a Conversation, bytes out.
#include "cases.h"
#include "command/command.h"
#include "told_process.h"

namespace cases {
namespace {

// "[0,5,4,-1,1]" or an error line → the five integers, or nothing.
std::vector<int64_t> integers(const std::string& line) {
  std::vector<int64_t> all;
  if (line.empty() || line.front() != '[') return all;
  const json::value parsed = json::parse(line);
  for (const json::value& value : parsed.as_array()) all.push_back(value.to_number<int64_t>());
  return all;
}

void compare(const json::array& expected, const std::vector<int64_t>& ours, bool dragonfly,
             Verdict& verdict) {
  static constexpr const char* kNames[] = {"limited", "limit", "remaining", "retry_after",
                                           "reset_after"};
  if (ours.size() != 5) return verdict.wrong("no five integers");
  for (size_t i = 0; i < 5; ++i) {
    const int64_t wanted = expected[i].to_number<int64_t>();
    if (i >= 3 && dragonfly && wanted == ours[i] + 1) {
      verdict.differs("seconds are rounded as redis-cell rounds them: 10 s are 10, not 11");
      continue;
    }
    verdict.same(kNames[i], wanted, ours[i]);
  }
}

void play_throttle(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  testing_process::Told told;
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    told.clock.set(time_of(one, step));
    const std::string answer = told.say(
        "CL.THROTTLE k " + std::to_string(number(config, "max_burst")) + " " +
        std::to_string(number(config, "count")) + " " + std::to_string(number(config, "period_s")) +
        " " + std::to_string(number(step, "n", 1)));
    if (has(expect, "error"))
      verdict.same_text("error", "ERR " + text(expect, "error"), answer);
    else
      compare(expect.at("reply").as_array(), integers(answer),
              text(one, "dialect") == "dragonfly-cmd", verdict);
  }
}

}  // namespace

void add_verb_players(Players& players) {
  players["redis-cell-cmd"] = play_throttle;
  players["dragonfly-cmd"] = play_throttle;
}

}  // namespace cases
