// Ours and Redis: LPUSH and RPOP of a list, XADD to a stream.
#include <vector>

#include "load/die.h"
#include "load/resp.h"
#include "load/talk.h"

namespace load {
namespace {

void put(std::string& out, std::initializer_list<std::string_view> words) {
  out += '*' + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) {
    out += '$' + std::to_string(word.size()) + "\r\n";
    out += word;
    out += "\r\n";
  }
}

class RespTalk final : public Talk {
 public:
  explicit RespTalk(const Work& work)
      : work_(work), redis_(work.peer != "ratelimmq"), body_(work.body_bytes, 'x') {
    if (same_every_time()) {
      for (size_t i = 0; i < work_.pipeline; ++i) put_one(same_, i);
    }
  }

  void greet(int) override {}

  Asked ask(std::string& out, uint64_t number) override {
    if (work_.verb == Verb::kEnqueue) return enqueue(out, number);
    if (work_.verb == Verb::kDrain) return drain(out, number);
    return work_.overlap ? overlapped(out, number) : in_steps(out, number);
  }

  Taken take(std::string_view in) override {
    RespReader reader(in);
    Taken taken;
    const auto keep = [this](std::string_view text) {
      if (receipt_next_) receipts_.emplace_back(text);
      receipt_next_ = text == "receipt";
    };
    if (work_.verb == Verb::kEnqueue || redis_) {
      while (reader.next([](std::string_view) {})) ++taken.answers;
    } else {
      while (reader.next(keep)) ++taken.answers;
    }
    if (!reader.refused().empty()) die(std::string(reader.refused()));
    taken.bytes = reader.passed();
    return taken;
  }

 private:
  bool same_every_time() const { return work_.queues == 1 && work_.keys == 0 && !work_.dedup; }

  std::string queue_of(uint64_t number) const {
    return work_.queues == 1 ? work_.queue : work_.queue + std::to_string(number % work_.queues);
  }

  void put_one(std::string& out, uint64_t number) const {
    if (work_.peer == "redis") return put(out, {"LPUSH", work_.queue, body_});
    if (redis_) return put(out, {"XADD", work_.queue, "*", "b", body_});
    const std::string queue = queue_of(number), dedup = "id-" + std::to_string(number);
    const std::string key =
        work_.keys > 0 ? "key:" + std::to_string(number % work_.keys) : std::string();
    if (work_.keys > 0 && work_.dedup)
      return put(out, {"ENQUEUE", queue, body_, "KEY", key, "DEDUP", dedup});
    if (work_.keys > 0) return put(out, {"ENQUEUE", queue, body_, "KEY", key});
    if (work_.dedup) return put(out, {"ENQUEUE", queue, body_, "DEDUP", dedup});
    put(out, {"ENQUEUE", queue, body_});
  }

  Asked enqueue(std::string& out, uint64_t number) {
    if (!same_.empty()) {
      out += same_;
    } else {
      const uint64_t first = work_.first + number * work_.pipeline;
      for (size_t i = 0; i < work_.pipeline; ++i) put_one(out, first + i);
    }
    return {work_.pipeline, work_.pipeline};
  }

  Asked take_out(std::string& out, uint64_t number) {
    const std::string queue = queue_of(number);
    const std::string count = std::to_string(work_.count);
    if (work_.count > 0) {
      if (redis_) put(out, {"RPOP", queue, count});
      if (!redis_) put(out, {"DEQUEUE", queue, "COUNT", count});
      return {1, 0};
    }
    const uint64_t first = work_.first + number * work_.pipeline;
    for (size_t i = 0; i < work_.pipeline; ++i)
      put(out, {redis_ ? "RPOP" : "DEQUEUE", queue_of(first + i)});
    return {work_.pipeline, 0};
  }

  // What the answers so far handed out.
  Asked ack(std::string& out) {
    const size_t operations = receipts_.size();
    size_t answers = operations;
    if (work_.count > 0 && operations > 0) {
      out += '*' + std::to_string(operations + 1) + "\r\n$3\r\nACK\r\n";
      for (const std::string& receipt : receipts_)
        out += '$' + std::to_string(receipt.size()) + "\r\n" + receipt + "\r\n";
      answers = 1;
    } else {
      for (const std::string& receipt : receipts_) put(out, {"ACK", receipt});
    }
    receipts_.clear();
    return {answers, operations};
  }

  // Each verb's answers are awaited before the next verb.
  Asked in_steps(std::string& out, uint64_t number) {
    switch (step_++ % (redis_ ? 2 : 3)) {
      case 0:
        return {enqueue(out, number).answers, 0};
      case 1: {
        const Asked asked = take_out(out, number);
        return {asked.answers, redis_ ? work_.pipeline : 0};
      }
      default:
        if (receipts_.empty()) return in_steps(out, number);  // Others were given all.
        return ack(out);
    }
  }

  // All verbs in each batch: what goes in now is acknowledged with the next batch.
  Asked overlapped(std::string& out, uint64_t number) {
    Asked asked = ack(out);
    asked.answers += enqueue(out, number).answers;
    asked.answers += take_out(out, number).answers;
    return asked;
  }

  Asked drain(std::string& out, uint64_t number) {
    Asked asked = ack(out);
    asked.answers += take_out(out, number).answers;
    return asked;
  }

  const Work work_;
  const bool redis_;
  const std::string body_;
  std::string same_;  // A batch, where each is like the other.
  std::vector<std::string> receipts_;
  bool receipt_next_ = false;
  uint64_t step_ = 0;
};

}  // namespace

std::unique_ptr<Talk> resp_talk(const Work& work) { return std::make_unique<RespTalk>(work); }

}  // namespace load
