#include "command/queue_bounds.h"

#include <algorithm>

#include "protocol/json_text.h"

namespace command {
namespace {

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool speakable(std::string_view text) {
  return printable(text) || (std::ranges::none_of(text, is_control) && protocol::valid_utf8(text));
}

base::Error wrong(std::string_view field, const std::string& what) {
  return base::invalid(std::string(field) + " " + what, std::string(field));
}

}  // namespace

base::Status check_queue_name(std::string_view name) {
  if (name.empty() || name.size() > queue::kNameBytesMax) {
    return wrong("queue", "must be a name of 1 to " + std::to_string(queue::kNameBytesMax) +
                              " bytes, not " + std::to_string(name.size()));
  }
  if (!speakable(name)) return wrong("queue", "must be a name in UTF-8 without control bytes");
  return {};
}

base::Status check_bytes(std::string_view field, std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return {};
  return wrong(
      field, "has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(bytes_max));
}

base::Status check_headers(std::string_view field, std::span<const engine::Header> headers) {
  if (headers.size() > queue::kHeadersMax) {
    return wrong(field, "is given " + std::to_string(headers.size()) + " times; at most " +
                            std::to_string(queue::kHeadersMax));
  }
  size_t bytes = 0;
  for (size_t i = 0; i < headers.size(); ++i) {
    const std::string_view name = headers[i].name;
    if (name.empty() || name.size() > queue::kHeaderNameBytesMax || !speakable(name)) {
      return wrong(field, "must have a name of 1 to " + std::to_string(queue::kHeaderNameBytesMax) +
                              " bytes in UTF-8 without control bytes");
    }
    bytes += name.size() + headers[i].value.size();
    for (size_t j = 0; j < i; ++j) {
      if (headers[j].name == name) return wrong(field, "'" + shown(name) + "' is given twice");
    }
  }
  if (bytes > queue::kHeadersBytesMax) {
    return wrong(field, "takes " + std::to_string(bytes) + " bytes in all; at most " +
                            std::to_string(queue::kHeadersBytesMax));
  }
  return {};
}

}  // namespace command
