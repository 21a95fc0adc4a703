#include "load/recorder.h"

#include <cerrno>
#include <cstring>

namespace load {
namespace {

// As one word; equal texts are equal words.
std::string word(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%' && c != ',') {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

// What an error leaves open.
std::string_view failure(const Answer& answer) {
  return answer.text.find("UNKNOWN") != answer.text.npos ? "info" : "fail";
}

std::string law_text(const Law& law) {
  return "gcra=" + std::to_string(law.count) + '/' + std::to_string(law.period.count()) +
         " burst=" + std::to_string(law.burst);
}

}  // namespace

base::Result<std::unique_ptr<Recorder>> Recorder::make(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr)
    return base::Error{base::Code::kIo, "--record: " + path + ": " + std::strerror(errno), {}};
  return std::unique_ptr<Recorder>(new Recorder(file));
}

Recorder::~Recorder() {
  const base::Status closed = close();
  (void)closed;
}

void Recorder::add(std::string_view lines) {
  const base::Guard guard(mutex_);
  if (file_ == nullptr) return;
  if (std::fwrite(lines.data(), 1, lines.size(), file_) != lines.size()) failed_ = true;
}

base::Status Recorder::close() {
  const base::Guard guard(mutex_);
  if (file_ == nullptr) return {};
  if (std::fclose(std::exchange(file_, nullptr)) != 0) failed_ = true;
  if (failed_) return base::Error{base::Code::kIo, "--record: not all could be written", {}};
  return {};
}

std::string Lines::head(const Work& work, const Law* law) {
  std::string text = "history 1\n";
  std::string queues;
  for (uint64_t i = 0; i < work.spelling.queues; ++i) {
    const std::string queue = word(work.spelling.queue_name(i));
    queues += (queues.empty() ? "" : ",") + queue;
    if (!work.durability) continue;
    text += "queue 0 " + queue +
            " durability=" + std::string(kDurabilityNames[static_cast<size_t>(*work.durability)]) +
            '\n';
  }
  if (law != nullptr) {
    text += "limit 0 0 bench " + law_text(*law) + '\n';
    text += "limit 0 0 deliveries " + law_text(*law) + " by=queue queues=" + queues + '\n';
  }
  return text;
}

std::string Lines::wake(base::Time at, std::string_view queue, base::Duration within) {
  return "wake " + std::to_string(base::nanoseconds(at)) + ' ' + word(queue) +
         " within=" + std::to_string(base::ceil_ms(within)) + '\n';
}

void Lines::begin(std::string_view verb, base::Time from, base::Time to) {
  if (text_.size() > kBlockBytes) flush();
  text_ += verb;
  text_ += ' ' + std::to_string(base::nanoseconds(from)) + ' ' +
           std::to_string(base::nanoseconds(to)) + ' ';
}

void Lines::flush() {
  if (!text_.empty()) file_.add(text_);
  text_.clear();
}

void Lines::answered(std::string_view connection, const Open& open, const Answer& answer,
                     base::Time now) {
  const bool error = answer.kind == Answer::Kind::kError;
  switch (open.verb) {
    case Verb::kCheck:
      outcome_line(open,
                   answer.kind == Answer::Kind::kOk ? "ok"
                   : error                          ? failure(answer)
                                                    : "fail",
                   {}, now);
      break;
    case Verb::kEnqueue:
      outcome_line(open, error ? failure(answer) : "ok", error ? "" : answer.text, now);
      break;
    case Verb::kAck:
      outcome_line(open,
                   error                                  ? failure(answer)
                   : answer.count == open.receipts.size() ? "ok"
                   : answer.count == 0                    ? "fail"
                                                          : "info",
                   {}, now);
      break;
    case Verb::kDequeue:
      if (error && failure(answer) == "info") unknown(open, now);
      for (const Message& one : answer.messages) delivered(connection, open, one, now);
      break;
    default:
      break;
  }
}

void Lines::unknown(const Open& open, base::Time now) {
  if (open.verb != Verb::kDequeue) return outcome_line(open, "info", {}, now);
  begin("dequeue", open.sent, now);
  text_ += "info " + word(work_.spelling.queue_name(open.draw.queue)) + '\n';
}

void Lines::outcome_line(const Open& open, std::string_view outcome, std::string_view id,
                         base::Time now) {
  const std::string as(outcome);
  if (open.verb == Verb::kAck) {
    for (const std::string& receipt : open.receipts) {
      begin("ack", open.sent, now);
      text_ += as + ' ' + word(receipt) + '\n';
    }
  } else if (open.verb == Verb::kCheck) {
    begin("check", open.sent, now);
    text_ += as + " bench " + key_text(open.draw.key) + '\n';
  } else if (open.verb == Verb::kEnqueue) {
    begin("enqueue", open.sent, now);
    text_ += as + ' ' + word(work_.spelling.queue_name(open.draw.queue)) + ' ' +
             work_.spelling.body_name(open.draw.number);
    if (!id.empty()) text_ += " id=" + word(id);
    if (work_.message_keys) text_ += " key=" + key_text(open.draw.key);
    if (work_.dedup) text_ += " dedup=" + work_.spelling.dedup_id(open.draw.number);
    text_ += '\n';
  }
}

void Lines::delivered(std::string_view connection, const Open& open, const Message& one,
                      base::Time now) {
  begin("deliver", open.sent, now);
  text_ += word(one.queue) + ' ' + word(one.id) + ' ' + word(one.receipt) + ' ' +
           word(one.body.substr(0, Spelling::kNameBytes));
  text_ += " conn=";
  text_ += connection;
  text_ += " attempt=" + std::to_string(one.attempt) + " until=" + std::to_string(one.until_ms) +
           " lease=" + std::to_string(work_.lease_ms) +
           " enqueued=" + std::to_string(one.enqueued_ms) +
           " priority=" + std::to_string(one.priority);
  if (!one.key.empty()) text_ += " key=" + word(one.key);
  text_ += '\n';
}

void Lines::closed(std::string_view connection, base::Time from, base::Time to) {
  begin("close", from, to);
  text_ += connection;
  text_ += '\n';
}

}  // namespace load
