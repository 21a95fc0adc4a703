#include "load/http_answer.h"

#include <strings.h>

#include <charconv>

namespace load {
namespace {

struct Head {
  int status = 0;
  std::optional<size_t> length;
  bool chunked = false, last = false;
};

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<size_t> number(std::string_view text, int radix) {
  size_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (error != std::errc() || stop == text.data() || value > kBodyMax) return std::nullopt;
  return value;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

base::Status read_field(std::string_view line, Head& head) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return base::invalid("the answer is no HTTP");
  const std::string_view name = line.substr(0, colon), value = trim(line.substr(colon + 1));
  if (same(name, "content-length")) {
    head.length = number(value, 10);
    if (!head.length) return base::invalid("the answer's Content-Length is none");
  } else if (same(name, "transfer-encoding")) {
    head.chunked = same(value, "chunked");
  } else if (same(name, "connection")) {
    head.last = same(value, "close");
  }
  return {};
}

base::Result<Head> read_head(std::string_view text) {
  Head head;
  if (!text.starts_with("HTTP/1.") || text.size() < 12)
    return base::invalid("the answer is no HTTP");
  head.status = static_cast<int>(number(text.substr(9, 3), 10).value_or(0));
  if (head.status < 100) return base::invalid("the answer is no HTTP");
  for (size_t at = text.find("\r\n"); at != std::string_view::npos;) {
    const size_t end = text.find("\r\n", at + 2);
    const std::string_view line = text.substr(at + 2, end == text.npos ? end : end - at - 2);
    if (const base::Status read = read_field(line, head); !read) return read.error();
    at = end;
  }
  return head;
}

// How many bytes the chunks in front of `in` are; 0: they are not all there.
base::Result<size_t> read_chunks(std::string_view in, std::string& chunks) {
  chunks.clear();
  for (size_t at = 0;;) {
    const size_t end = in.find("\r\n", at);
    if (end == std::string_view::npos) return size_t{0};
    const std::optional<size_t> size = number(in.substr(at, end - at), 16);
    if (!size || chunks.size() + *size > kBodyMax)
      return base::invalid("the answer has a chunk whose length is none");
    at = end + 2;
    if (at + *size + 2 > in.size()) return size_t{0};
    chunks.append(in.substr(at, *size));
    at += *size + 2;
    if (*size == 0) return at;  // (Trailers are not expected.)
  }
}

}  // namespace

base::Result<std::optional<HttpAnswer>> read_http_answer(std::string_view in, std::string& chunks) {
  const std::optional<HttpAnswer> more;
  const size_t end = in.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (in.size() > kHeadMax) return base::invalid("the answer's head is over its bound");
    return more;
  }
  const base::Result<Head> head = read_head(in.substr(0, end));
  if (!head) return head.error();
  HttpAnswer answer{.status = head->status, .body = {}, .bytes = end + 4, .last = head->last};
  if (head->status == 204 || head->status == 304 || head->status < 200) return {answer};
  if (head->chunked) {
    const base::Result<size_t> bytes = read_chunks(in.substr(answer.bytes), chunks);
    if (!bytes) return bytes.error();
    if (*bytes == 0) return more;
    answer.body = chunks;
    answer.bytes += *bytes;
    return {answer};
  }
  if (!head->length) return base::invalid("the answer says no length");
  if (answer.bytes + *head->length > in.size()) return more;
  answer.body = in.substr(answer.bytes, *head->length);
  answer.bytes += *head->length;
  return {answer};
}

}  // namespace load
