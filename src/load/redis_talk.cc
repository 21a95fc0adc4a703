// Redis: PING, INCR, CL.THROTTLE (of a module, or of a server that speaks Redis' protocol), a limit
// as a Lua script, lists and streams.
#include <array>

#include "load/requests.h"
#include "load/resp_put.h"
#include "load/resp_scan.h"
#include "load/talk.h"

namespace load {
namespace {

// GCRA as one writes it for one call a request: KEYS[1], then burst, count and period in seconds.
// Answers 0 (allowed) or 1, and the microseconds until the next unit.
constexpr std::string_view kGcraScript =
    "local time = redis.call('TIME') "
    "local now = time[1] * 1000000 + time[2] "
    "local each = tonumber(ARGV[3]) * 1000000 / tonumber(ARGV[2]) "
    "local most = each * tonumber(ARGV[1]) "
    "local tat = tonumber(redis.call('GET', KEYS[1]) or 0) "
    "if tat < now then tat = now end "
    "local free = most - (tat - now) "
    "if free < each then return {1, math.ceil(each - free)} end "
    "tat = tat + each "
    "redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000)) "
    "return {0, 0}";

class RedisTalk final : public Talk {
 public:
  explicit RedisTalk(const Work& work) : work_(work) {
    for (size_t i = 0; i < kVerbs; ++i) stencil(static_cast<Verb>(i));
    if (work.durability) prepare_durability(*work.durability);
  }

  base::Result<Greeting> greet(std::string_view in, std::string& out, bool first) override {
    const size_t wanted = (first ? preparing_.size() : 0) + 1;
    if (!asked_) {
      asked_ = true;
      if (first) {
        for (const Words& words : preparing_) put_words(out, words);
      }
      const bool script = needs(Verb::kGcra);
      put_words(out, script ? Words{"SCRIPT", "LOAD", std::string(kGcraScript)} : Words{"PING"});
    }
    RespScan scan(in);
    while (prepared_ < wanted) {
      RespValue value;
      const Scan found = scan.next([&](const RespValue& one) { value = one; });
      if (found == Scan::kBroken) return base::invalid("the answer is no RESP");
      if (found == Scan::kMore) break;
      if (value.kind == '-') return base::invalid("redis: " + std::string(value.text));
      if (value.kind == '$') take_script(value.text);
      ++prepared_;
    }
    return Greeting{scan.passed(), prepared_ == wanted};
  }

  void put(std::string& out, const Ask& ask) override {
    stencils_[static_cast<size_t>(ask.verb)].append(out, ask.draw);
  }

  base::Result<size_t> take(std::string_view in, Answered& to) override {
    RespScan scan(in);
    while (to.owed()) {
      const Verb verb = to.oldest();
      RespValue front[2];
      size_t index = 0;
      messages_.clear();
      const Scan found = scan.next([&](const RespValue& value) {
        if (index < 2) front[index++] = value;
        if (verb == Verb::kDequeue && value.kind == '$' && value.number >= 0)
          messages_.push_back({.body = value.text});
      });
      if (found == Scan::kBroken) return base::invalid("the answer is no RESP");
      if (found == Scan::kMore) break;
      to.answered(answer_of(verb, front));
    }
    return scan.passed();
  }

 private:
  bool needs(Verb verb) const {
    for (const Share& share : work_.mix) {
      if (share.verb == verb) return true;
    }
    return false;
  }

  void stencil(Verb verb) {
    const Words words = words_for(verb);
    if (!words.empty()) stencils_[static_cast<size_t>(verb)] = resp_stencil(words, work_.spelling);
  }

  Words words_for(Verb verb) const {
    switch (verb) {
      case Verb::kIncr:
        return {"INCR", "{key}"};
      case Verb::kEnqueue:
        if (work_.wire == Wire::kRedis) return {"LPUSH", "{queue}", "{body}"};
        return {"XADD", "{queue}", "*", "b", "{body}"};
      case Verb::kDequeue:
        if (work_.count == 0) return {"RPOP", "{queue}"};
        return {"RPOP", "{queue}", std::to_string(work_.count)};
      case Verb::kPing:
      case Verb::kThrottle:
      case Verb::kRequest:
        return request_of(work_, verb);
      default:
        return {};
    }
  }

  void take_script(std::string_view sha) {
    const Words throttle = request_of(work_, Verb::kThrottle);
    stencils_[static_cast<size_t>(Verb::kGcra)] =
        resp_stencil({"EVALSHA", std::string(sha), "1", "{key}",
                      std::to_string(work_.throttle.burst), throttle[3], throttle[4]},
                     work_.spelling);
  }

  void prepare_durability(Durability durability) {
    const bool file = durability != Durability::kMemory;
    preparing_.push_back({"CONFIG", "SET", "appendonly", file ? "yes" : "no"});
    if (!file) return;
    preparing_.push_back(
        {"CONFIG", "SET", "appendfsync", durability == Durability::kFsync ? "always" : "no"});
  }

  Answer answer_of(Verb verb, const RespValue (&front)[2]) const {
    Answer answer;
    if (front[0].kind == '-') {
      answer = {.kind = Answer::Kind::kError, .text = front[0].text};
    } else if ((verb == Verb::kThrottle || verb == Verb::kGcra) && front[1].number != 0) {
      answer.kind = Answer::Kind::kRefused;
    } else if (verb == Verb::kDequeue && messages_.empty()) {
      answer.kind = Answer::Kind::kEmpty;
    } else {
      answer.messages = messages_;
    }
    return answer;
  }

  const Work work_;
  std::vector<Words> preparing_;
  bool asked_ = false;
  size_t prepared_ = 0;
  std::array<Stencil, kVerbs> stencils_;
  std::vector<Message> messages_;
};

}  // namespace

std::unique_ptr<Talk> redis_talk(const Work& work) { return std::make_unique<RedisTalk>(work); }

}  // namespace load
