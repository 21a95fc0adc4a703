#include "command/http_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "base/check.h"

namespace command {

// What Boost.JSON's parser calls for each part of the text, in order.
class JsonBuilder {
 public:
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_array_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_key_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_string_size = std::numeric_limits<size_t>::max();
  using Fault = boost::json::error_code;
  using Text = boost::json::string_view;
  static constexpr double kIntegerEnd = 9'223'372'036'854'775'808.0;  // 2^63.

  JsonBuilder(JsonText& into, std::string_view text) : into_(into), text_(text) {}

  bool on_document_begin(Fault&) { return true; }
  bool on_document_end(Fault&) { return true; }
  bool on_array_begin(Fault& fault) { return open(JsonValue::Kind::kList, fault); }
  bool on_array_end(size_t size, Fault&) { return close(size); }
  bool on_object_begin(Fault& fault) { return open(JsonValue::Kind::kRecord, fault); }
  bool on_object_end(size_t size, Fault&) { return close(size); }
  bool on_key_part(Text part, size_t total, Fault&) { return keep(part, total); }
  bool on_key(Text part, size_t total, Fault&) {
    name_ = whole(part, total);
    return true;
  }
  bool on_string_part(Text part, size_t total, Fault&) { return keep(part, total); }
  bool on_string(Text part, size_t total, Fault& fault) {
    return add({.kind = JsonValue::Kind::kText, .text = whole(part, total)}, fault);
  }
  bool on_number_part(Text, Fault&) { return true; }
  bool on_int64(int64_t value, Text, Fault& fault) {
    return add({.kind = JsonValue::Kind::kInteger, .integer = value}, fault);
  }
  bool on_uint64(uint64_t, Text, Fault& fault) {
    return add({.kind = JsonValue::Kind::kNumber}, fault);
  }
  // Only its spelling tells 5.0 or 5e0 from 5: JSON Schema calls them one integer, and so do we.
  bool on_double(double, Text spelling, Fault& fault) {
    double value = 0;  // The parser's own is not always the nearest.
    const auto read = std::from_chars(spelling.data(), spelling.data() + spelling.size(), value);
    if (read.ec != std::errc() || std::abs(value) >= kIntegerEnd || value != std::trunc(value)) {
      return add({.kind = JsonValue::Kind::kNumber, .text = whole(spelling, spelling.size())},
                 fault);
    }
    return on_int64(static_cast<int64_t>(value), spelling, fault);
  }
  bool on_bool(bool value, Fault& fault) {
    return add({.kind = JsonValue::Kind::kTruth, .integer = value ? 1 : 0}, fault);
  }
  bool on_null(Fault& fault) { return add({}, fault); }
  bool on_comment_part(Text, Fault&) { return true; }
  bool on_comment(Text, Fault&) { return true; }

 private:
  bool add(JsonValue value, Fault& fault) {
    if (into_.values_.size() == JsonText::kValuesMax) {
      fault = boost::json::error::array_too_large;
      return false;
    }
    value.name = std::exchange(name_, {});
    value.end = static_cast<uint32_t>(into_.values_.size() + 1);
    into_.values_.push_back(value);
    return true;
  }
  bool open(JsonValue::Kind kind, Fault& fault) {
    if (!add({.kind = kind}, fault)) return false;
    open_[depth_++] = static_cast<uint32_t>(into_.values_.size() - 1);
    return true;
  }
  bool close(size_t size) {
    JsonValue& value = into_.values_[open_[--depth_]];
    value.size = static_cast<uint32_t>(size);
    value.end = static_cast<uint32_t>(into_.values_.size());
    return true;
  }

  // Parts of a text with escapes gather in the scratch; a text without is a view of the input.
  bool keep(Text part, size_t total) {
    std::string& scratch = into_.scratch_;
    if (scratch.capacity() < text_.size()) scratch.reserve(text_.size());
    if (total == part.size()) start_ = scratch.size();
    CHECK(scratch.size() + part.size() <= scratch.capacity());
    scratch.append(part.data(), part.size());
    return true;
  }
  std::string_view whole(Text part, size_t total) {
    const std::less_equal<const char*> before;
    const bool in_input = before(text_.data(), part.data()) &&
                          before(part.data() + part.size(), text_.data() + text_.size());
    if (total == part.size() && (in_input || part.empty())) return {part.data(), part.size()};
    keep(part, total);
    return std::string_view(into_.scratch_).substr(start_, total);
  }

  JsonText& into_;
  std::string_view text_;
  std::string_view name_;
  size_t start_ = 0;  // Of the text that gathers in the scratch.
  size_t depth_ = 0;
  uint32_t open_[JsonText::kDepthMax + 1] = {};
};

namespace {

base::Error syntax_error(const boost::json::error_code& fault, size_t at) {
  using boost::json::error;
  const std::string where = " at byte " + std::to_string(at);
  if (fault == error::too_deep) {
    return base::invalid("the JSON text is nested deeper than " +
                         std::to_string(JsonText::kDepthMax) + where);
  }
  if (fault == error::array_too_large) {
    return base::invalid("the JSON text has more than " + std::to_string(JsonText::kValuesMax) +
                         " values");
  }
  return base::invalid("no JSON: " + fault.message() + where);
}

// A name as an error quotes it: cut, between two characters, where it is long.
std::string quoted(std::string_view name) {
  constexpr size_t kShownMax = 100;
  if (name.size() <= kShownMax) return std::string(name);
  size_t end = kShownMax;
  while ((static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return std::string(name.substr(0, end)) + "…";
}

}  // namespace

base::Status JsonText::parse(std::string_view text) {
  values_.clear();
  scratch_.clear();
  if (text.empty()) return base::invalid("the body is empty");
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::basic_parser<JsonBuilder> parser(options, *this, text);
  boost::json::error_code fault;
  const size_t read = parser.write_some(false, text.data(), text.size(), fault);
  if (!fault && read < text.size()) fault = boost::json::error::extra_data;
  if (fault) return syntax_error(fault, read);
  return {};
}

std::string JsonText::path(size_t index) const {
  std::string path;
  for (size_t holder = 0; holder != index;) {
    size_t member = holder + 1;
    size_t place = 0;
    while (values_[member].end <= index) {
      member = values_[member].end;
      ++place;
    }
    if (values_[holder].kind == JsonValue::Kind::kList) {
      path += '[' + std::to_string(place) + ']';
    } else {
      if (!path.empty()) path += '.';
      path += quoted(values_[member].name);
    }
    holder = member;
  }
  return path;
}

void JsonText::clear() {
  constexpr size_t kKeptMax = 4096;
  values_.clear();
  scratch_.clear();
  if (values_.capacity() > kKeptMax) std::vector<JsonValue>().swap(values_);
  if (scratch_.capacity() > kKeptMax) std::string().swap(scratch_);
}

}  // namespace command
