#include "protocol/json_text.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace protocol {
namespace {

unsigned char byte_at(std::string_view bytes, size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// The length of the character that begins at bytes[at], 0 if there is none (RFC 3629, section 4).
size_t character_at(std::string_view bytes, size_t at) {
  const unsigned char lead = byte_at(bytes, at);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (bytes.size() - at < size) return 0;
  const unsigned char second = byte_at(bytes, at + 1);
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (size_t i = 2; i < size; ++i) {
    if ((byte_at(bytes, at + i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The number in `\uXXXX`, whose backslash is line[at]; -1 if that is not there.
int32_t unicode_at(std::string_view line, size_t at) {
  if (line.size() < at + 6 || line[at] != '\\' || line[at + 1] != 'u') return -1;
  int32_t code = 0;
  for (size_t i = at + 2; i < at + 6; ++i) {
    const int digit = hex_digit(line[i]);
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

// Resolves `\uXXXX` or a pair of them; answers the bytes of the line that it took.
base::Result<size_t> unescape_unicode(std::string_view line, size_t at, std::string& scratch) {
  const int32_t first = unicode_at(line, at);
  if (first < 0) return base::invalid("\\u needs four hexadecimal digits");
  if (first < 0xd800 || first > 0xdfff) {
    append_utf8(scratch, static_cast<uint32_t>(first));
    return 6;
  }
  const int32_t second = unicode_at(line, at + 6);
  if (first > 0xdbff || second < 0xdc00 || second > 0xdfff) {
    return base::invalid("\\u" + std::string(line.substr(at + 2, 4)) + " is half of a character");
  }
  append_utf8(scratch, static_cast<uint32_t>(0x10000 + ((first - 0xd800) << 10) + second - 0xdc00));
  return 12;
}

// Resolves the escape whose backslash is line[at]; answers the bytes of the line that it took.
base::Result<size_t> unescape(std::string_view line, size_t at, std::string& scratch) {
  static constexpr std::string_view kNames = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (at + 1 == line.size()) return base::invalid("the quote is never closed");
  const char name = line[at + 1];
  if (name == 'u') return unescape_unicode(line, at, scratch);
  const size_t which = kNames.find(name);
  if (which == std::string_view::npos) return base::invalid("unknown escape in a quoted word");
  scratch += kMeanings[which];
  return 2;
}

// Where the run of bytes ends that stand for themselves in a JSON string.
size_t plain_end(std::string_view line, size_t at) {
  while (at < line.size() && line[at] != '"' && line[at] != '\\' && byte_at(line, at) >= 0x20) ++at;
  return at;
}

void append_escaped(std::string& out, unsigned char byte) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
  }
}

// Bytes that stand for themselves in what append_quoted() writes, without a look at the next one.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t byte = 0x20; byte < 0x7f; ++byte) plain.at(byte) = byte != '"' && byte != '\\';
  return plain;
}();

bool all_plain(std::string_view bytes) {
  for (const char each : bytes) {
    if (!kPlain[static_cast<unsigned char>(each)]) return false;
  }
  return true;
}

}  // namespace

bool valid_utf8(std::string_view bytes) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t eight = 0;
    if (bytes.size() - at >= sizeof eight) {
      std::memcpy(&eight, bytes.data() + at, sizeof eight);
      if ((eight & kHighBits) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const size_t size = character_at(bytes, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

base::Result<Unquoted> unquote(std::string_view line, size_t at, std::string& scratch) {
  size_t from = at + 1;
  size_t end = plain_end(line, from);
  std::string_view text = line.substr(from, end - from);
  if (end < line.size() && line[end] == '\\') {
    scratch.reserve(line.size());  // No text grows when its escapes are resolved.
    const size_t begin = scratch.size();
    for (;;) {
      scratch.append(line, from, end - from);
      if (end == line.size() || line[end] != '\\') break;
      const base::Result<size_t> taken = unescape(line, end, scratch);
      if (!taken) return taken.error();
      from = end + *taken;
      end = plain_end(line, from);
    }
    text = std::string_view(scratch).substr(begin);
  }
  if (end == line.size()) return base::invalid("the quote is never closed");
  if (line[end] != '"') return base::invalid("a control byte in quotes must be written as \\u00XX");
  ++end;
  if (end < line.size() && line[end] != ' ') {
    return base::invalid("a space must follow the closing quote");
  }
  return Unquoted{text, end};
}

void append_quoted(std::string& out, std::string_view bytes, BadUtf8 bad) {
  if (all_plain(bytes)) {  // Most: names and numbers of ours.
    const size_t begin = out.size();
    out.append(bytes.size() + 2, '"');
    bytes.copy(out.data() + begin + 1, bytes.size());
    return;
  }
  out += '"';
  size_t from = 0;
  const auto flush = [&](size_t at) { out.append(bytes, from, at - from); };
  for (size_t at = 0; at < bytes.size();) {
    const unsigned char byte = byte_at(bytes, at);
    const size_t size = byte < 0x80 ? 1 : character_at(bytes, at);
    const bool escape = byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f;
    if (!escape && (size > 0 || bad == BadUtf8::kKeep)) {
      at += size > 0 ? size : 1;
      continue;
    }
    flush(at);
    if (escape) {
      append_escaped(out, byte);
    } else {
      out += "\xef\xbf\xbd";
    }
    from = ++at;
  }
  flush(bytes.size());
  out += '"';
}

}  // namespace protocol
