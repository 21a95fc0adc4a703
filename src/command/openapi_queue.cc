#include "command/openapi_queue.h"

#include <algorithm>

#include "command/queue_bounds.h"
#include "command/queue_option.h"

namespace command {
namespace {

namespace json = boost::json;
using json::array;
using json::object;
using Type = BodyField::Type;

json::string text(std::string_view s) { return json::string(s.data(), s.size()); }

constexpr std::string_view kNoControls = "^[^\\u0000-\\u001f\\u007f]+$";
constexpr std::string_view kBase64 =
    "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

object name_schema(size_t length_max) {
  return {{"type", "string"},
          {"minLength", 1},
          {"maxLength", length_max},
          {"pattern", text(kNoControls)}};
}

// A part of what is taken: any unit is, as long as the span is within the bounds.
object measured_schema(const QueueOption& option, std::string_view pattern) {
  return {
      {"oneOf", array{object{{"type", "integer"}, {"minimum", option.min}, {"maximum", option.max}},
                      object{{"type", "string"}, {"pattern", text(pattern)}}}}};
}

// "a, b, c" → [a, b, c].
array choices(std::string_view words) {
  constexpr std::string_view kBetween = ", ";
  array all;
  for (size_t at = 0; at < words.size();) {
    const size_t end = std::min(words.find(kBetween, at), words.size());
    all.push_back(text(words.substr(at, end - at)));
    at = end + kBetween.size();
  }
  return all;
}

object option_schema(const QueueOption& option) {
  switch (option.type) {
    case QueueOption::Type::kSpan:
      return measured_schema(option, "^[1-9][0-9]{0,3}(ms|s)$");
    case QueueOption::Type::kSize:
      return measured_schema(option, "^[1-9][0-9]{0,8}(B|KiB|MiB|GiB)$");
    case QueueOption::Type::kInteger:
      return {{"type", "integer"}, {"minimum", option.min}, {"maximum", option.max}};
    case QueueOption::Type::kDecimal: {
      const double unit = 1e6;
      return {{"type", "number"},
              {"minimum", static_cast<double>(option.min) / unit},
              {"maximum", static_cast<double>(option.max) / unit},
              {"multipleOf", option.max > 1'000'000 ? 0.5 : 0.25}};
    }
    case QueueOption::Type::kTruth:
      return {{"type", "boolean"}};
    case QueueOption::Type::kChoice:
      return {{"enum", choices(option.bounds)}};
    case QueueOption::Type::kTexts:
      return {{"type", "array"},
              {"maxItems", option.max},
              {"items",
               {{"type", "string"},
                {"pattern", "^[a-z_]{1,20}=[a-z0-9_]{0,20}(\\{queue\\}|\\{key\\})?$"}}}};
    case QueueOption::Type::kText: {
      object schema = {{"type", "string"}, {"maxLength", option.max}};
      if (!option.pattern.empty()) schema["pattern"] = text(option.pattern);
      return schema;
    }
  }
  return {};
}

object closed_record(object properties) {
  object schema = {{"type", "object"}, {"additionalProperties", false}};
  schema["properties"] = std::move(properties);
  return schema;
}

}  // namespace

object queue_field_schema(const BodyField& field) {
  object schema = {{"type", "string"}, {"description", text(field.text)}};
  if (field.type == Type::kBase64) {
    schema["pattern"] = text(kBase64);
    schema["contentEncoding"] = "base64";
  } else if (field.type == Type::kTexts) {
    schema["type"] = "array";
    schema["minItems"] = field.min;
    schema["maxItems"] = field.max;
    schema["items"] =
        field.bit == kBodyQueues ? name_schema(queue::kNameBytesMax) : object{{"type", "string"}};
  } else if (field.type == Type::kHeaders) {
    schema["type"] = "object";
    schema["maxProperties"] = field.max;
    schema["propertyNames"] = name_schema(queue::kHeaderNameBytesMax);
    schema["additionalProperties"] = object{{"type", "string"}};
  } else if (field.bit == kBodyDirection) {
    schema["enum"] = array{"in", "out", "both"};
  } else if (field.bit == kBodyRate) {
    schema["pattern"] = "^[1-9][0-9]{0,5}/(s|m|h|d)$";
  } else if (field.max > 0) {
    schema["maxLength"] = field.max;
  }
  return schema;
}

object messages_schema(object message) {
  message["oneOf"] =
      array{object{{"required", array{"body"}}}, object{{"required", array{"body_base64"}}}};
  object list = {{"type", "array"}, {"minItems", 1}, {"maxItems", kMessagesMax}};
  list["items"] = message;
  object properties;
  properties["messages"] = std::move(list);
  object many = closed_record(std::move(properties));
  many["required"] = array{"messages"};
  object schema;
  schema["oneOf"] = array{std::move(message), std::move(many)};
  return schema;
}

object settings_schema() {
  object properties;
  for (const QueueOption& option : queue_options()) {
    object one = option_schema(option);
    one["description"] = text(option.help);
    const size_t dot = option.name.find('.');
    if (dot == std::string_view::npos) {
      properties[text(option.name)] = std::move(one);
      continue;
    }
    json::value& level = properties[text(option.name.substr(0, dot))];
    if (level.is_null()) level = closed_record({});
    if (option.spell == nullptr) {
      level = object{{"type", "object"}, {"maxProperties", kWeightsMax}};
      level.as_object()["propertyNames"] =
          object{{"type", "string"}, {"minLength", 1}, {"maxLength", 512}};
      level.as_object()["additionalProperties"] = std::move(one);
    } else {
      level.at("properties").as_object()[text(option.name.substr(dot + 1))] = std::move(one);
    }
  }
  return closed_record(std::move(properties));
}

array query_parameters(uint8_t fields) {
  array parameters;
  for (const QueryField& field : query_fields()) {
    if ((fields & field.bit) == 0) continue;
    object schema = {{"type", "string"}};
    if (field.bounds.max > 0) {
      schema = {{"type", "integer"}, {"minimum", field.bounds.min}, {"maximum", field.bounds.max}};
    }
    object parameter = {
        {"name", text(field.name)}, {"in", "query"}, {"description", text(field.text)}};
    parameter["schema"] = std::move(schema);
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

const std::string_view kOpenApiQueueSchemas = R"json({
"Ids": {
  "type": "object", "required": ["ids"], "additionalProperties": false,
  "properties": {"ids": {"type": "array", "items": {"type": "string", "maxLength": 48}}}},
"Deliveries": {
  "type": "object", "required": ["messages"], "additionalProperties": false,
  "properties": {"messages": {"type": "array", "items": {"$ref": "#/components/schemas/Delivery"}}}},
"Delivery": {
  "type": "object", "additionalProperties": false,
  "required": ["queue", "id", "receipt", "attempt", "priority", "enqueued_at_ms",
               "lease_until_ms", "headers"],
  "description": "A body or key that is no UTF-8 is body_base64 or key_base64.",
  "properties": {
    "queue": {"type": "string"}, "id": {"type": "string"}, "receipt": {"type": "string"},
    "body": {"type": "string"}, "body_base64": {"type": "string"},
    "key": {"type": ["string", "null"]}, "key_base64": {"type": "string"},
    "attempt": {"type": "integer", "minimum": 1},
    "priority": {"type": "integer", "minimum": 0},
    "enqueued_at_ms": {"type": "integer"},
    "lease_until_ms": {"type": ["integer", "null"]},
    "headers": {"$ref": "#/components/schemas/Headers"}}},
"Headers": {"type": "object", "additionalProperties": {"type": "string"}},
"Results": {
  "type": "object", "required": ["results"], "additionalProperties": false,
  "properties": {"results": {"type": "array", "items": {
    "type": "object", "required": ["receipt", "ok"], "additionalProperties": false,
    "properties": {
      "receipt": {"type": "string"}, "ok": {"type": "boolean"},
      "code": {"type": "string", "description": "Why not: STALE, or another word of the errors."},
      "lease_until_ms": {"type": "integer"}}}}}},
"Shown": {
  "type": "object", "additionalProperties": false,
  "required": ["id", "queue", "state", "priority", "attempt", "failed", "enqueued_at_ms",
               "due_at_ms", "expires_at_ms", "lease_until_ms", "headers", "history"],
  "properties": {
    "id": {"type": "string"}, "queue": {"type": "string"},
    "state": {"enum": ["ready", "delayed", "leased", "dead"]},
    "key": {"type": ["string", "null"]}, "key_base64": {"type": "string"},
    "priority": {"type": "integer", "minimum": 0},
    "attempt": {"type": "integer", "minimum": 0}, "failed": {"type": "integer", "minimum": 0},
    "enqueued_at_ms": {"type": ["integer", "null"]}, "due_at_ms": {"type": ["integer", "null"]},
    "expires_at_ms": {"type": ["integer", "null"]},
    "lease_until_ms": {"type": ["integer", "null"]},
    "reason": {"type": ["string", "null"]}, "reason_base64": {"type": "string"},
    "headers": {"$ref": "#/components/schemas/Headers"},
    "history": {"type": "array", "items": {
      "type": "object", "required": ["at_ms", "event"], "additionalProperties": false,
      "properties": {"at_ms": {"type": "integer"}, "event": {"type": "string"}}}},
    "body": {"type": "string"}, "body_base64": {"type": "string"}}},
"DeadLetters": {
  "type": "object", "required": ["messages", "next"], "additionalProperties": false,
  "properties": {
    "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Shown"}},
    "next": {"type": ["string", "null"], "description": "`after` of the next page."}}},
"WhyMessage": {
  "type": "object", "additionalProperties": false,
  "required": ["state", "reason", "limited_by", "until_ms", "ahead", "estimate"],
  "properties": {
    "state": {"enum": ["ready", "delayed", "leased", "dead"]},
    "reason": {"enum": ["ready", "delayed", "leased", "limited", "paused", "no consumer", "dead",
                        "expired"]},
    "limited_by": {"type": ["string", "null"]},
    "until_ms": {"type": ["integer", "null"]},
    "ahead": {"type": "integer", "minimum": 0},
    "estimate": {"type": "boolean"}}},
"Queues": {"type": "array", "items": {"$ref": "#/components/schemas/QueueRow"}},
"QueueRow": {
  "type": "object",
  "required": ["queue", "ready", "delayed", "leased", "dead", "oldest_age_ms", "bytes", "paused"],
  "properties": {
    "queue": {"type": "string"},
    "ready": {"type": "integer", "minimum": 0}, "delayed": {"type": "integer", "minimum": 0},
    "leased": {"type": "integer", "minimum": 0}, "dead": {"type": "integer", "minimum": 0},
    "oldest_age_ms": {"type": ["integer", "null"], "minimum": 0},
    "bytes": {"type": "integer", "minimum": 0},
    "paused": {"enum": ["in", "out", "both", null]}}},
"Queue": {
  "allOf": [{"$ref": "#/components/schemas/QueueRow"}],
  "type": "object",
  "required": ["enqueued", "deduplicated", "delivered", "acked", "failed", "requeued",
               "lease_over", "expired", "dead_total", "redriven", "removed", "purged", "declared",
               "settings"],
  "properties": {
    "declared": {"type": "boolean", "description": "In the configuration file, and changed there."},
    "settings": {"type": "object", "description": "As PUT takes them."}}},
"Purged": {
  "type": "object", "required": ["purged"], "additionalProperties": false,
  "properties": {"purged": {"type": "integer", "minimum": 0}}},
"Targets": {"type": "array", "items": {"$ref": "#/components/schemas/Target"}},
"Target": {
  "type": "object", "additionalProperties": false,
  "required": ["host", "in_flight", "waiting", "reason", "blocked_until_ms", "rate"],
  "properties": {
    "host": {"type": "string"},
    "in_flight": {"type": "integer", "minimum": 0},
    "waiting": {"type": "integer", "minimum": 0},
    "reason": {"type": ["string", "null"],
               "description": "retry-after, backoff, breaker, half open, or a limit's name."},
    "blocked_until_ms": {"type": ["integer", "null"]},
    "rate": {"type": "string", "pattern": "^[0-9]+([.][0-9]{1,3})?/s$",
             "description": "Requests that have ended, a second, of the last ten."}}},
"Redriven": {
  "type": "object", "required": ["will_move"], "additionalProperties": false,
  "properties": {"will_move": {"type": "integer", "minimum": 0}}}
})json";

}  // namespace command
