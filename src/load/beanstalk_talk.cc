// beanstalkd: put, reserve, delete.
#include "base/number.h"
#include "load/talk.h"

namespace load {
namespace {

constexpr size_t kLineMax = 1024;

class BeanstalkTalk final : public Talk {
 public:
  explicit BeanstalkTalk(const Work& work)
      : tube_(work.spelling.queue),
        put_("put 1024 0 600 " + std::to_string(work.spelling.body_bytes) + "\r\n{body}\r\n",
             work.spelling),
        reserve_("reserve-with-timeout " + std::to_string((work.wait_ms + 999) / 1000) + "\r\n") {}

  base::Result<Greeting> greet(std::string_view in, std::string& out, bool) override {
    if (!asked_) {
      asked_ = true;
      out += "use " + tube_ + "\r\nwatch " + tube_ + "\r\nignore default\r\n";
    }
    Greeting greeting;
    for (size_t end; (end = in.find("\r\n", greeting.used)) != in.npos; ++prepared_) {
      const std::string_view line = in.substr(greeting.used, end - greeting.used);
      if (!line.starts_with("USING ") && !line.starts_with("WATCHING ") && line != "NOT_IGNORED")
        return base::invalid("beanstalkd: " + std::string(line));
      greeting.used = end + 2;
    }
    greeting.done = prepared_ == 3;
    return greeting;
  }

  void put(std::string& out, const Ask& ask) override {
    if (ask.verb == Verb::kEnqueue) put_.append(out, ask.draw);
    if (ask.verb == Verb::kDequeue) out += reserve_;
    if (ask.verb == Verb::kAck) out += "delete " + ask.receipts.front() + "\r\n";
  }

  base::Result<size_t> take(std::string_view in, Answered& to) override {
    size_t used = 0;
    while (to.owed()) {
      const std::string_view rest = in.substr(used);
      const size_t end = rest.find("\r\n");
      if (end == rest.npos) {
        if (rest.size() > kLineMax) return base::invalid("beanstalkd: the answer is no line");
        break;
      }
      const std::string_view line = rest.substr(0, end);
      size_t bytes = end + 2;
      Answer answer;
      if (line.starts_with("RESERVED ")) {
        const std::string_view words = line.substr(9);
        const size_t space = words.find(' ');
        const auto size = base::parse_integer(words.substr(std::min(space + 1, words.size())));
        if (space == words.npos || size.value_or(-1) < 0)
          return base::invalid("beanstalkd: " + std::string(line));
        const auto body = static_cast<size_t>(*size);
        if (bytes + body + 2 > rest.size()) break;
        message_ = {.receipt = words.substr(0, space), .body = rest.substr(bytes, body)};
        answer.messages = {&message_, 1};
        bytes += body + 2;
      } else {
        answer = plain(line);
      }
      used += bytes;
      to.answered(answer);
    }
    return used;
  }

 private:
  static Answer plain(std::string_view line) {
    Answer answer;
    if (line == "TIMED_OUT") {
      answer.kind = Answer::Kind::kEmpty;
    } else if (line == "DELETED") {
      answer.count = 1;
    } else if (line.starts_with("INSERTED ")) {
      answer.text = line.substr(9);
    } else {
      answer = {.kind = Answer::Kind::kError, .text = line};
    }
    return answer;
  }

  const std::string tube_;
  const Stencil put_;
  const std::string reserve_;
  bool asked_ = false;
  int prepared_ = 0;
  Message message_;
};

}  // namespace

std::unique_ptr<Talk> beanstalk_talk(const Work& work) {
  return std::make_unique<BeanstalkTalk>(work);
}

}  // namespace load
