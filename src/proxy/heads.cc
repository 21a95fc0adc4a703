#include "proxy/heads.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "proxy/field_names.h"

namespace proxy {
namespace {

using http::Refusal;

constexpr size_t kFieldsMax = 200;
constexpr size_t kMethodBytesMax = 32;

// What a byte may be part of.
enum Class : uint8_t { kToken = 1, kValue = 2, kTarget = 4, kAuthority = 8 };

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> out{};
  const auto add = [&](std::string_view bytes, unsigned classes) {
    for (const char c : bytes) {
      uint8_t& of = out[static_cast<unsigned char>(c)];
      of = static_cast<uint8_t>(of | classes);
    }
  };
  for (unsigned c = 0; c < 256; ++c) {
    const bool visible = c > ' ' && c != 0x7f;
    if (visible || c == ' ' || c == '\t') out[c] |= kValue;
    if (visible && c != '#') out[c] |= kTarget;
  }
  add("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", kToken | kAuthority);
  add("!#$%&'*+-.^_`|~", kToken);
  add("-._~%!$&'()*+,;=:[]", kAuthority);
  return out;
}();

bool all_of(std::string_view text, Class wanted) {
  return std::ranges::all_of(
      text, [&](char c) { return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0; });
}

constexpr Refusal kMalformed{400, "the request is malformed"};
constexpr Refusal kLengthTwice{400, "the body's length is given twice"};

bool parse_length(std::string_view text, std::optional<uint64_t>& out) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) return false;
  out = value;
  return true;
}

// Nothing: the only coding is chunked.
std::optional<Refusal> judge_coding(std::string_view value) {
  if (same_name(value, "chunked")) return std::nullopt;
  std::string_view last;
  bool earlier_chunked = false, tokens = true;
  for_each_element(value, [&](std::string_view coding) {
    earlier_chunked |= same_name(last, "chunked");
    last = coding;
    tokens &= !coding.empty() && all_of(coding, kToken);
  });
  if (!tokens || earlier_chunked || !same_name(last, "chunked")) {
    return Refusal{400, "Transfer-Encoding does not say where the body ends"};
  }
  return Refusal{501, "the only Transfer-Encoding is chunked"};
}

// False: it is no list of names.
bool take_connection(Fields& fields, std::string_view value) {
  bool tokens = true;
  for_each_element(value, [&](std::string_view name) {
    tokens &= all_of(name, kToken);
    if (same_name(name, "close")) {
      fields.close = true;
    } else if (same_name(name, "keep-alive")) {
      fields.keep_alive = true;
    } else if (!name.empty()) {
      fields.named.push_back(name);
    }
  });
  return tokens;
}

// What both sides' fields say of the message.
std::optional<Refusal> take_common(Fields& fields, FieldKind kind, std::string_view value) {
  switch (kind) {
    case FieldKind::kContentLength:
      if (fields.length || fields.chunked) return kLengthTwice;
      if (!parse_length(value, fields.length)) {
        return Refusal{400, "Content-Length is no number"};
      }
      return std::nullopt;
    case FieldKind::kTransferEncoding:
      if (fields.length || fields.chunked) return kLengthTwice;
      fields.chunked = true;
      return judge_coding(value);
    case FieldKind::kConnection:
      if (!take_connection(fields, value)) return Refusal{400, "Connection is malformed"};
      return std::nullopt;
    case FieldKind::kDate:
      fields.date = true;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// The line at the beginning of `rest`, without its CR LF; nothing: it ends otherwise.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == rest.npos || end == 0 || rest[end - 1] != '\r') return std::nullopt;
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

// Calls `own` with each field after what is common to both sides; it may refuse too.
template <typename Own>
std::optional<Refusal> parse_fields(std::string_view rest, Fields& fields, Own&& own) {
  while (true) {
    const std::optional<std::string_view> line = take_line(rest);
    if (!line) return Refusal{400, "a line does not end in CR LF"};
    if (line->empty()) break;
    const size_t colon = line->find(':');
    if (colon == line->npos || colon == 0) return Refusal{400, "a header field is malformed"};
    const std::string_view name = line->substr(0, colon), value = trim(line->substr(colon + 1));
    if (!all_of(name, kToken) || !all_of(value, kValue)) {
      return Refusal{400, "a header field is malformed"};
    }
    if (fields.all.size() == kFieldsMax) return Refusal{431, "there are too many header fields"};
    const FieldKind kind = kind_of(name);
    fields.all.push_back({name, value});
    fields.kinds.push_back(kind);
    if (const auto refusal = take_common(fields, kind, value)) return refusal;
    if (const std::optional<Refusal> refusal = own(kind, value)) return refusal;
  }
  return rest.empty() ? std::nullopt : std::optional(kMalformed);
}

// "HTTP/1.1"
std::optional<Refusal> parse_version(std::string_view text, bool& old) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !digit(text[5]) || text[6] != '.' ||
      !digit(text[7])) {
    return Refusal{400, "the version is malformed"};
  }
  old = text == "HTTP/1.0";
  if (old || text == "HTTP/1.1") return std::nullopt;
  return Refusal{505, "the version is neither HTTP/1.1 nor HTTP/1.0"};
}

std::optional<Refusal> parse_request_line(std::string_view line, RequestHead& head) {
  const size_t first = line.find(' '), second = line.find(' ', first + 1);
  if (first == line.npos || second == line.npos)
    return Refusal{400, "the request line is malformed"};
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, second - first - 1);
  if (head.method.empty() || head.method.size() > kMethodBytesMax || !all_of(head.method, kToken)) {
    return Refusal{400, "the method is malformed"};
  }
  if (const auto refusal = parse_version(line.substr(second + 1), head.old)) return refusal;
  if (head.method == "CONNECT" || head.method == "TRACE") {
    return Refusal{501, "this method is not served"};
  }
  if (head.target.empty() || !all_of(head.target, kTarget)) {
    return Refusal{400, "the target is malformed"};
  }
  return std::nullopt;
}

