#include "load/resp_scan.h"

#include <cstring>

namespace load {
namespace {

// False: no number of at most 18 digits.
bool read_number(const char* at, const char* end, int64_t& number) {
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  if (at == end || end - at > 18) return false;
  int64_t value = 0;
  for (; at != end; ++at) {
    if (*at < '0' || *at > '9') return false;
    value = value * 10 + (*at - '0');
  }
  number = negative ? -value : value;
  return true;
}

}  // namespace

Scan RespScan::read(size_t& at, RespValue& value) const {
  const char* const begin = in_.data() + at;
  const size_t left = in_.size() - at;
  if (left == 0) return Scan::kMore;
  const auto* const end = static_cast<const char*>(std::memchr(begin, '\r', left));
  if (end == nullptr) return left > kLineMax ? Scan::kBroken : Scan::kMore;
  const auto line = static_cast<size_t>(end - begin);
  value.kind = *begin;
  if (std::strchr("+-:$*", value.kind) == nullptr || line == 0) return Scan::kBroken;
  if (line + 2 > left) return Scan::kMore;
  if (end[1] != '\n') return Scan::kBroken;
  at += line + 2;
  if (value.kind == '+' || value.kind == '-') {
    value.text = std::string_view(begin + 1, line - 1);
    return Scan::kWhole;
  }
  if (!read_number(begin + 1, end, value.number)) return Scan::kBroken;
  if (value.kind == ':' || value.number < 0) return Scan::kWhole;
  if (value.number > kLengthMax) return Scan::kBroken;
  if (value.kind == '*') return Scan::kWhole;
  const auto size = static_cast<size_t>(value.number);
  if (at + size + 2 > in_.size()) return Scan::kMore;
  value.text = in_.substr(at, size);
  if (in_[at + size] != '\r') return Scan::kBroken;
  at += size + 2;
  return Scan::kWhole;
}

}  // namespace load
