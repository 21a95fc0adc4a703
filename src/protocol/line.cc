#include "protocol/line.h"

#include "protocol/http_line.h"
#include "protocol/json_text.h"

namespace protocol {
namespace {

constexpr std::string_view kUnknown = "unknown command";

Parsed too_long(std::string_view line, Found& found) {
  if (begins_like_http(line)) return found.broken(std::string(kUnknown));
  return found.refused("line too long");
}

}  // namespace

Parsed LineParser::step(std::string_view bytes, Found& found) {
  if (refused_) {
    const size_t end = bytes.find('\n');
    found.consumed = end == std::string_view::npos ? bytes.size() : end + 1;
    if (end == std::string_view::npos) return Parsed::kMore;
    refused_ = false;
  }
  const std::string_view rest = bytes.substr(found.consumed);
  const size_t end = rest.find('\n', scanned_);
  if (end == std::string_view::npos) {
    scanned_ = rest.size();
    if (rest.size() <= bounds_.line_bytes_max + 1) return Parsed::kMore;  // 1: it may be a CR.
    scanned_ = 0;
    refused_ = true;
    found.consumed = bytes.size();
    return too_long(rest, found);
  }
  scanned_ = 0;
  found.consumed += end + 1;
  std::string_view line = rest.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > bounds_.line_bytes_max) return too_long(line, found);
  return split(line, found);
}

Parsed LineParser::split(std::string_view line, Found& found) {
  if (begins_like_http(line)) return found.broken(std::string(kUnknown));
  found.words.clear();
  scratch_.clear();
  size_t at = 0;
  for (;;) {
    at = line.find_first_not_of(' ', at);
    if (at == std::string_view::npos) break;
    if (found.words.size() == bounds_.words_max) {
      return found.refused("more than " + std::to_string(bounds_.words_max) + " words");
    }
    if (line[at] != '"') {
      const std::string_view word = line.substr(at, line.find(' ', at) - at);
      found.words.push_back(word);
      at += word.size();
      continue;
    }
    const base::Result<Unquoted> word = unquote(line, at, scratch_);
    if (!word) {
      const std::string place = "word " + std::to_string(found.words.size() + 1) + ": ";
      return found.refused(place + word.error().what);
    }
    found.words.push_back(word->text);
    at = word->end;
  }
  if (is_http_request(found.words)) return found.broken(std::string(kUnknown));
  return Parsed::kRequest;
}

}  // namespace protocol
