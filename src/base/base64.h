// Base64 with padding (RFC 4648, section 4).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace base {

inline void append_base64(std::string& out, std::string_view bytes) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto byte = [bytes](size_t at) -> uint32_t {
    return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
  };
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const uint32_t three = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    const size_t left = bytes.size() - at;
    out += kLetters[three >> 18];
    out += kLetters[three >> 12 & 63];
    out += left > 1 ? kLetters[three >> 6 & 63] : '=';
    out += left > 2 ? kLetters[three & 63] : '=';
  }
}

}  // namespace base
