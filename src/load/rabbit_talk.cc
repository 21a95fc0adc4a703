// RabbitMQ, AMQP 0-9-1: persistent messages to a quorum queue, with publisher confirms.
#include <set>

#include "load/talk.h"

namespace load {
namespace {

constexpr uint8_t kMethod = 1, kHeader = 2, kBody = 3, kFrameEnd = 0xce;
constexpr size_t kFrameHead = 7;
constexpr uint32_t kFrameMax = 131072;
constexpr uint32_t kBasicAck = 60 << 16 | 80, kBasicNack = 60 << 16 | 120;
constexpr uint32_t kCloseConnection = 10 << 16 | 50, kCloseChannel = 20 << 16 | 40;

class Bytes {
 public:
  template <typename T>
  Bytes& number(T value) {
    for (size_t i = sizeof value; i-- > 0;)
      bytes_ += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
    return *this;
  }
  Bytes& short_text(std::string_view text) {
    number(static_cast<uint8_t>(text.size()));
    bytes_ += text;
    return *this;
  }
  Bytes& long_text(std::string_view text) {
    number(static_cast<uint32_t>(text.size()));
    bytes_ += text;
    return *this;
  }
  Bytes& method(uint16_t group, uint16_t name) { return number(group).number(name); }
  const std::string& text() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string frame(uint8_t type, uint16_t channel, std::string_view payload) {
  return Bytes().number(type).number(channel).long_text(payload).number(kFrameEnd).text();
}

std::string call(uint16_t channel, const Bytes& method) {
  return frame(kMethod, channel, method.text());
}

uint64_t number_at(std::string_view in, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(in[at + i]);
  return value;
}

// Of the frame in front; 0: it is not all there.
base::Result<size_t> frame_bytes(std::string_view in) {
  if (in.size() < kFrameHead) return size_t{0};
  const size_t bytes = kFrameHead + number_at(in, 3, 4) + 1;
  if (bytes > size_t{kFrameMax} + kFrameHead) return base::invalid("rabbit: no frame of AMQP");
  if (bytes > in.size()) return size_t{0};
  if (static_cast<uint8_t>(in[bytes - 1]) != kFrameEnd)
    return base::invalid("rabbit: no frame of AMQP");
  return bytes;
}

uint32_t method_of(std::string_view one) {
  if (one.size() < kFrameHead + 5 || one[0] != kMethod) return 0;
  return static_cast<uint32_t>(number_at(one, kFrameHead, 4));
}

// One message, from its publish to its last frame. The body is cut as frames must be.
std::string publish(const Spelling& spelling) {
  const size_t most = kFrameMax - kFrameHead - 1;
  std::string out = call(1, Bytes()
                                .method(60, 40)
                                .number(uint16_t{0})
                                .short_text("")
                                .short_text(spelling.queue)
                                .number(uint8_t{0}));
  out += frame(kHeader, 1,
               Bytes()
                   .method(60, 0)
                   .number(uint64_t{spelling.body_bytes})
                   .number(uint16_t{0x1000})  // delivery-mode
                   .number(uint8_t{2})        // is persistent.
                   .text());
  const std::string body(spelling.body_bytes, 'x');
  for (size_t at = 0; at < body.size(); at += most)
    out += frame(kBody, 1, std::string_view(body).substr(at, most));
  return out;
}

// What is said before the load; each waits for one answer.
std::vector<std::string> introduction(const std::string& queue) {
  const Bytes quorum = Bytes().short_text("x-queue-type").number('S').long_text("quorum");
  return {
      std::string("AMQP\0\0\x09\x01", 8),
      call(0, Bytes()
                  .method(10, 11)
                  .long_text("")
                  .short_text("PLAIN")
                  .long_text(std::string_view("\0guest\0guest", 12))
                  .short_text("en_US")),
      call(0, Bytes().method(10, 31).number(uint16_t{2047}).number(kFrameMax).number(uint16_t{0})) +
          call(0, Bytes().method(10, 40).short_text("/").short_text("").number(uint8_t{0})),
      call(1, Bytes().method(20, 10).short_text("")),
      call(1, Bytes()
                  .method(50, 10)
                  .number(uint16_t{0})
                  .short_text(queue)
                  .number(uint8_t{2})  // Durable.
                  .long_text(quorum.text())),
      call(1, Bytes().method(85, 10).number(uint8_t{0})),
  };
}

class RabbitTalk final : public Talk {
 public:
  explicit RabbitTalk(const Work& work)
      : introduction_(introduction(work.spelling.queue)), publish_(publish(work.spelling)) {}

  base::Result<Greeting> greet(std::string_view in, std::string& out, bool) override {
    if (said_ == 0) out += introduction_[said_++];
    Greeting greeting{.used = 0, .done = false};
    for (;;) {
      const base::Result<size_t> bytes = frame_bytes(in.substr(greeting.used));
      if (!bytes) return bytes.error();
      if (*bytes == 0) return greeting;
      const std::string_view one = in.substr(greeting.used, *bytes);
      const uint32_t method = method_of(one);
      if (method == kCloseConnection || method == kCloseChannel) return base::invalid(why(one));
      greeting.used += *bytes;
      if (said_ == introduction_.size()) {
        greeting.done = true;
        return greeting;
      }
      out += introduction_[said_++];
    }
  }

  void put(std::string& out, const Ask&) override { out += publish_; }

  base::Result<size_t> take(std::string_view in, Answered& to) override {
    for (size_t used = 0;;) {
      const base::Result<size_t> bytes = frame_bytes(in.substr(used));
      if (!bytes) return bytes.error();
      if (*bytes == 0) return used;
      const std::string_view one = in.substr(used, *bytes);
      used += *bytes;
      const uint32_t method = method_of(one);
      if (method == 0) continue;  // A heartbeat.
      if ((method != kBasicAck && method != kBasicNack) || one.size() < kFrameHead + 13)
        return base::invalid(why(one));
      Answer answer;
      if (method == kBasicNack) answer = {.kind = Answer::Kind::kError, .text = "rabbit: nack"};
      size_t news = confirm(number_at(one, kFrameHead + 4, 8), one[kFrameHead + 12] != 0);
      for (; news > 0 && to.owed(); --news) to.answered(answer);
      if (news > 0) return base::invalid("rabbit: a confirm that nobody asked for");
    }
  }

 private:
  static std::string why(std::string_view one) {
    std::string text = "rabbit: ";
    for (const char c : one.substr(std::min(one.size(), kFrameHead + 7))) {
      if (c >= ' ' && c < 0x7f) text += c;
    }
    return text;
  }

  // How many that are new. `up_to`: all before it too.
  size_t confirm(uint64_t tag, bool up_to) {
    size_t news = 0;
    if (up_to) {
      const auto end = early_.upper_bound(tag);
      const auto known = static_cast<size_t>(std::distance(early_.begin(), end));
      if (tag > confirmed_) news = tag - confirmed_ - known;
      early_.erase(early_.begin(), end);
      confirmed_ = std::max(confirmed_, tag);
    } else {
      news = tag > confirmed_ && early_.insert(tag).second ? 1 : 0;
    }
    for (; early_.erase(confirmed_ + 1) > 0; ++confirmed_) {
    }
    return news;
  }

  const std::vector<std::string> introduction_;
  const std::string publish_;
  size_t said_ = 0;
  uint64_t confirmed_ = 0;    // All tags up to it.
  std::set<uint64_t> early_;  // Tags beyond it.
};

}  // namespace

std::unique_ptr<Talk> rabbit_talk(const Work& work) { return std::make_unique<RabbitTalk>(work); }

}  // namespace load
