// NATS JetStream. Each request names this connection's inbox, where its answer arrives: the
// stream's word that it has stored a message, a message that was pulled, or an empty one that says
// that an acknowledgement was taken.
#include "base/number.h"
#include "load/talk.h"

namespace load {
namespace {

constexpr size_t kNatsLineMax = 64 * 1024;

std::string publish(const std::string& subject, const std::string& inbox, const std::string& text) {
  return "PUB " + subject + ' ' + inbox + ' ' + std::to_string(text.size()) + "\r\n" + text +
         "\r\n";
}

// A line of the server, with the payload behind it, if it has one.
struct Frame {
  std::string_view line, reply_to, head, payload;
  size_t bytes = 0;  // 0: it is not all there.
};

// `MSG subject sid [reply-to] bytes` and `HMSG subject sid [reply-to] head-bytes bytes`.
base::Result<Frame> read_payload(std::string_view in, Frame frame, bool with_head) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < frame.line.size();) {
    const size_t end = std::min(frame.line.find(' ', at), frame.line.size());
    if (end > at) words.push_back(frame.line.substr(at, end - at));
    at = end + 1;
  }
  const size_t fixed = with_head ? 5 : 4;
  if (words.size() < fixed) return base::invalid("nats: " + std::string(frame.line));
  const auto bytes = base::parse_integer(words.back());
  const auto head = with_head ? base::parse_integer(words[words.size() - 2]) : 0;
  if (!bytes || !head || *head < 0 || *bytes < *head)
    return base::invalid("nats: " + std::string(frame.line));
  if (words.size() > fixed) frame.reply_to = words[3];
  const auto size = static_cast<size_t>(*bytes), head_size = static_cast<size_t>(*head);
  if (frame.bytes + size + 2 > in.size()) return Frame{};
  frame.head = in.substr(frame.bytes, head_size);
  frame.payload = in.substr(frame.bytes + head_size, size - head_size);
  frame.bytes += size + 2;
  return frame;
}

base::Result<Frame> read_frame(std::string_view in) {
  const size_t end = in.find("\r\n");
  if (end == in.npos) {
    if (in.size() > kNatsLineMax) return base::invalid("nats: the answer is no line");
    return Frame{};
  }
  Frame frame{
      .line = in.substr(0, end), .reply_to = {}, .head = {}, .payload = {}, .bytes = end + 2};
  if (frame.line.starts_with("MSG ")) return read_payload(in, frame, false);
  if (frame.line.starts_with("HMSG ")) return read_payload(in, frame, true);
  return frame;
}

// A pull that does not wait at all (no_wait) is told now and then that there is nothing although
// there is, or nothing at all. In a cycle what is pulled is surely there soon.
int64_t patience_ms(const Work& work) {
  if (work.wait_ms > 0) return work.wait_ms;
  return work.shape == Shape::kCycle ? 5000 : 100;
}

class NatsTalk final : public Talk {
 public:
  NatsTalk(const Work& work, unsigned connection)
      : work_(work),
        inbox_("_INBOX." + std::to_string(work.seed) + '.' + std::to_string(connection)),
        publish_("PUB " + work.spelling.queue + ' ' + inbox_ + ' ' +
                     std::to_string(work.spelling.body_bytes) + "\r\n{body}\r\n",
                 work.spelling),
        pull_(publish(
            "$JS.API.CONSUMER.MSG.NEXT." + work.spelling.queue + ".bench", inbox_,
            "{\"batch\":1,\"expires\":" + std::to_string(patience_ms(work) * 1'000'000) + '}')) {}

  base::Result<Greeting> greet(std::string_view in, std::string& out, bool first) override {
    Greeting greeting{.used = 0, .done = false};
    for (;;) {
      const base::Result<Frame> frame = read_frame(in.substr(greeting.used));
      if (!frame) return frame.error();
      if (frame->bytes == 0) return greeting;
      greeting.used += frame->bytes;
      if (frame->line.starts_with("-ERR") || frame->payload.find("\"error\"") != in.npos) {
        return base::invalid("nats: " +
                             std::string(frame->payload.empty() ? frame->line : frame->payload));
      }
      if (frame->line.starts_with("INFO ")) {
        introduce(out, first);
      } else if (frame->line == "PONG" || !frame->payload.empty()) {
        --awaited_;
      }
      greeting.done = introduced_ && awaited_ == 0;
      if (greeting.done) return greeting;
    }
  }

