// Our own server in lines.
#include <array>

#include "base/number.h"
#include "load/message_json.h"
#include "load/requests.h"
#include "load/talk.h"

namespace load {
namespace {

constexpr std::array<std::string_view, 10> kPrefixes = {
    "ERR ",   "LIMITED ", "NOAUTH ",   "NOPERM ",  "NOTFOUND ",
    "STALE ", "FULL ",    "READONLY ", "UNKNOWN ", "SHUTDOWN "};
constexpr size_t kAnswerMax = size_t{64} << 20;

bool is_error(std::string_view line) {
  if (line.empty() || line[0] < 'A' || line[0] > 'Z') return false;
  for (const std::string_view prefix : kPrefixes) {
    if (line.starts_with(prefix)) return true;
  }
  return false;
}

void put_line(std::string& out, const Words& words) {
  for (const std::string& word : words) {
    out += word;
    out += ' ';
  }
  out.back() = '\n';
}

class LineTalk final : public Talk {
 public:
  explicit LineTalk(const Work& work) : preparing_(preparing(work)) {
    for (size_t i = 0; i < kVerbs; ++i) {
      const Words words = request_of(work, static_cast<Verb>(i));
      if (words.empty()) continue;
      std::string line;
      put_line(line, words);
      stencils_[i] = Stencil(line, work.spelling);
    }
  }

  base::Result<Greeting> greet(std::string_view in, std::string& out, bool first) override {
    if (!first || preparing_.empty()) return Greeting{};
    if (!asked_) {
      asked_ = true;
      for (const Words& words : preparing_) put_line(out, words);
    }
    Greeting greeting;
    for (size_t end; (end = in.find('\n', greeting.used)) != std::string_view::npos; ++prepared_) {
      const std::string_view line = in.substr(greeting.used, end - greeting.used);
      if (line != "OK") return base::invalid("--durability: " + std::string(line));
      greeting.used = end + 1;
    }
    greeting.done = prepared_ == preparing_.size();
    return greeting;
  }

  void put(std::string& out, const Ask& ask) override {
    if (ask.verb != Verb::kAck) {
      stencils_[static_cast<size_t>(ask.verb)].append(out, ask.draw);
      return;
    }
    out += "ACK";
    for (const std::string& receipt : ask.receipts) out += ' ' + receipt;
    out += '\n';
  }

  base::Result<size_t> take(std::string_view in, Answered& to) override {
    size_t used = 0;
    while (to.owed()) {
      const size_t end = in.find('\n', used);
      if (end == std::string_view::npos) break;
      if (const base::Status told = tell(in.substr(used, end - used), to); !told)
        return told.error();
      used = end + 1;
    }
    if (in.size() - used > kAnswerMax) return base::invalid("the answer is no line");
    return used;
  }

 private:
  base::Status tell(std::string_view line, Answered& to) {
    const Verb verb = to.oldest();
    Answer answer;
    if (is_error(line)) {
      answer = {.kind = Answer::Kind::kError, .text = line};
    } else if (verb == Verb::kCheck && !line.starts_with("{\"allowed\":true")) {
      answer.kind = Answer::Kind::kRefused;
    } else if (verb == Verb::kThrottle && !line.starts_with("[0,")) {
      answer.kind = Answer::Kind::kRefused;
    } else if (verb == Verb::kDequeue && line == "NIL") {
      answer.kind = Answer::Kind::kEmpty;
    } else if (verb == Verb::kDequeue) {
      if (const base::Status read = messages_.parse(line); !read) return read;
      answer.messages = messages_.messages();
    } else if (verb == Verb::kAck) {
      answer.count = static_cast<uint64_t>(base::parse_integer(line).value_or(0));
    } else {
      answer.text = line;
    }
    to.answered(answer);
    return {};
  }

  const std::vector<Words> preparing_;
  bool asked_ = false;
  size_t prepared_ = 0;
  std::array<Stencil, kVerbs> stencils_;
  MessageJson messages_;
};

}  // namespace

std::unique_ptr<Talk> line_talk(const Work& work) { return std::make_unique<LineTalk>(work); }

}  // namespace load
