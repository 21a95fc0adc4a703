#include "gateway/text.h"

namespace gateway {
namespace {

constexpr std::string_view kLower = "0123456789abcdef", kUpper = "0123456789ABCDEF";

uint8_t byte_at(std::string_view text, size_t at) {
  return at < text.size() ? static_cast<uint8_t>(text[at]) : 0;
}

// How many bytes the character at `at` has; 0: it is none (RFC 3629, section 4).
size_t character(std::string_view text, size_t at) {
  const uint8_t a = byte_at(text, at), b = byte_at(text, at + 1);
  const auto follows = [&](size_t i) { return (byte_at(text, at + i) & 0xc0) == 0x80; };
  if (a < 0x80) return 1;
  if (a < 0xc2 || a > 0xf4 || !follows(1)) return 0;
  if (a < 0xe0) return 2;
  if (!follows(2)) return 0;
  if (a < 0xf0) {
    const bool overlong = a == 0xe0 && b < 0xa0, surrogate = a == 0xed && b > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  const bool overlong = a == 0xf0 && b < 0x90, beyond = a == 0xf4 && b > 0x8f;
  return !follows(3) || overlong || beyond ? 0 : 4;
}

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
  for (const uint8_t byte : bytes) out.append({kLower[byte >> 4], kLower[byte & 15]});
}

bool valid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t size = character(text, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

void append_utf8(std::string_view text, std::string& out) {
  if (valid_utf8(text)) {
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
  if (!valid_utf8(text)) {
    std::string encoded;
    append_utf8(text, encoded);
    return append_json(encoded, out);
  }
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20) {
      out.append("\\u00").append({kLower[byte >> 4], kLower[byte & 15]});
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace gateway