  void put(std::string& out, const Ask& ask) override {
    if (pong_owed_) out += "PONG\r\n";
    pong_owed_ = false;
    if (ask.verb == Verb::kPing) out += "PING\r\n";
    if (ask.verb == Verb::kEnqueue) publish_.append(out, ask.draw);
    if (ask.verb == Verb::kDequeue) out += pull_;
    if (ask.verb == Verb::kAck) out += publish(ask.receipts.front(), inbox_, "+ACK");
  }

  base::Result<size_t> take(std::string_view in, Answered& to) override {
    for (size_t used = 0;;) {
      const base::Result<Frame> frame = read_frame(in.substr(used));
      if (!frame) return frame.error();
      if (frame->bytes == 0) return used;
      used += frame->bytes;
      if (frame->line == "PING") {  // Answered with the next request.
        pong_owed_ = true;
      } else if (frame->line.starts_with("-ERR")) {
        return base::invalid("nats: " + std::string(frame->line));
      } else if (frame->line != "+OK" && !frame->line.starts_with("INFO ")) {
        if (!to.owed()) return base::invalid("nats: an answer that nobody asked for");
        to.answered(answer_of(*frame, to.oldest()));
      }
    }
  }

 private:
  void introduce(std::string& out, bool first) {
    introduced_ = true;
    out += R"(CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true})";
    out += "\r\nSUB " + inbox_ + " 1\r\n";
    const std::string& queue = work_.spelling.queue;
    const bool memory = work_.durability == Durability::kMemory;
    const bool queues = work_.shape != Shape::kMix || work_.mix.front().verb != Verb::kPing;
    if (first && queues) {
      out += publish("$JS.API.STREAM.CREATE." + queue, inbox_,
                     R"({"name":")" + queue + R"(","subjects":[")" + queue + R"("],"storage":")" +
                         (memory ? "memory" : "file") +
                         R"(","retention":"workqueue","num_replicas":1})");
      out += publish("$JS.API.CONSUMER.DURABLE.CREATE." + queue + ".bench", inbox_,
                     R"({"stream_name":")" + queue +
                         R"(","config":{"durable_name":"bench","ack_policy":"explicit",)"
                         R"("deliver_policy":"all","max_ack_pending":-1}})");
      awaited_ = 2;
    } else {
      out += "PING\r\n";
      awaited_ = 1;
    }
  }

  Answer answer_of(const Frame& frame, Verb verb) {
    Answer answer;
    if (frame.payload.find("\"error\"") != frame.payload.npos) {
      answer = {.kind = Answer::Kind::kError, .text = frame.payload};
    } else if (verb == Verb::kDequeue && frame.reply_to.empty()) {
      const bool none =
          frame.head.find(" 404") != frame.head.npos || frame.head.find(" 408") != frame.head.npos;
      answer = {.kind = none ? Answer::Kind::kEmpty : Answer::Kind::kError, .text = frame.head};
    } else if (verb == Verb::kDequeue) {
      message_ = {.receipt = frame.reply_to, .body = frame.payload};
      answer.messages = {&message_, 1};
    } else if (!frame.head.empty()) {  // "No responders": there is no such stream.
      answer = {.kind = Answer::Kind::kError, .text = frame.head};
    } else if (verb == Verb::kAck) {
      answer.count = 1;
    }
    return answer;
  }

  const Work work_;
  const std::string inbox_;
  const Stencil publish_;
  const std::string pull_;
  bool introduced_ = false, pong_owed_ = false;
  int awaited_ = 0;
  Message message_;
};

}  // namespace

std::unique_ptr<Talk> nats_talk(const Work& work, unsigned connection) {
  return std::make_unique<NatsTalk>(work, connection);
}

}  // namespace load
