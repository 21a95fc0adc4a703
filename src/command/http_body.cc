#include "command/http_body.h"

#include <array>
#include <limits>

#include "base/check.h"
#include "command/queue_bounds.h"

namespace command {
namespace {

using Kind = JsonValue::Kind;
using Type = BodyField::Type;

constexpr int64_t kCostMax = std::numeric_limits<int64_t>::max();

constexpr std::array<BodyField, 28> kFields = {{
    {kBodyDomain, "domain", Type::kText, 0, 0, "The domain of the limits."},
    {kBodyDescriptors, "descriptors", Type::kDescriptors, 0, 0,
     "Decided together: all are charged, or none."},
    {kBodyDescriptor, "descriptor", Type::kDescriptor, 0, 0, "The descriptor."},
    {kBodyCost, "cost", Type::kInteger, 0, kCostMax,
     "Units to take. 0 takes nothing and asks whether anything is left."},
    {kBodyTtlMs, "ttl_ms", Type::kInteger, 1, kTtlMsMax, "How long it lives unless it is ended."},
    {kBodyWaitMs, "wait_ms", Type::kInteger, 0, kWaitMsBounds.max,
     "How long the answer may wait until something may go."},
    {kBodyDryRun, "dry_run", Type::kTruth, 0, 0, "Decide, but charge nothing."},
    {kBodyMs, "ms", Type::kInteger, 0, kBlockMsMax,
     "For how long everything is refused; 0 ends a block."},
    {kBodyNoWaitMs, "wait_ms", Type::kInteger, 0, 0, "Only 0: several checks do not wait."},
    {kBodyText, "body", Type::kText, 0, kBodyBytesMax, "The body, as text."},
    {kBodyBase64, "body_base64", Type::kBase64, 0, kBodyBytesMax, "The body, as base64."},
    {kBodyKey, "key", Type::kText, 0, queue::kKeyBytesMax, "Keys take turns; empty: none."},
    {kBodyPriority, "priority", Type::kInteger, kPriorityBounds.min, kPriorityBounds.max,
     "Lower goes first; 1024 when not said."},
    {kBodyDelayMs, "delay_ms", Type::kInteger, kDelayMsBounds.min, kDelayMsBounds.max,
     "Not before so long from now."},
    {kBodyMessageTtlMs, "ttl_ms", Type::kInteger, kMessageTtlMsBounds.min, kMessageTtlMsBounds.max,
     "It expires after so long, unless the queue's own is meant."},
    {kBodyAttempts, "attempts", Type::kInteger, kAttemptsBounds.min, kAttemptsBounds.max,
     "Deliveries that may fail, unless the queue's own are meant."},
    {kBodyDedup, "dedup", Type::kText, 0, queue::kDedupBytesMax,
     "A repeat within the queue's window gets the first message's id."},
    {kBodyHeaders, "headers", Type::kHeaders, 0, queue::kHeadersMax, "Names to texts."},
    {kBodyMessages, "messages", Type::kMessages, 1, kMessagesMax, "All of them, or none."},
    {kBodyQueues, "queues", Type::kTexts, 1, kQueuesOfDequeueMax, "Served in this order."},
    {kBodyCount, "count", Type::kInteger, kCountBounds.min, kCountBounds.max,
     "At most so many messages."},
    {kBodyHowMany, "count", Type::kInteger, 1, kCostMax, "At most so many; all when not said."},
    {kBodyLeaseMs, "lease_ms", Type::kInteger, kLeaseMsBounds.min, kLeaseMsBounds.max,
     "For how long the messages are held."},
    {kBodyReceipts, "receipts", Type::kTexts, 1, kReceiptsMax, "Of messages that are held."},
    {kBodyReason, "reason", Type::kText, 0, queue::kReasonBytesMax, "Why it failed."},
    {kBodyDead, "dead", Type::kTruth, 0, 0, "Not again: straight to the dead letters."},
    {kBodyRate, "rate", Type::kText, 0, 64, "As 10/s; at once when not said."},
    {kBodyDirection, "direction", Type::kText, 0, 0, "`in`, `out` or `both`."},
}};

const BodyField* find_field(std::string_view name, FieldSet of) {
  for (const BodyField& field : kFields) {
    if (field.name == name && (of & field.bit) != 0) return &field;
  }
  return nullptr;
}

std::string between(std::string_view what, int64_t min, int64_t max) {
  return "must " + std::string(what) + " between " + std::to_string(min) + " and " +
         std::to_string(max);
}

std::string not_so_many(std::string_view things, size_t min, size_t max, size_t found) {
  return "must have " + std::to_string(min) + " to " + std::to_string(max) + " " +
         std::string(things) + ", not " + std::to_string(found);
}

}  // namespace

std::span<const BodyField> body_fields() { return kFields; }

base::Error Bodies::fault(size_t at, std::string what) const {
  std::string path = json_.path(at);
  std::string whole = (path.empty() ? "the body" : path) + " " + what;
  return base::invalid(std::move(whole), std::move(path));
}

base::Status Bodies::decode(const BodyShape& shape) {
  entries_.reserve(json_.size() / 3 + 1);  // An entry is three values at least,
  descriptors_.reserve(json_.size());      // a descriptor one,
  texts_.reserve(json_.size());            // and so is a text
  headers_.reserve(json_.size());          // or a header.
  if (shape.kind == BodyShape::Kind::kMessages) return read_messages(shape);
  if (shape.kind == BodyShape::Kind::kSettings) return read_settings(0, {});
  if (shape.kind != BodyShape::Kind::kRecords) return read_record(0, shape);
  const JsonValue& list = json_.at(0);
  if (list.kind != Kind::kList) return fault(0, "must be a list of objects");
  if (list.size > kChecksMax) return fault(0, not_so_many("objects", 0, kChecksMax, list.size));
  bodies_.reserve(list.size);
  for (size_t at = 1; at < list.end; at = json_.at(at).end) {
    if (const base::Status status = read_record(at, shape); !status) return status;
  }
  return {};
}

base::Status Bodies::read_record(size_t at, const BodyShape& shape) {
  const JsonValue& record = json_.at(at);
  if (record.kind != Kind::kRecord) return fault(at, "must be an object");
  Body body;
  for (size_t member = at + 1; member < record.end; member = json_.at(member).end) {
    const BodyField* field = find_field(json_.at(member).name, shape.fields);
    if (field == nullptr) return fault(member, "is no field of this call");
    if (body.has(field->bit)) return fault(member, "is given twice");
    body.given = body.given | field->bit;
    if (const base::Status status = read_field(member, *field, body); !status) return status;
  }
  for (const BodyField& field : kFields) {
    if ((shape.required & field.bit) == 0 || body.has(field.bit)) continue;
    std::string path = json_.path(at);
    path.append(path.empty() ? "" : ".").append(field.name);
    return base::invalid(path + " is missing", path);
  }
  bodies_.push_back(body);
  return {};
}

base::Status Bodies::read_field(size_t at, const BodyField& field, Body& body) {
  if (field.type == Type::kDescriptors) return read_descriptors(at, body);
  if (field.type == Type::kDescriptor) {
    if (const base::Status status = read_descriptor(at); !status) return status;
    body.ask.descriptors = std::span(descriptors_).last(1);
    return {};
  }
  switch (field.type) {
    case Type::kText:
      return read_word(at, field, body);
    case Type::kBase64:
      return read_base64(at, field, body);
    case Type::kTexts:
      return read_texts(at, field, body);
    case Type::kHeaders:
      return read_headers(at, body);
    case Type::kTruth:
      return read_truth(at, field, body);
    default:
      return read_number(at, field, body);
  }
}

base::Result<int64_t> Bodies::read_integer(size_t at, const BodyField& field) const {
  const JsonValue& value = json_.at(at);
  if (value.kind == Kind::kInteger && value.integer >= field.min && value.integer <= field.max) {
    return value.integer;
  }
  if (field.bit == kBodyNoWaitMs) return fault(at, "must be 0: several checks do not wait");
  return fault(at, between("be an integer", field.min, field.max));
}

base::Status Bodies::read_descriptors(size_t at, Body& body) {
  const JsonValue& list = json_.at(at);
  if (list.kind != Kind::kList) return fault(at, "must be a list of descriptors");
  if (list.size == 0 || list.size > limiter::kDescriptorsMax) {
    return fault(at, not_so_many("descriptors", 1, limiter::kDescriptorsMax, list.size));
  }
  for (size_t item = at + 1; item < list.end; item = json_.at(item).end) {
    if (const base::Status status = read_descriptor(item); !status) return status;
  }
  body.ask.descriptors = std::span(descriptors_).last(list.size);
  return {};
}

// [["key","value"],…] or {"entries":[{"key":"…","value":"…"},…]}
base::Status Bodies::read_descriptor(size_t at) {
  const bool envoy = json_.at(at).kind == Kind::kRecord;
  if (envoy && (json_.at(at).size != 1 || json_.at(at + 1).name != "entries")) {
    return fault(at, "must have the one field `entries`");
  }
  const size_t holder = envoy ? at + 1 : at;
  const JsonValue& list = json_.at(holder);
  if (list.kind != Kind::kList) {
    return fault(holder, envoy ? "must be a list of objects with `key` and `value`"
                               : "must be a list of [key, value] pairs");
  }
  if (list.size == 0 || list.size > limiter::kEntriesMax) {
    return fault(holder, not_so_many("entries", 1, limiter::kEntriesMax, list.size));
  }
  for (size_t item = holder + 1; item < list.end; item = json_.at(item).end) {
    const base::Status status = envoy ? read_entry_record(item) : read_pair(item);
    if (!status) return status;
  }
  CHECK(descriptors_.size() < descriptors_.capacity());
  descriptors_.push_back(std::span(entries_).last(list.size));
  return {};
}

base::Status Bodies::read_pair(size_t at) {
  const JsonValue& pair = json_.at(at);
  if (pair.kind != Kind::kList || pair.size != 2) return fault(at, "must be a [key, value] pair");
  const size_t second = json_.at(at + 1).end;
  const base::Result<std::string_view> key = read_text(at + 1);
  if (!key) return key.error();
  if (key->empty()) return fault(at + 1, "must not be empty: it is a key");
  const base::Result<std::string_view> value = read_text(second);
  if (!value) return value.error();
  CHECK(entries_.size() < entries_.capacity());
  entries_.push_back({*key, *value});
  return {};
}

base::Status Bodies::read_entry_record(size_t at) {
  const JsonValue& record = json_.at(at);
  if (record.kind != Kind::kRecord) return fault(at, "must be an object with `key` and `value`");
  std::array<size_t, 2> found = {0, 0};  // Of key and value; 0 is the whole text, so "not yet".
  for (size_t member = at + 1; member < record.end; member = json_.at(member).end) {
    const std::string_view name = json_.at(member).name;
    if (name != "key" && name != "value") return fault(member, "is no field of an entry");
    size_t& place = found[name == "value"];
    if (place != 0) return fault(member, "is given twice");
    place = member;
    if (const auto text = read_text(member); !text) return text.error();
  }
  if (found[0] == 0 || found[1] == 0) return fault(at, "must have `key` and `value`");
  if (json_.at(found[0]).text.empty()) return fault(found[0], "must not be empty: it is a key");
  CHECK(entries_.size() < entries_.capacity());
  entries_.push_back({json_.at(found[0]).text, json_.at(found[1]).text});
  return {};
}

base::Result<std::string_view> Bodies::read_text(size_t at) const {
  if (json_.at(at).kind != Kind::kText) return fault(at, "must be a string");
  return json_.at(at).text;
}

void Bodies::clear() {
  constexpr size_t kKeptMax = 4096;
  json_.clear();
  bodies_.clear();
  descriptors_.clear();
  entries_.clear();
  texts_.clear();
  headers_.clear();
  decoded_.clear();
  change_ = {};
  if (texts_.capacity() > kKeptMax) std::vector<std::string_view>().swap(texts_);
  if (headers_.capacity() > kKeptMax) std::vector<engine::Header>().swap(headers_);
  if (descriptors_.capacity() > kKeptMax) std::vector<limiter::Descriptor>().swap(descriptors_);
  if (entries_.capacity() > kKeptMax) std::vector<limiter::Entry>().swap(entries_);
}

}  // namespace command
