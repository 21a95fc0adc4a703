#include "load/message_json.h"

#include <boost/json.hpp>

namespace load {

namespace json = boost::json;

struct MessageJson::Tree {
  json::value value;
};

namespace {

// A field that is not there, or of another type, is empty.
std::string_view text(const json::object& record, std::string_view name) {
  const json::value* const found = record.if_contains(name);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

int64_t number(const json::object& record, std::string_view name) {
  const json::value* const found = record.if_contains(name);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

const json::array* rows_of(const json::value& value) {
  if (value.is_array()) return &value.get_array();
  if (!value.is_object()) return nullptr;
  const json::value* const rows = value.get_object().if_contains("messages");
  return rows == nullptr ? nullptr : rows->if_array();
}

}  // namespace

MessageJson::MessageJson() : tree_(std::make_unique<Tree>()) {}
MessageJson::~MessageJson() = default;

base::Status MessageJson::parse(std::string_view text_in) {
  messages_.clear();
  boost::system::error_code error;
  tree_->value = json::parse(json::string_view(text_in.data(), text_in.size()), error);
  const json::array* const rows = error ? nullptr : rows_of(tree_->value);
  if (rows == nullptr) return base::invalid("the answer has no list of messages");
  for (const json::value& row : *rows) {
    if (!row.is_object()) return base::invalid("the answer has a message that is no record");
    const json::object& record = row.get_object();
    messages_.push_back({.queue = text(record, "queue"),
                         .id = text(record, "id"),
                         .receipt = text(record, "receipt"),
                         .body = text(record, "body"),
                         .key = text(record, "key"),
                         .attempt = number(record, "attempt"),
                         .priority = number(record, "priority"),
                         .enqueued_ms = number(record, "enqueued_at_ms"),
                         .until_ms = number(record, "lease_until_ms")});
  }
  return {};
}

}  // namespace load
