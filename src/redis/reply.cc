#include "redis/reply.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/number.h"

namespace redis {
namespace {

Reply text_of(std::string_view text, Reply::Kind kind = Reply::Kind::kText) {
  return {.kind = kind, .text = std::string(text)};
}

Reply integer_of(int64_t value) { return {.kind = Reply::Kind::kInteger, .integer = value}; }

}  // namespace

ReplyParser::Found ReplyParser::step(std::string_view bytes) {
  consumed_ = 0;
  if (std::exchange(whole_, false)) {
    charged_ = 0;
    push_ = false;
  }
  Step now = broken_ ? Step::kBroken : Step::kOn;
  while (now == Step::kOn) {
    const std::string_view rest = bytes.substr(consumed_);
    now = text_kind_ != 0 ? take_text(rest) : take_line(rest);
  }
  broken_ = now == Step::kBroken;
  whole_ = now == Step::kWhole;
  return broken_ ? Found::kBroken : whole_ ? Found::kReply : Found::kMore;
}

// The bound is looked at in the same way wherever the bytes were cut.
ReplyParser::Step ReplyParser::take_line(std::string_view bytes) {
  const size_t end = bytes.substr(0, kLineMax + 1).find('\r');
  if (end == std::string_view::npos) return bytes.size() > kLineMax ? Step::kBroken : Step::kMore;
  if (end + 1 == bytes.size()) return Step::kMore;
  if (bytes[end + 1] != '\n' || end == 0) return Step::kBroken;
  consumed_ += end + 2;
  return begin(bytes[0], bytes.substr(1, end - 1));
}

ReplyParser::Step ReplyParser::take_text(std::string_view bytes) {
  const size_t taken = std::min<uint64_t>(text_left_, bytes.size());
  text_.text.append(bytes.substr(0, taken));
  text_left_ -= taken;
  consumed_ += taken;
  bytes.remove_prefix(taken);
  if (text_left_ > 0 || bytes.empty()) return Step::kMore;
  if (bytes[0] != '\r' || (bytes.size() > 1 && bytes[1] != '\n')) return Step::kBroken;
  if (bytes.size() == 1) return Step::kMore;
  consumed_ += 2;
  if (std::exchange(text_kind_, char{0}) == '=') {  // "txt:" or "mkd:" goes before it.
    if (text_.text.size() < 4 || text_.text[3] != ':') return Step::kBroken;
    text_.text.erase(0, 4);
  }
  return place(std::move(text_));
}

ReplyParser::Step ReplyParser::begin(char kind, std::string_view rest) {
  if (!charge(sizeof(Reply) + rest.size())) return Step::kBroken;
  switch (kind) {
    case '+':
    case ',':
    case '(':
      return place(text_of(rest));
    case '-':
      return place(text_of(rest, Reply::Kind::kError));
    case '_':
      return rest.empty() ? place({}) : Step::kBroken;
    case '#':
      return rest == "t" || rest == "f" ? place(integer_of(rest == "t")) : Step::kBroken;
    default:
      break;
  }
  const std::optional<int64_t> number = base::parse_integer(rest);
  if (!number) return Step::kBroken;
  if (kind == ':') return place(integer_of(*number));
  if (*number == -1 && (kind == '$' || kind == '*')) return place({});
  if (*number < 0) return Step::kBroken;
  return kind == '$' || kind == '!' || kind == '=' ? begin_text(kind, *number)
                                                   : begin_list(kind, *number);
}

ReplyParser::Step ReplyParser::begin_text(char kind, int64_t size) {
  if (!charge(static_cast<uint64_t>(size))) return Step::kBroken;
  text_ = text_of({}, kind == '!' ? Reply::Kind::kError : Reply::Kind::kText);
  text_kind_ = kind;
  text_left_ = static_cast<uint64_t>(size);
  return Step::kOn;
}

ReplyParser::Step ReplyParser::begin_list(char kind, int64_t count) {
  const bool pairs = kind == '%' || kind == '|';
  if (!pairs && kind != '*' && kind != '~' && kind != '>') return Step::kBroken;
  const auto known = static_cast<uint64_t>(count);
  if (known > bytes_max_ || frames_.size() == kDepthMax) return Step::kBroken;
  if (kind == '>') {
    if (!frames_.empty()) return Step::kBroken;
    push_ = true;
  }
  Reply list{.kind = Reply::Kind::kList};
  if (known == 0) return kind == '|' ? Step::kOn : place(std::move(list));
  frames_.push_back({std::move(list), pairs ? known * 2 : known, kind == '|'});
  return Step::kOn;
}

ReplyParser::Step ReplyParser::place(Reply value) {
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    frame.list.list.push_back(std::move(value));
    if (--frame.left > 0) return Step::kOn;
    const bool attribute = frame.attribute;
    value = std::move(frame.list);
    frames_.pop_back();
    if (attribute) return Step::kOn;
  }
  reply_ = std::move(value);
  return Step::kWhole;
}

bool ReplyParser::charge(uint64_t bytes) {
  charged_ += bytes;
  return charged_ <= bytes_max_;
}

}  // namespace redis
