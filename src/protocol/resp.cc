#include "protocol/resp.h"

#include <algorithm>
#include <string>

namespace protocol {
namespace {

constexpr int64_t kElementsMax = 1 << 20;  // Both as Redis has them.
constexpr int64_t kBulkBytesMax = 512 << 20;
constexpr std::string_view kBadArray = "Protocol error: invalid multibulk length";
constexpr std::string_view kBadBulk = "Protocol error: invalid bulk length";

struct Length {
  enum { kGood, kShort, kBad } is;
  int64_t value = 0;
  size_t end = 0;  // Behind the LF.
};

// The number in `*N\r\n` or `$N\r\n`, whose first byte is bytes[at]. Ten digits hold more than
// either may be, so a header is judged within 14 bytes, however it is cut.
Length length_at(std::string_view bytes, size_t at) {
  constexpr size_t kDigitsMax = 10;
  size_t i = at + 1;
  const bool negative = i < bytes.size() && bytes[i] == '-';
  if (negative) ++i;
  const size_t first = i;
  int64_t value = 0;
  for (; i < bytes.size(); ++i) {
    const unsigned digit = static_cast<unsigned char>(bytes[i]) - unsigned{'0'};
    if (digit > 9) break;
    if (i - first == kDigitsMax) return {Length::kBad};
    value = value * 10 + digit;
  }
  if (i == bytes.size()) return {Length::kShort};
  const bool number = i > first && (bytes[first] != '0' || i == first + 1);
  if (!number || bytes[i] != '\r') return {Length::kBad};
  if (i + 1 == bytes.size()) return {Length::kShort};
  if (bytes[i + 1] != '\n') return {Length::kBad};
  return {Length::kGood, negative ? -value : value, i + 2};
}

std::string unexpected(char expected, char got) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(got);
  std::string shown(1, got);
  if (byte < 0x20 || byte > 0x7e) {
    shown = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
  return "Protocol error: expected '" + std::string(1, expected) + "', got '" + shown + "'";
}

}  // namespace

Parsed RespParser::step(std::string_view bytes, Found& found) {
  if (refused_) {
    const Parsed passed = pass_over(bytes, found);
    if (passed != Parsed::kRequest) return passed;
  }
  if (left_ == 0) {
    const Parsed begun = begin(bytes, found);
    if (begun != Parsed::kRequest) return begun;
  }
  return elements(bytes.substr(found.consumed), found);
}

// kRequest: a request has begun at found.consumed, and at_ is where its first element is.
Parsed RespParser::begin(std::string_view bytes, Found& found) {
  for (;;) {
    const size_t start = found.consumed;
    if (start == bytes.size()) return Parsed::kMore;
    if (bytes[start] != '*') return found.broken(unexpected('*', bytes[start]));
    const Length length = length_at(bytes, start);
    if (length.is == Length::kShort) return Parsed::kMore;
    if (length.is == Length::kBad || length.value > kElementsMax) {
      return found.broken(std::string(kBadArray));
    }
    if (length.value <= 0) {
      found.consumed = length.end;
      continue;
    }
    left_ = length.value;
    at_ = length.end - start;
    spans_.clear();
    if (static_cast<uint64_t>(left_) > bounds_.words_max) {
      return refuse(found, at_, "more than " + std::to_string(bounds_.words_max) + " words");
    }
    return Parsed::kRequest;
  }
}

Parsed RespParser::elements(std::string_view request, Found& found) {
  while (left_ > 0) {
    if (at_ == request.size()) return Parsed::kMore;
    if (request[at_] != '$') return found.broken(unexpected('$', request[at_]));
    const Length length = length_at(request, at_);
    if (length.is == Length::kShort) return Parsed::kMore;
    if (length.is == Length::kBad || length.value < 0 || length.value > kBulkBytesMax) {
      return found.broken(std::string(kBadBulk));
    }
    const auto size = static_cast<size_t>(length.value);
    const size_t end = length.end + size;
    if (size > bounds_.body_bytes_max || end + 2 > bounds_.request_bytes_max()) {
      const bool body = size > bounds_.body_bytes_max;
      --left_;
      pass_bytes_ = length.value + 2;
      return refuse(
          found, length.end,
          (body ? "body of " + std::to_string(size)
                : "request of at least " + std::to_string(end + 2)) +
              " bytes is over the bound of " +
              std::to_string(body ? bounds_.body_bytes_max : bounds_.request_bytes_max()));
    }
    if (request.size() < end + 2) return Parsed::kMore;
    if (request[end] != '\r' || request[end + 1] != '\n') {
      return found.broken("Protocol error: a bulk string does not end at its length");
    }
    spans_.push_back({length.end, size});
    at_ = end + 2;
    --left_;
  }
  found.words.resize(spans_.size());
  for (size_t i = 0; i < spans_.size(); ++i) {
    found.words[i] = request.substr(spans_[i].at, spans_[i].size);
  }
  found.consumed += at_;
  return Parsed::kRequest;
}

// `passed` bytes of the request are behind us; the rest is passed over from the next step on.
Parsed RespParser::refuse(Found& found, size_t passed, std::string why) {
  refused_ = true;
  found.consumed += passed;
  return found.refused(std::move(why));
}

// kRequest: the refused request is behind found.consumed.
Parsed RespParser::pass_over(std::string_view bytes, Found& found) {
  for (;;) {
    const size_t here = bytes.size() - found.consumed;
    const size_t passed = std::min(here, static_cast<size_t>(pass_bytes_));
    found.consumed += passed;
    pass_bytes_ -= static_cast<int64_t>(passed);
    if (pass_bytes_ == 0 && left_ == 0) {
      refused_ = false;
      return Parsed::kRequest;
    }
    if (found.consumed == bytes.size()) return Parsed::kMore;
    const char first = bytes[found.consumed];
    if (first != '$') return found.broken(unexpected('$', first));
    const Length length = length_at(bytes, found.consumed);
    if (length.is == Length::kShort) return Parsed::kMore;
    if (length.is == Length::kBad || length.value < 0 || length.value > kBulkBytesMax) {
      return found.broken(std::string(kBadBulk));
    }
    found.consumed = length.end;
    pass_bytes_ = length.value + 2;
    --left_;
  }
}

}  // namespace protocol
