#include "gateway/instance_words.h"

#include <algorithm>
#include <boost/json.hpp>

#include "gateway/text.h"

namespace gateway {
namespace {

namespace json = boost::json;

// What an instance says of itself goes into our own answer.
std::string clean(std::string_view field) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::ranges::any_of(field, control) ? std::string() : std::string(field);
}

std::string_view text_of(const json::object& record, std::string_view name) {
  const json::value* const value = record.if_contains(name);
  return value == nullptr || !value->is_string() ? std::string_view()
                                                 : std::string_view(value->get_string());
}

Reason reason_of(const json::object& record, bool allowed) {
  const std::string_view by = text_of(record, "decided_by");
  if (by == "refuse") return Reason::kStoreRefuse;
  if (by == "allow") return Reason::kStoreAllow;
  if (by == "local") return Reason::kStoreLocal;
  if (!allowed)
    return text_of(record, "limited_by") == "blocked" ? Reason::kBlocked : Reason::kLimits;
  const json::value* const limit = record.if_contains("limit");
  return limit != nullptr && limit->is_null() ? Reason::kNoLimit : Reason::kLimits;
}

// Whole seconds, rounded up, at least 1; nothing where it can never succeed.
std::string seconds_field(int64_t ms) {
  if (ms < 0) return {};
  return std::to_string(std::max<int64_t>(1, ms / 1000 + (ms % 1000 != 0 ? 1 : 0)));
}

std::optional<Decision> read_record(const json::value& answer) {
  if (!answer.is_object()) return std::nullopt;
  const json::object& record = answer.get_object();
  const json::value* const allowed = record.if_contains("allowed");
  if (allowed == nullptr || !allowed->is_bool()) {
    if (text_of(record, "code") == "NOTFOUND") return nobody(Reason::kUnknownDomain);
    return std::nullopt;
  }
  Decision out;
  out.reason = reason_of(record, allowed->get_bool());
  out.rate_limit = clean(text_of(record, "ratelimit"));
  out.rate_limit_policy = clean(text_of(record, "ratelimit_policy"));
  if (allowed->get_bool()) {
    out.outcome = Decision::Outcome::kAllowed;
    return out;
  }
  out.outcome = out.reason == Reason::kStoreRefuse ? Decision::Outcome::kRefused
                                                   : Decision::Outcome::kLimited;
  out.limited_by = text_of(record, "limited_by");
  const json::value* const wait = record.if_contains("retry_after_ms");
  if (wait == nullptr || !wait->is_int64()) return out;
  out.retry_after_ms = wait->get_int64();
  out.retry_after = seconds_field(*out.retry_after_ms);
  return out;
}

}  // namespace

Decision nobody(Reason reason) {
  Decision out;
  out.reason = reason;
  return out;
}

void append_check(const limiter::Ask& ask, std::string& out) {
  out += "{\"domain\":";
  append_json(ask.domain, out);
  out += ",\"descriptors\":[";
  for (size_t i = 0; i < ask.descriptors.size(); ++i) {
    out += i == 0 ? "[" : ",[";
    for (size_t k = 0; k < ask.descriptors[i].size(); ++k) {
      out += k == 0 ? "[" : ",[";
      append_json(ask.descriptors[i][k].key, out);
      out += ',';
      append_json(ask.descriptors[i][k].value, out);
      out += ']';
    }
    out += ']';
  }
  out.append("],\"cost\":").append(std::to_string(ask.cost)).append("}");
}

std::string key_of(const limiter::Ask& ask) {
  std::string key(ask.domain);
  for (const limiter::Descriptor& each : ask.descriptors) {
    key.append(1, ' ').append(limiter::to_string(each));
  }
  return key;
}

std::optional<Decisions> read_checks(std::string_view body, size_t checks) {
  unsigned char space[16384];
  json::monotonic_resource memory(space, sizeof space);
  boost::system::error_code error;
  const json::value all = json::parse(body, error, &memory);
  if (error || !all.is_array() || all.get_array().size() != checks) return std::nullopt;
  Decisions out;
  out.reserve(checks);
  for (const json::value& each : all.get_array()) out.push_back(read_record(each));
  return out;
}

}  // namespace gateway
