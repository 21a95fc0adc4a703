// beanstalkd: put, reserve, delete.
#include <vector>

#include "load/die.h"
#include "load/talk.h"

namespace load {
namespace {

class BeanstalkTalk final : public Talk {
 public:
  explicit BeanstalkTalk(const Work& work) : work_(work) {
    const std::string put = "put 1024 0 600 " + std::to_string(work.body_bytes) + "\r\n" +
                            std::string(work.body_bytes, 'x') + "\r\n";
    for (size_t i = 0; i < work.pipeline; ++i) puts_ += put;
    for (size_t i = 0; i < work.pipeline; ++i) reserves_ += "reserve\r\n";
  }

  void greet(int) override {}

  Asked ask(std::string& out, uint64_t) override {
    const size_t step = work_.verb == Verb::kEnqueue ? 0 : step_++ % 3;
    if (step == 0) {
      out += puts_;
      return {work_.pipeline, work_.verb == Verb::kEnqueue ? work_.pipeline : 0};
    }
    if (step == 1) {
      out += reserves_;
      return {work_.pipeline, 0};
    }
    for (const std::string& id : ids_) out += "delete " + id + "\r\n";
    ids_.clear();
    return {work_.pipeline, work_.pipeline};
  }

  Taken take(std::string_view in) override {
    Taken taken;
    for (;;) {
      const std::string_view rest = in.substr(taken.bytes);
      const size_t end = rest.find("\r\n");
      if (end == std::string_view::npos) return taken;
      const std::string_view line = rest.substr(0, end);
      size_t bytes = end + 2;
      if (line.starts_with("RESERVED ")) {
        bytes += work_.body_bytes + 2;
        if (bytes > rest.size()) return taken;
        ids_.emplace_back(line.substr(9, line.rfind(' ') - 9));
      } else if (!line.starts_with("INSERTED ") && line != "DELETED") {
        die("beanstalkd: " + std::string(line));
      }
      taken.bytes += bytes;
      ++taken.answers;
    }
  }

 private:
  const Work work_;
  std::string puts_, reserves_;
  std::vector<std::string> ids_;
  uint64_t step_ = 0;
};

}  // namespace

std::unique_ptr<Talk> beanstalk_talk(const Work& work) {
  return std::make_unique<BeanstalkTalk>(work);
}

}  // namespace load
