// The bodies of the queues' routes: messages, receipts, settings.
#include <array>
#include <charconv>

#include "base/base64.h"
#include "base/check.h"
#include "command/http_body.h"
#include "command/queue_bounds.h"
#include "command/queue_option.h"

namespace command {
namespace {

using Kind = JsonValue::Kind;

constexpr FieldSet kOneBody = kBodyText | kBodyBase64;

std::string sized(std::string_view things, int64_t min, int64_t max, size_t found) {
  return "must have " + std::to_string(min) + " to " + std::to_string(max) + " " +
         std::string(things) + ", not " + std::to_string(found);
}

}  // namespace

base::Status Bodies::read_number(size_t at, const BodyField& field, Body& body) const {
  const base::Result<int64_t> number = read_integer(at, field);
  if (!number) return number.error();
  switch (field.bit) {
    case kBodyCost:
      body.ask.cost = body.message.cost = *number;
      break;
    case kBodyTtlMs:
      body.ttl_ms = *number;
      break;
    case kBodyMs:
      body.ms = *number;
      break;
    case kBodyWaitMs:
      body.wait_ms = *number;
      break;
    case kBodyPriority:
      body.message.priority = static_cast<uint32_t>(*number);
      break;
    case kBodyDelayMs:
      body.message.delay = std::chrono::milliseconds(*number);
      break;
    case kBodyMessageTtlMs:
      body.message.ttl = std::chrono::milliseconds(*number);
      break;
    case kBodyAttempts:
      body.message.attempts = static_cast<uint16_t>(*number);
      break;
    case kBodyLeaseMs:
      body.lease_ms = *number;
      break;
    case kBodyCount:
    case kBodyHowMany:
      body.count = *number;
      break;
    default:
      break;
  }
  return {};
}

base::Status Bodies::read_truth(size_t at, const BodyField& field, Body& body) const {
  if (json_.at(at).kind != Kind::kTruth) return fault(at, "must be true or false");
  (field.bit == kBodyDead ? body.dead : body.ask.dry_run) = json_.at(at).integer != 0;
  return {};
}

base::Status Bodies::read_word(size_t at, const BodyField& field, Body& body) {
  const base::Result<std::string_view> text = read_text(at);
  if (!text) return text.error();
  if (field.max > 0 && text->size() > static_cast<size_t>(field.max)) {
    return fault(
        at, "has " + std::to_string(text->size()) + " bytes; at most " + std::to_string(field.max));
  }
  if (field.bit == kBodyDirection && *text != "in" && *text != "out" && *text != "both") {
    return fault(at, "must be in, out or both");
  }
  if (field.bit == kBodyDomain) body.ask.domain = *text;
  if (field.bit == kBodyText) body.message.body = *text;
  if (field.bit == kBodyKey) body.message.key = *text;
  if (field.bit == kBodyDedup) body.message.dedup = *text;
  if (field.bit == kBodyReason) body.reason = *text;
  if (field.bit == kBodyRate) body.rate = *text;
  if (field.bit == kBodyDirection) body.direction = *text;
  return {};
}

base::Status Bodies::read_base64(size_t at, const BodyField& field, Body& body) {
  const base::Result<std::string_view> text = read_text(at);
  if (!text) return text.error();
  std::optional<std::string> bytes = base::from_base64(*text);
  if (!bytes) return fault(at, "must be base64 with padding (RFC 4648, section 4)");
  if (bytes->size() > static_cast<size_t>(field.max)) {
    return fault(at, "has " + std::to_string(bytes->size()) + " bytes; at most " +
                         std::to_string(field.max));
  }
  decoded_.push_back(*std::move(bytes));
  body.message.body = decoded_.back();
  return {};
}

base::Status Bodies::read_texts(size_t at, const BodyField& field, Body& body) {
  const JsonValue& list = json_.at(at);
  if (list.kind != Kind::kList) return fault(at, "must be a list of strings");
  if (list.size < field.min || list.size > field.max) {
    return fault(at, sized("strings", field.min, field.max, list.size));
  }
  CHECK(texts_.size() + list.size <= texts_.capacity());
  for (size_t item = at + 1; item < list.end; item = json_.at(item).end) {
    const base::Result<std::string_view> text = read_text(item);
    if (!text) return text.error();
    const base::Status name = field.bit == kBodyQueues ? check_queue_name(*text) : base::Status();
    if (!name) return base::invalid(json_.path(item) + ": " + name.error().what, json_.path(item));
    texts_.push_back(*text);
  }
  body.texts = std::span(texts_).last(list.size);
  return {};
}

base::Status Bodies::read_headers(size_t at, Body& body) {
  const JsonValue& record = json_.at(at);
  if (record.kind != Kind::kRecord) return fault(at, "must be an object of strings");
  CHECK(headers_.size() + record.size <= headers_.capacity());
  for (size_t member = at + 1; member < record.end; member = json_.at(member).end) {
    const base::Result<std::string_view> value = read_text(member);
    if (!value) return value.error();
    headers_.push_back({json_.at(member).name, *value});
  }
  body.message.headers = std::span(headers_).last(record.size);
  const base::Status status = check_headers("headers", body.message.headers);
  if (!status) return base::invalid(status.error().what, json_.path(at));
  return {};
}

base::Status Bodies::read_message(size_t at, const BodyShape& shape) {
  const BodyShape message = {BodyShape::Kind::kRecord, shape.fields, shape.required};
  if (const base::Status status = read_record(at, message); !status) return status;
  const FieldSet given = bodies_.back().given;
  if ((given & kOneBody) == kOneBody) {
    std::string both = json_.path(at);
    both.append(both.empty() ? "" : ".").append("body_base64");
    return base::invalid(both + " must not stand beside body", both);
  }
  if ((given & kOneBody) != 0) return {};
  std::string path = json_.path(at);
  path.append(path.empty() ? "" : ".").append("body");
  return base::invalid(path + " is missing", path);
}

base::Status Bodies::read_messages(const BodyShape& shape) {
  const JsonValue& whole = json_.at(0);
  const bool many = whole.kind == Kind::kRecord && whole.size > 0 && json_.at(1).name == "messages";
  if (!many) return read_message(0, shape);
  if (whole.size != 1) return fault(json_.at(1).end, "is no field beside messages");
  const JsonValue& list = json_.at(1);
  if (list.kind != Kind::kList) return fault(1, "must be a list of messages");
  if (list.size == 0 || list.size > kMessagesMax) {
    return fault(1, sized("messages", 1, kMessagesMax, list.size));
  }
  bodies_.reserve(list.size);
  for (size_t item = 2; item < list.end; item = json_.at(item).end) {
    if (const base::Status status = read_message(item, shape); !status) return status;
  }
  return {};
}

// A level's name is one option's begin up to the dot.
base::Status Bodies::read_settings(size_t at, std::string_view level) {
  const JsonValue& record = json_.at(at);
  if (record.kind != Kind::kRecord) return fault(at, "must be an object");
  if (level == "weights.") change_.forget_weights();
  for (size_t member = at + 1; member < record.end; member = json_.at(member).end) {
    const std::string name = std::string(level).append(json_.at(member).name);
    const std::string inner = name + ".";
    const auto begins = [&inner](const QueueOption& option) {
      return option.name.starts_with(inner);
    };
    const bool deeper = level.empty() && std::ranges::any_of(queue_options(), begins);
    const base::Status status = deeper ? read_settings(member, inner) : read_option(member, name);
    if (!status) return status;
  }
  return {};
}

base::Status Bodies::read_option(size_t at, std::string_view name) {
  const QueueOption* const option = find_queue_option(name);
  if (option == nullptr) return fault(at, "is no option of a queue");
  const base::Result<std::string> word = option_word(at, *option);
  if (!word) return word.error();
  queue::Settings scratch;
  const base::Status status = set_queue_option(name, *word, scratch);
  if (!status) return base::invalid(status.error().what, json_.path(at));
  change_.add(name, *word);
  return {};
}

// As the option's type says; the word is what QUEUE SET would be told.
base::Result<std::string> Bodies::option_word(size_t at, const QueueOption& option) const {
  using Type = QueueOption::Type;
  const JsonValue& value = json_.at(at);
  const bool counted = option.type == Type::kSpan || option.type == Type::kSize;
  switch (option.type) {
    case Type::kTruth:
      if (value.kind != Kind::kTruth) return fault(at, "must be true or false");
      return std::string(value.integer != 0 ? "true" : "false");
    case Type::kTexts:
      return template_words(at);
    case Type::kDecimal:
      if (value.kind == Kind::kNumber) return plain_decimal(at);
      [[fallthrough]];
    case Type::kInteger:
    case Type::kSpan:
    case Type::kSize:
      if (value.kind == Kind::kInteger) return std::to_string(value.integer);
      if (!counted) return fault(at, "must be a number");
      [[fallthrough]];
    default:
      if (value.kind != Kind::kText) {
        return fault(at,
                     counted ? "must be a number, or a string with a unit" : "must be a string");
      }
      return std::string(value.text);
  }
}

// 1e-1 is 0.1.
base::Result<std::string> Bodies::plain_decimal(size_t at) const {
  const std::string_view text = json_.at(at).text;
  double number = 0;
  std::array<char, 512> digits;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, number).ec != std::errc()) {
    return fault(at, "must be a number");
  }
  const auto spelt =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
  if (spelt.ec != std::errc()) return fault(at, "must be a number");
  return std::string(digits.data(), spelt.ptr);
}

base::Result<std::string> Bodies::template_words(size_t at) const {
  const JsonValue& list = json_.at(at);
  if (list.kind != Kind::kList) return fault(at, "must be a list of templates");
  std::string words;
  for (size_t item = at + 1; item < list.end; item = json_.at(item).end) {
    const base::Result<std::string_view> text = read_text(item);
    if (!text) return text.error();
    if (text->empty() || text->find(' ') != std::string_view::npos) {
      return fault(item, "must be a template without spaces (%20 spells one)");
    }
    words.append(words.empty() ? "" : " ").append(*text);
  }
  return words;
}

}  // namespace command
