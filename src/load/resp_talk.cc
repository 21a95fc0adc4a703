// Our own server in RESP.
#include <algorithm>
#include <array>

#include "load/requests.h"
#include "load/resp_put.h"
#include "load/resp_scan.h"
#include "load/talk.h"

namespace load {
namespace {

// The records of a DEQUEUE's answer: a list of lists of name, value, name, value …
class Records {
 public:
  void clear() {
    messages_.clear();
    name_ = {};
    left_ = skip_ = 0;
    depth_ = 0;
  }
  // Values as they come; lists inside a record (its headers) are passed over.
  void add(const RespValue& value) {
    if (depth_ == 0) {  // The list of all.
      depth_ = 1;
      return;
    }
    if (depth_ == 1) {  // A record.
      messages_.emplace_back();
      left_ = value.number;
      if (left_ > 0) depth_ = 2;
      return;
    }
    if (skip_ > 0) {
      --skip_;
      if (value.kind == '*') skip_ += std::max<int64_t>(value.number, 0);
    } else {
      field(value);
    }
    if (skip_ == 0 && left_ == 0) depth_ = 1;
  }
  std::span<const Message> messages() const { return messages_; }

 private:
  void field(const RespValue& value) {
    --left_;
    if (left_ % 2 == 1) {
      name_ = value.text;
      return;
    }
    if (value.kind == '*') skip_ = std::max<int64_t>(value.number, 0);
    Message& one = messages_.back();
    if (name_ == "queue") one.queue = value.text;
    if (name_ == "id") one.id = value.text;
    if (name_ == "receipt") one.receipt = value.text;
    if (name_ == "body") one.body = value.text;
    if (name_ == "key") one.key = value.text;
    if (name_ == "attempt") one.attempt = value.number;
    if (name_ == "priority") one.priority = value.number;
    if (name_ == "enqueued_at_ms") one.enqueued_ms = value.number;
    if (name_ == "lease_until_ms") one.until_ms = value.number;
  }

  std::vector<Message> messages_;
  std::string_view name_;
  int64_t left_ = 0, skip_ = 0;
  int depth_ = 0;
};

class RespTalk final : public Talk {
 public:
  explicit RespTalk(const Work& work) : preparing_(preparing(work)) {
    for (size_t i = 0; i < kVerbs; ++i) {
      const Words words = request_of(work, static_cast<Verb>(i));
      if (!words.empty()) stencils_[i] = resp_stencil(words, work.spelling);
    }
  }

  base::Result<Greeting> greet(std::string_view in, std::string& out, bool first) override {
    if (!first || preparing_.empty()) return Greeting{};
    if (!asked_) {
      asked_ = true;
      for (const Words& words : preparing_) put_words(out, words);
    }
    RespScan scan(in);
    std::string refused;
    while (prepared_ < preparing_.size()) {
      const Scan found = scan.next([&](const RespValue& value) {
        if (value.kind == '-') refused = value.text;
      });
      if (!refused.empty()) return base::invalid("--durability: " + refused);
      if (found == Scan::kBroken) return base::invalid("the answer is no RESP");
      if (found == Scan::kMore) break;
      ++prepared_;
    }
    return Greeting{scan.passed(), prepared_ == preparing_.size()};
  }

  void put(std::string& out, const Ask& ask) override {
    if (ask.verb == Verb::kAck) {
      put_list(out, ask.receipts.size() + 1);
      put_bulk(out, "ACK");
      for (const std::string& receipt : ask.receipts) put_bulk(out, receipt);
    } else {
      stencils_[static_cast<size_t>(ask.verb)].append(out, ask.draw);
    }
  }

  base::Result<size_t> take(std::string_view in, Answered& to) override {
    RespScan scan(in);
    while (to.owed()) {
      const Verb verb = to.oldest();
      const Scan found = verb == Verb::kDequeue ? take_messages(scan) : take_plain(scan, verb);
      if (found == Scan::kBroken) return base::invalid("the answer is no RESP");
      if (found == Scan::kMore) break;
      to.answered(answer_);
    }
    return scan.passed();
  }

 private:
  // What tells of the outcome stands in front: "allowed" and its truth; 0 or 1 of a throttle.
  Scan take_plain(RespScan& scan, Verb verb) {
    size_t index = 0;
    RespValue front[3];
    const Scan found = scan.next([&](const RespValue& value) {
      if (index < 3) front[index++] = value;
    });
    if (found != Scan::kWhole) return found;
    answer_ = {};
    if (front[0].kind == '-') {
      answer_ = {.kind = Answer::Kind::kError, .text = front[0].text};
    } else if (verb == Verb::kCheck && front[2].number == 0) {
      answer_.kind = Answer::Kind::kRefused;
    } else if (verb == Verb::kThrottle && front[1].number != 0) {
      answer_.kind = Answer::Kind::kRefused;
    } else if (verb == Verb::kAck) {
      answer_.count = static_cast<uint64_t>(std::max<int64_t>(front[0].number, 0));
    } else {
      answer_.text = front[0].text;
    }
    return found;
  }

  Scan take_messages(RespScan& scan) {
    records_.clear();
    RespValue front;
    const Scan found = scan.next([&](const RespValue& value) {
      if (front.kind == 0) front = value;
      records_.add(value);
    });
    if (found != Scan::kWhole) return found;
    answer_ = {};
    if (front.kind == '-') {
      answer_ = {.kind = Answer::Kind::kError, .text = front.text};
    } else if (records_.messages().empty()) {
      answer_.kind = Answer::Kind::kEmpty;
    } else {
      answer_.messages = records_.messages();
    }
    return found;
  }

  const std::vector<Words> preparing_;
  bool asked_ = false;
  size_t prepared_ = 0;
  std::array<Stencil, kVerbs> stencils_;
  Records records_;
  Answer answer_;
};

}  // namespace

std::unique_ptr<Talk> resp_talk(const Work& work) { return std::make_unique<RespTalk>(work); }

}  // namespace load
