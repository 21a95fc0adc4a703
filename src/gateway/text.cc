#include "gateway/text.h"

#include "protocol/json_text.h"

namespace gateway {
namespace {

constexpr std::string_view kLower = "0123456789abcdef", kUpper = "0123456789ABCDEF";

}  // namespace

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<char> hex_byte(std::string_view digits) {
  if (digits.size() < 2) return std::nullopt;
  const std::optional<unsigned> high = hex_digit(digits[0]), low = hex_digit(digits[1]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high << 4 | *low);
}

void append_hex(std::span<const uint8_t> bytes, std::string& out) {
  const size_t begin = out.size();
  out.resize(begin + 2 * bytes.size());
  char* to = out.data() + begin;
  for (const uint8_t byte : bytes) {
    *to++ = kLower[byte >> 4];
    *to++ = kLower[byte & 15];
  }
}

void append_utf8(std::string_view text, std::string& out) {
  if (protocol::valid_utf8(text)) {
    out.append(text);
    return;
  }
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out.append({'%', kUpper[byte >> 4], kUpper[byte & 15]});
    }
  }
}

void append_json(std::string_view text, std::string& out) {
  std::string encoded;
  if (!protocol::valid_utf8(text)) {
    append_utf8(text, encoded);
    text = encoded;
  }
  protocol::append_quoted(out, text, protocol::BadUtf8::kReplace);
}

}  // namespace gateway
