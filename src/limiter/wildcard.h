// Patterns in which '*' matches any run of bytes, also an empty one. There is no escape.
#pragma once
#include <cstddef>
#include <string_view>

namespace limiter {

// An entry as envoyproxy/ratelimit joins it, "key_value", without building it.
class JoinedEntry {
 public:
  JoinedEntry(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  size_t size() const { return key_.size() + 1 + value_.size(); }
  char operator[](size_t i) const {
    if (i < key_.size()) return key_[i];
    return i == key_.size() ? '_' : value_[i - key_.size() - 1];
  }

 private:
  std::string_view key_, value_;
};

inline bool is_wildcard(std::string_view text) { return text.find('*') != text.npos; }

// `text` is anything with size() and []. Greedy with one way back, to the last '*': at most
// pattern.size() * text.size() steps.
template <typename Text>
bool wildcard_match(std::string_view pattern, const Text& text) {
  constexpr size_t kNone = std::string_view::npos;
  size_t p = 0, t = 0, star = kNone, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != kNone) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace limiter
