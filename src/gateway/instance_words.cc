#include "gateway/instance_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/json_reader.h"
#include "gateway/text.h"

namespace gateway {
namespace {

// What instances say of themselves goes into our own answer.
std::string clean(std::string&& field) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::ranges::any_of(field, control) ? std::string() : std::move(field);
}

// Whole seconds, rounded up, at least 1; nothing where it can never succeed.
std::string seconds_field(int64_t ms) {
  if (ms < 0) return {};
  return std::to_string(std::max<int64_t>(1, ms / 1000 + (ms % 1000 != 0 ? 1 : 0)));
}

// What one record says, of what matters here.
struct Said {
  std::optional<bool> allowed;
  bool no_limit = false;
  std::optional<int64_t> retry_after_ms;
  std::string limited_by, decided_by, code, rate_limit, rate_limit_policy;
};

Reason reason_of(const Said& record) {
  if (record.decided_by == "refuse") return Reason::kStoreRefuse;
  if (record.decided_by == "allow") return Reason::kStoreAllow;
  if (record.decided_by == "local") return Reason::kStoreLocal;
  if (!*record.allowed) return record.limited_by == "blocked" ? Reason::kBlocked : Reason::kLimits;
  return record.no_limit ? Reason::kNoLimit : Reason::kLimits;
}

std::optional<Decision> decision_of(Said&& record) {
  if (!record.allowed) {
    if (record.code == "NOTFOUND") return nobody(Reason::kUnknownDomain);
    return std::nullopt;
  }
  Decision out;
  out.reason = reason_of(record);
  out.rate_limit = clean(std::move(record.rate_limit));
  out.rate_limit_policy = clean(std::move(record.rate_limit_policy));
  if (*record.allowed) {
    out.outcome = Decision::Outcome::kAllowed;
    return out;
  }
  out.outcome = out.reason == Reason::kStoreRefuse ? Decision::Outcome::kRefused
                                                   : Decision::Outcome::kLimited;
  out.limited_by = std::move(record.limited_by);
  if (!record.retry_after_ms) return out;
  out.retry_after_ms = record.retry_after_ms;
  out.retry_after = seconds_field(*out.retry_after_ms);
  return out;
}

// A list of at most so many records: [{"allowed":true,…},…]. In each what stands in it directly is
// looked at.
class RecordListener : public JsonListener {
 public:
  RecordListener(Decisions& out, size_t records_max) : out_(out), records_max_(records_max) {}

  bool on_array_begin(Fault& fault) { return open(false, fault); }
  bool on_array_end(size_t, Fault&) { return close(); }
  bool on_object_begin(Fault& fault) { return open(true, fault); }
  bool on_object_end(size_t, Fault&) { return close(); }
  bool on_key_part(Text part, size_t total, Fault&) {
    if (depth_ == kInRecord) gather(key_, part, total);
    return true;
  }
  bool on_key(Text part, size_t total, Fault&) {
    if (depth_ != kInRecord) return true;
    if (total == part.size()) {
      field_ = field_named(part);
    } else {
      gather(key_, part, total);
      field_ = field_named(key_);
    }
    return true;
  }
  bool on_string_part(Text part, size_t total, Fault&) {
    if (std::string* const text = wanted_text()) gather(*text, part, total);
    return true;
  }
  bool on_string(Text part, size_t total, Fault& fault) {
    if (std::string* const text = wanted_text()) gather(*text, part, total);
    return scalar(fault);
  }
  bool on_int64(int64_t value, Text, Fault& fault) {
    if (wanted() == Field::kRetryAfter) record_.retry_after_ms = value;
    return scalar(fault);
  }
  bool on_uint64(uint64_t, Text, Fault& fault) { return scalar(fault); }
  bool on_double(double, Text, Fault& fault) { return scalar(fault); }
  bool on_bool(bool value, Fault& fault) {
    if (wanted() == Field::kAllowed) record_.allowed = value;
    return scalar(fault);
  }
  bool on_null(Fault& fault) {
    if (wanted() == Field::kLimit) record_.no_limit = true;
    return scalar(fault);
  }

 private:
  static constexpr size_t kInList = 1, kInRecord = 2;
  enum class Field : uint8_t {
    kAllowed,
    kLimitedBy,
    kLimit,
    kRetryAfter,
    kDecidedBy,
    kCode,
    kRateLimit,
    kRateLimitPolicy,
    kOther,
  };

  static Field field_named(std::string_view name) {
    static constexpr std::array<std::string_view, 8> kNames = {
        "allowed",    "limited_by", "limit",     "retry_after_ms",
        "decided_by", "code",       "ratelimit", "ratelimit_policy"};
    return static_cast<Field>(std::ranges::find(kNames, name) - kNames.begin());
  }

  Field wanted() const { return depth_ == kInRecord ? field_ : Field::kOther; }
  std::string* wanted_text() {
    switch (wanted()) {
      case Field::kLimitedBy:
        return &record_.limited_by;
      case Field::kDecidedBy:
        return &record_.decided_by;
      case Field::kCode:
        return &record_.code;
      case Field::kRateLimit:
        return &record_.rate_limit;
      case Field::kRateLimitPolicy:
        return &record_.rate_limit_policy;
      default:
        return nullptr;
    }
  }

  // The text is a list; of what it holds only a record can be a decision.
  bool open(bool record, Fault& fault) {
    if (depth_ == 0 ? record : is_one_more()) return refuse(fault);
    if (depth_ == kInList) is_record_ = record;
    field_ = Field::kOther;
    ++depth_;
    return true;
  }
  bool close() {
    field_ = Field::kOther;
    if (--depth_ != kInList) return true;
    out_.push_back(is_record_ ? decision_of(std::move(record_)) : std::nullopt);
    record_ = {};
    return true;
  }
  bool scalar(Fault& fault) {
    if (depth_ == 0 || is_one_more()) return refuse(fault);
    if (depth_ == kInList) out_.emplace_back();
    field_ = Field::kOther;
    return true;
  }
  bool is_one_more() const { return depth_ == kInList && out_.size() == records_max_; }
  static bool refuse(Fault& fault) {
    fault = boost::json::error::not_array;
    return false;
  }

  Decisions& out_;
  const size_t records_max_;
  size_t depth_ = 0;  // Lists and records that are open.
  bool is_record_ = false;
  Field field_ = Field::kOther;
  Said record_;
  std::string key_;  // Of one with escapes.
};

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
  Decisions out;
  out.reserve(checks);
  if (!read_json(body, RecordListener(out, checks)) || out.size() != checks) return std::nullopt;
  return out;
}

}  // namespace gateway
