// JSON strings (RFC 8259, section 7), read from a line and written into answers.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace protocol {

bool valid_utf8(std::string_view bytes);

struct Unquoted {
  std::string_view text;  // Points into the line, or into the scratch if there were escapes.
  size_t end;             // Of the word in the line, behind the closing quote.
};

// Reads the JSON string whose opening quote is line[at]; a space or the end of the line must follow
// it. Appends to `scratch`, whose earlier texts stay where they are as long as it is used for this
// line only. The error says what is wrong, not where.
base::Result<Unquoted> unquote(std::string_view line, size_t at, std::string& scratch);

// What a writer does with bytes that are no UTF-8.
enum class BadUtf8 {
  kReplace,  // U+FFFD for each byte: the result is JSON.
  kKeep,     // As they are: unquote() gives the bytes back.
};

// Appends `bytes` as a JSON string, quotes included.
void append_quoted(std::string& out, std::string_view bytes, BadUtf8 bad);

}  // namespace protocol
