// NATS JetStream: each publish names an inbox, where the stream's acknowledgement arrives.
#include "load/die.h"
#include "load/talk.h"

namespace load {
namespace {

class NatsTalk final : public Talk {
 public:
  explicit NatsTalk(const Work& work) : work_(work) {
    const std::string publish = "PUB " + work.queue + " i " + std::to_string(work.body_bytes) +
                                "\r\n" + std::string(work.body_bytes, 'x') + "\r\n";
    for (size_t i = 0; i < work.pipeline; ++i) publishes_ += publish;
  }

  // Every connection has an inbox of its own.
  void greet(int socket) override {
    hear(socket, [](std::string_view in) { return in.ends_with("\r\n"); });
    const std::string inbox = "_INBOX." + std::to_string(socket);
    for (size_t at = 0; (at = publishes_.find(" i ", at)) != std::string::npos;
         at += inbox.size() + 2) {
      publishes_.replace(at, 3, " " + inbox + " ");
    }
    const std::string stream = R"({"name":")" + work_.queue + R"(","subjects":[")" + work_.queue +
                               R"("],"storage":"file","retention":"workqueue","num_replicas":1})";
    say(socket, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB " + inbox + " 1\r\nPUB " +
                    "$JS.API.STREAM.CREATE." + work_.queue + " " + inbox + " " +
                    std::to_string(stream.size()) + "\r\n" + stream + "\r\n");
    const std::string in =
        hear(socket, [](std::string_view text) { return text.ends_with("}\r\n"); });
    if (in.find("\"error\"") != std::string::npos) die("nats: " + in);
  }

  Asked ask(std::string& out, uint64_t) override {
    out += publishes_;
    return {work_.pipeline, work_.pipeline};
  }

  // MSG subject sid size, then the acknowledgement. A PING may go unanswered for some minutes.
  Taken take(std::string_view in) override {
    Taken taken;
    for (;;) {
      const std::string_view rest = in.substr(taken.bytes);
      const size_t end = rest.find("\r\n");
      if (end == std::string_view::npos) return taken;
      const std::string_view line = rest.substr(0, end);
      size_t bytes = end + 2;
      if (line.starts_with("MSG ")) {
        bytes += std::stoul(std::string(line.substr(line.rfind(' ') + 1))) + 2;
        if (bytes > rest.size()) return taken;
        const std::string_view body = rest.substr(end + 2, bytes - end - 2);
        if (body.find("\"error\"") != std::string_view::npos) die("nats: " + std::string(body));
        ++taken.answers;
      } else if (line.starts_with("-ERR")) {
        die("nats: " + std::string(line));
      }
      taken.bytes += bytes;
    }
  }

 private:
  const Work work_;
  std::string publishes_;
};

}  // namespace

std::unique_ptr<Talk> nats_talk(const Work& work) { return std::make_unique<NatsTalk>(work); }

}  // namespace load
