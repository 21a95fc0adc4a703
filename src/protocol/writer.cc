#include "protocol/writer.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/check.h"
#include "protocol/json_text.h"

namespace protocol {
namespace {

constexpr std::array<std::string_view, 10> kPrefixes = {"ERR",      "LIMITED", "NOAUTH", "NOPERM",
                                                        "NOTFOUND", "STALE",   "FULL",   "READONLY",
                                                        "UNKNOWN",  "SHUTDOWN"};

bool control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// More than an integer of ours, so that no reader's idea of a number meets a bare text.
bool like_number(std::string_view text) {
  const size_t first = text.front() == '-' || text.front() == '+' ? 1 : 0;
  return first < text.size() && text[first] >= '0' && text[first] <= '9' &&
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

// A text that a reader of the line protocol cannot take for anything else.
bool bare(std::string_view text) {
  if (text.empty() || text.front() == '{' || text.front() == '[') return false;
  const auto special = [](char c) { return control(c) || c == ' ' || c == '"'; };
  if (std::ranges::any_of(text, special)) return false;
  return text != "NIL" && !like_number(text) &&
         std::ranges::find(kPrefixes, text) == kPrefixes.end();
}

}  // namespace

std::string_view prefix(base::Code code) {
  switch (code) {
    case base::Code::kLimited:
      return "LIMITED";
    case base::Code::kNoAuth:
      return "NOAUTH";
    case base::Code::kNoPerm:
      return "NOPERM";
    case base::Code::kNotFound:
      return "NOTFOUND";
    case base::Code::kStale:
      return "STALE";
    case base::Code::kFull:
      return "FULL";
    case base::Code::kReadOnly:
      return "READONLY";
    case base::Code::kUnknown:
      return "UNKNOWN";
    case base::Code::kShutdown:
      return "SHUTDOWN";
    case base::Code::kInvalid:
    case base::Code::kIo:
      return "ERR";
  }
  return "ERR";
}

Writer::Writer(Wire wire, std::string& out) : out_(out), wire_(wire) {}

Writer& Writer::simple(std::string_view text) {
  if (json()) return this->text(text);
  begin_value();
  if (resp()) out_ += '+';
  put_clean(text);
  if (resp()) out_ += "\r\n";
  return end_value();
}

Writer& Writer::error(base::Code code, std::string_view text) {
  return error_line(std::string(prefix(code)).append(1, ' ').append(text));
}

Writer& Writer::error_line(std::string_view whole) {
  begin_value();
  if (resp()) {
    out_ += '-';
    put_clean(whole);
    out_ += "\r\n";
  } else if (json()) {
    out_ += "{\"error\":";
    append_quoted(out_, whole, BadUtf8::kReplace);
    out_ += '}';
  } else {
    put_clean(whole);
  }
  return end_value();
}

Writer& Writer::integer(int64_t value) {
  begin_value();
  if (resp()) {
    put_head(':', value);
  } else {
    put_number(value);
  }
  return end_value();
}

Writer& Writer::nil() {
  begin_value();
  out_ += wire_ == Wire::kResp2   ? "$-1\r\n"
          : wire_ == Wire::kResp3 ? "_\r\n"
          : json()                ? "null"
                                  : "NIL";
  return end_value();
}

Writer& Writer::nil_list() {
  if (wire_ != Wire::kResp2) return nil();
  begin_value();
  out_ += "*-1\r\n";
  return end_value();
}

Writer& Writer::text(std::string_view bytes) {
  if (json() && named_ && !valid_utf8(bytes)) {
    begin_value("_base64");
    out_ += '"';
    base::append_base64(out_, bytes);
    out_ += '"';
    return end_value();
  }
  begin_value();
  if (resp()) {
    put_bulk(bytes);
  } else if (json()) {
    append_quoted(out_, bytes, BadUtf8::kReplace);
  } else if (bare(bytes)) {
    out_ += bytes;
  } else {
    append_quoted(out_, bytes, BadUtf8::kKeep);
  }
  return end_value();
}

Writer& Writer::truth(bool value) {
  if (!json()) return integer(value ? 1 : 0);
  begin_value();
  out_ += value ? "true" : "false";
  return end_value();
}

Writer& Writer::list(size_t size) {
  begin_value();
  if (resp()) {
    put_head('*', static_cast<int64_t>(size));
  } else {
    out_ += '[';
  }
  open(size, false);
  return end_value();
}

Writer& Writer::record(size_t fields) {
  begin_value();
  if (wire_ == Wire::kResp3) {
    put_head('%', static_cast<int64_t>(fields));
  } else if (wire_ == Wire::kResp2) {
    put_head('*', static_cast<int64_t>(fields) * 2);
  } else {
    out_ += '{';
  }
  open(fields, true);
  return end_value();
}

Writer& Writer::field(std::string_view name) {
  CHECK(depth_ > 0 && open_[depth_ - 1u].record && !named_);
  named_ = true;
  name_ = name;
  if (resp()) put_bulk(name);
  return *this;
}

// In JSON a name is written only now, with `name_suffix`: it depends on the value.
void Writer::begin_value(std::string_view name_suffix) {
  CHECK(!done_);
  if (depth_ == 0) return;
  Open& in = open_[depth_ - 1u];
  CHECK(in.record == named_);
  named_ = false;
  --in.left;
  if (resp()) return;
  if (!in.first) out_ += ',';
  in.first = false;
  if (!in.record) return;
  append_quoted(out_, name_, BadUtf8::kReplace);
  if (!name_suffix.empty()) out_.insert(out_.size() - 1, name_suffix);
  out_ += ':';
}

Writer& Writer::end_value() {
  while (depth_ > 0 && open_[depth_ - 1u].left == 0) {
    --depth_;
    if (!resp()) out_ += open_[depth_].record ? '}' : ']';
  }
  if (depth_ > 0) return *this;
  done_ = true;
  if (wire_ == Wire::kLine) out_ += '\n';
  return *this;
}

void Writer::open(size_t size, bool record) {
  CHECK(depth_ < kDepthMax);
  open_[depth_++] = {size, record, true};
}

// In place: digits that were just written one by one are slow to copy.
void Writer::put_head(char kind, int64_t number) {
  constexpr size_t kHeadMax = 24;  // A kind, 20 digits and a sign, CR, LF.
  const size_t begin = out_.size();
  out_.append(kHeadMax, kind);
  char* const head = out_.data() + begin;
  char* const end = std::to_chars(head + 1, head + kHeadMax - 2, number).ptr;
  end[0] = '\r';
  end[1] = '\n';
  out_.resize(begin + static_cast<size_t>(end + 2 - head));
}

void Writer::put_number(int64_t number) {
  std::array<char, 20> digits;
  out_.append(digits.data(), std::to_chars(digits.data(), digits.end(), number).ptr);
}

// Most are short: composed beside, they cost one append.
void Writer::put_bulk(std::string_view bytes) {
  constexpr size_t kShortMax = 99;
  if (bytes.size() > kShortMax) {
    put_head('$', static_cast<int64_t>(bytes.size()));
    out_ += bytes;
    out_ += "\r\n";
    return;
  }
  std::array<char, 5 + kShortMax + 2> whole;
  char* to = whole.data();
  *to++ = '$';
  if (bytes.size() >= 10) *to++ = static_cast<char>('0' + bytes.size() / 10);
  *to++ = static_cast<char>('0' + bytes.size() % 10);
  *to++ = '\r';
  *to++ = '\n';
  to = std::copy(bytes.begin(), bytes.end(), to);
  *to++ = '\r';
  *to++ = '\n';
  out_.append(whole.data(), to);
}

void Writer::put_clean(std::string_view text) {
  const size_t begin = out_.size();
  out_ += text;
  std::replace_if(out_.begin() + static_cast<std::ptrdiff_t>(begin), out_.end(), control, ' ');
}

}  // namespace protocol
