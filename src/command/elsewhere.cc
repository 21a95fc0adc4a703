#include "command/elsewhere.h"

#include <string>
#include <vector>

#include "base/check.h"
#include "command/client.h"
#include "command/counters.h"
#include "command/desk.h"
#include "command/replies.h"

namespace command {
namespace {

// The checks of one feed while they are away, with the words that their answers look at.
class Away {
 public:
  Away(const Desk& desk, Seat& seat)
      : pending_(desk.pending), wire_(seat.client.wire), counters_(seat.services.counters) {
    size_t bytes = 0;
    for (const std::string_view word : desk.words) bytes += word.size();
    text_.reserve(bytes);  // The views point into it.
    words_.reserve(desk.words.size());
    for (const std::string_view word : desk.words) {
      text_ += word;
      words_.push_back(std::string_view(text_).substr(text_.size() - word.size()));
    }
    later_.emplace(seat.replies.defer(wire_, {.hold_up = false, .asked_bytes = bytes}));
  }
  Away(const Away&) = delete;
  Away& operator=(const Away&) = delete;

  void come_back(std::span<const limiter::Answer> answers) {
    std::string out;
    for (size_t i = 0; i < pending_.size() && later_->wanted(); ++i) {
      const auto [verb, first, count] = pending_[i];
      const size_t begin = out.size();
      protocol::Writer writer(wire_, out);
      verb->answer(std::span(words_).subspan(first, count), answers[i], writer);
      CHECK(writer.complete());
      counters_.answered(std::string_view(out).substr(begin));
    }
    later_->fill_many(out);
  }

 private:
  const std::vector<Desk::Pending> pending_;
  const protocol::Wire wire_;
  Counters& counters_;
  std::string text_;
  std::vector<std::string_view> words_;
  std::optional<Later> later_;
};

}  // namespace

void decide_elsewhere(Desk& desk, Seat& seat) {
  std::vector<limiter::Ask> asks;
  asks.reserve(desk.pending.size());
  for (size_t i = 0; i < desk.pending.size(); ++i) asks.push_back(desk.batch.ask(i));
  // Shared, because a std::function is copyable.
  const auto away = std::make_shared<Away>(desk, seat);
  seat.services.decider->decide(
      asks, [away](std::span<const limiter::Answer> answers) { away->come_back(answers); });
  desk.clear();
}

void write_error(const base::Error& error, protocol::Writer& writer) {
  writer.error(error.code, text_of(error));
}

void write_status(const base::Status& status, protocol::Writer& writer) {
  if (!status) return write_error(status.error(), writer);
  writer.simple("OK");
}

std::string text_of(const base::Error& error) {
  return error.code == base::Code::kIo ? "the store cannot be asked: " + error.what : error.what;
}

}  // namespace command
