// RabbitMQ, AMQP 0-9-1: persistent messages to a quorum queue, with publisher confirms.
#include <set>

#include "load/die.h"
#include "load/talk.h"

namespace load {
namespace {

constexpr uint8_t kMethod = 1, kHeader = 2, kBody = 3, kFrameEnd = 0xce;
constexpr size_t kFrameHead = 7;
constexpr uint32_t kAck = 60 << 16 | 80;

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

uint64_t number_at(std::string_view in, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(in[at + i]);
  return value;
}

// Of the frame in front; 0: it is not all there.
size_t frame_bytes(std::string_view in) {
  if (in.size() < kFrameHead) return 0;
  const size_t bytes = kFrameHead + number_at(in, 3, 4) + 1;
  return bytes <= in.size() ? bytes : 0;
}

class RabbitTalk final : public Talk {
 public:
  explicit RabbitTalk(const Work& work) : work_(work) {
    const std::string one = frame(kMethod, 1,
                                  Bytes()
                                      .method(60, 40)
                                      .number(uint16_t{0})
                                      .short_text("")
                                      .short_text(work.queue)
                                      .number(uint8_t{0})
                                      .text()) +
                            frame(kHeader, 1,
                                  Bytes()
                                      .method(60, 0)
                                      .number(uint64_t{work.body_bytes})
                                      .number(uint16_t{0x1000})  // delivery-mode
                                      .number(uint8_t{2})        // is persistent.
                                      .text()) +
                            frame(kBody, 1, std::string(work.body_bytes, 'x'));
    for (size_t i = 0; i < work.pipeline; ++i) publishes_ += one;
  }

  void greet(int socket) override {
    const auto call = [socket](uint16_t channel, const Bytes& method) {
      say(socket, frame(kMethod, channel, method.text()));
    };
    const auto answer = [socket] {
      const std::string in =
          hear(socket, [](std::string_view text) { return frame_bytes(text) > 0; });
      if (number_at(in, kFrameHead, 4) == (10 << 16 | 50) ||
          number_at(in, kFrameHead, 4) == (20 << 16 | 40)) {
        die("rabbitmq: " + in);
      }
    };
    say(socket, std::string_view("AMQP\0\0\x09\x01", 8));
    answer();
    call(0, Bytes()
                .method(10, 11)
                .long_text("")
                .short_text("PLAIN")
                .long_text(std::string_view("\0guest\0guest", 12))
                .short_text("en_US"));
    answer();
    call(
        0,
        Bytes().method(10, 31).number(uint16_t{2047}).number(uint32_t{131072}).number(uint16_t{0}));
    call(0, Bytes().method(10, 40).short_text("/").short_text("").number(uint8_t{0}));
    answer();
    call(1, Bytes().method(20, 10).short_text(""));
    answer();
    const Bytes arguments = Bytes().short_text("x-queue-type").number('S').long_text("quorum");
    call(1, Bytes()
                .method(50, 10)
                .number(uint16_t{0})
                .short_text(work_.queue)
                .number(uint8_t{2})  // Durable.
                .long_text(arguments.text()));
    answer();
    call(1, Bytes().method(85, 10).number(uint8_t{0}));
    answer();
  }

  Asked ask(std::string& out, uint64_t) override {
    out += publishes_;
    return {work_.pipeline, work_.pipeline};
  }

  Taken take(std::string_view in) override {
    Taken taken;
    while (const size_t bytes = frame_bytes(in.substr(taken.bytes))) {
      const std::string_view one = in.substr(taken.bytes, bytes);
      taken.bytes += bytes;
      if (one[0] != kMethod) continue;
      if (number_at(one, kFrameHead, 4) != kAck) die("rabbitmq: " + std::string(one));
      taken.answers += confirm(number_at(one, kFrameHead + 4, 8), one[kFrameHead + 12] != 0);
    }
    return taken;
  }

 private:
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
      news = early_.insert(tag).second ? 1 : 0;
    }
    for (; early_.erase(confirmed_ + 1) > 0; ++confirmed_) {
    }
    return news;
  }

  const Work work_;
  std::string publishes_;
  uint64_t confirmed_ = 0;    // All tags up to it.
  std::set<uint64_t> early_;  // Tags beyond it.
};

}  // namespace

std::unique_ptr<Talk> rabbit_talk(const Work& work) { return std::make_unique<RabbitTalk>(work); }

}  // namespace load