std::string_view without_port_80(std::string_view authority) {
  if (authority.ends_with(":80") && !authority.ends_with("::80")) authority.remove_suffix(3);
  return authority;
}

bool same_host(std::string_view a, std::string_view b) {
  return std::ranges::equal(without_port_80(a), without_port_80(b), {}, base::lower, base::lower);
}

// An absolute target becomes its path.
std::optional<Refusal> settle_target(RequestHead& head) {
  constexpr std::string_view kScheme = "http://";
  if (head.target[0] == '/') return std::nullopt;
  if (!same_name(head.target.substr(0, kScheme.size()), kScheme)) {
    return Refusal{400, "the target is neither a path nor http://host/path"};
  }
  const std::string_view rest = head.target.substr(kScheme.size());
  const size_t path = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, path);
  if (authority.empty() || !all_of(authority, kAuthority)) {
    return Refusal{400, "the target names no host"};
  }
  if (!head.authority.empty() && !same_host(authority, head.authority)) {
    return Refusal{400, "the target and Host name different hosts"};
  }
  head.authority = authority;
  head.target = rest.substr(path);
  if (!head.target.starts_with('/')) {
    head.made_target.assign("/").append(head.target);
    head.target = head.made_target;
  }
  return std::nullopt;
}

Framing framing_of(const Fields& fields) {
  if (fields.chunked) return {Framing::Kind::kChunked, 0};
  if (fields.length.value_or(0) > 0) return {Framing::Kind::kLength, *fields.length};
  return {};
}

}  // namespace

void Fields::clear() {
  all.clear();
  kinds.clear();
  named.clear();
  length.reset();
  chunked = close = keep_alive = date = false;
}

bool Fields::is_named(size_t at) const {
  return std::ranges::any_of(named, [&](std::string_view name) {
    return std::ranges::equal(name, all[at].name, {}, base::lower, base::lower);
  });
}

bool Fields::passes(size_t at) const { return kinds[at] == FieldKind::kPlain && !is_named(at); }

std::optional<Refusal> parse_request(std::string_view text, RequestHead& head) {
  head.fields.clear();
  head.authority = head.request_id = {};
  head.expects = false;
  const std::optional<std::string_view> line = take_line(text);
  if (!line) return kMalformed;
  if (const auto refusal = parse_request_line(*line, head)) return refusal;
  bool hosted = false;
  const auto own = [&](FieldKind kind, std::string_view value) -> std::optional<Refusal> {
    if (kind == FieldKind::kHost) {
      if (std::exchange(hosted, true)) return Refusal{400, "Host is given twice"};
      if (!all_of(value, kAuthority)) return Refusal{400, "Host names no host"};
      head.authority = value;
    } else if (kind == FieldKind::kExpect) {
      if (!same_name(value, "100-continue")) {
        return Refusal{417, "the only expectation is 100-continue"};
      }
      head.expects = !head.old;
    } else if (kind == FieldKind::kRequestId) {
      head.request_id = value;
    }
    return std::nullopt;
  };
  if (const auto refusal = parse_fields(text, head.fields, own)) return refusal;
  if (head.fields.chunked && head.old) return Refusal{400, "HTTP/1.0 has no Transfer-Encoding"};
  if (head.authority.empty() && !head.old) return Refusal{400, "Host is missing"};
  head.framing = framing_of(head.fields);
  return settle_target(head);
}

bool parse_response(std::string_view text, bool to_head, ResponseHead& head) {
  head.fields.clear();
  const std::optional<std::string_view> line = take_line(text);
  if (!line || line->size() < 12 || (line->size() > 12 && (*line)[12] != ' ')) return false;
  if ((*line)[8] != ' ' || parse_version(line->substr(0, 8), head.old)) return false;
  const char* const digits = line->data() + 9;
  const auto [stop, error] = std::from_chars(digits, digits + 3, head.status);
  if (error != std::errc() || stop != digits + 3 || head.status < 100 || head.status > 599) {
    return false;
  }
  head.reason = line->substr(std::min<size_t>(13, line->size()));
  if (!all_of(head.reason, kValue)) return false;
  if (parse_fields(text, head.fields, [](auto, auto) { return std::optional<Refusal>(); })) {
    return false;
  }
  if (head.fields.chunked && head.old) return false;
  head.framing = framing_of(head.fields);
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) {
    head.framing = {};
  } else if (!head.fields.chunked && !head.fields.length) {
    head.framing.kind = Framing::Kind::kToEnd;
  }
  return true;
}

size_t find_head_end(std::string_view bytes, size_t seen) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const size_t from = seen < kEnd.size() ? 0 : seen - (kEnd.size() - 1);
  const size_t at = bytes.find(kEnd, from);
  return at == bytes.npos ? at : at + kEnd.size();
}

bool hopeless(std::string_view bytes) {
  if (!bytes.empty() && !all_of(bytes.substr(0, 1), kToken)) return true;
  for (size_t at = bytes.find_first_of("\r\n"); at < bytes.size();
       at = bytes.find_first_of("\r\n", at + 2)) {
    if (bytes[at] == '\n' || (at + 1 < bytes.size() && bytes[at + 1] != '\n')) return true;
  }
  return false;
}

void append_host(std::string& out, std::string_view authority) {
  for (const char c : without_port_80(authority)) out += base::lower(c);
}

}  // namespace proxy
