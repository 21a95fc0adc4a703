#include "http/field_lines.h"

#include <algorithm>

#include "base/ascii.h"

namespace http {
namespace {

bool token_byte(char c) {
  return (base::lower(c) >= 'a' && base::lower(c) <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
  });
}

// Those that say how the message is framed, or where it goes.
bool clients_own(std::string_view name) {
  static constexpr std::string_view kOwn[] = {
      "host", "content-length", "connection", "transfer-encoding", "expect",
      "te",   "upgrade",        "trailer",    "keep-alive",        "proxy-connection"};
  return std::ranges::any_of(
      kOwn, [&](std::string_view own) { return base::same_in_any_case(own, name); });
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, token_byte);
}

base::Status FieldLines::take(std::span<const Field> fields) {
  text_.clear();
  for (const Field& field : fields) {
    if (!is_token(field.name)) return base::invalid("a field's name is no token", "fields");
    if (!is_value(field.value)) return base::invalid("a field holds a control byte", "fields");
    if (clients_own(field.name)) continue;
    // libcurl takes "Name:" for a field to leave out, and "Name;" for an empty one.
    text_.append(field.name);
    if (field.value.empty()) {
      text_ += ';';
    } else {
      text_.append(": ").append(field.value);
    }
    text_ += '\0';
  }
  return {};
}

void FieldLines::add(std::string_view line) { text_.append(line).append(1, '\0'); }

bool FieldLines::has(std::string_view name) const {
  for (size_t at = 0; at < text_.size(); at = text_.find('\0', at) + 1) {
    if (base::same_in_any_case(std::string_view(text_).substr(at, name.size()), name) &&
        !token_byte(text_[at + name.size()])) {
      return true;
    }
  }
  return false;
}

void FieldLines::drop(std::string_view prefix) {
  std::string kept;
  for (size_t at = 0; at < text_.size();) {
    const size_t end = text_.find('\0', at) + 1;
    const std::string_view line = std::string_view(text_).substr(at, end - at);
    if (!base::same_in_any_case(line.substr(0, prefix.size()), prefix)) kept += line;
    at = end;
  }
  text_ = std::move(kept);
}

const curl_slist* FieldLines::list() {
  list_.clear();
  for (size_t at = 0; at < text_.size(); at = text_.find('\0', at) + 1) {
    list_.push_back({.data = text_.data() + at, .next = nullptr});
  }
  for (size_t i = 1; i < list_.size(); ++i) list_[i - 1].next = &list_[i];
  return list_.empty() ? nullptr : list_.data();
}

}  // namespace http
