// Replies of RESP2, found in what has arrived.
#pragma once
#include <cstddef>
#include <string_view>

namespace load {

// The whole replies in front of `in`, one after the other. Every string in them goes to `visit`.
class RespReader {
 public:
  explicit RespReader(std::string_view in) : in_(in) {}

  // Passes over one reply; false: it is not all there, and nothing was passed over.
  template <typename Visit>
  bool next(Visit&& visit) {
    size_t at = at_;
    for (size_t open = 1; open > 0; --open) {
      const size_t end = in_.find('\n', at);
      if (end == std::string_view::npos) return false;
      const char kind = in_[at];
      const long size = kind == '$' || kind == '*' ? number(at + 1) : 0;
      if (kind == '-') refused_ = in_.substr(at, end - at);
      at = end + 1;
      if (kind == '*' && size > 0) open += static_cast<size_t>(size);
      if (kind != '$' || size < 0) continue;
      if (at + static_cast<size_t>(size) + 2 > in_.size()) return false;
      visit(in_.substr(at, static_cast<size_t>(size)));
      at += static_cast<size_t>(size) + 2;
    }
    at_ = at;
    return true;
  }
  size_t passed() const { return at_; }
  std::string_view refused() const { return refused_; }  // The last error; empty: none.

 private:
  long number(size_t at) const {
    if (in_[at] == '-') return -1;
    long value = 0;
    for (; in_[at] >= '0' && in_[at] <= '9'; ++at) value = value * 10 + (in_[at] - '0');
    return value;
  }

  std::string_view in_, refused_;
  size_t at_ = 0;
};

}  // namespace load
