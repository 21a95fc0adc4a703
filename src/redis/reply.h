// What a Redis answers, in RESP2 or RESP3.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redis {

struct Reply {
  enum class Kind : uint8_t { kNil, kInteger, kText, kError, kList };  // A map is a list of pairs.
  Kind kind = Kind::kNil;
  int64_t integer = 0;  // Also of a truth: 0, 1.
  std::string text;     // Also a simple string's, an error's, and a double's digits.
  std::vector<Reply> list;

  bool is_error(std::string_view prefix) const {  // "NOSCRIPT", "MOVED", …
    return kind == Kind::kError && text.starts_with(prefix);
  }
};

// Takes bytes as they come. Announced lengths are believed only in so far as bytes arrive.
class ReplyParser {
 public:
  explicit ReplyParser(size_t bytes_max) : bytes_max_(bytes_max) {}

  enum class Found : uint8_t { kMore, kReply, kBroken };
  // Looks at `bytes`; consumed() of them are done with, the others must come again with more behind
  // them. kBroken: what came is no RESP, is nested deeper than kDepthMax, or over the bound.
  Found step(std::string_view bytes);
  size_t consumed() const { return consumed_; }
  Reply& reply() { return reply_; }    // After kReply.
  bool push() const { return push_; }  // It is a RESP3 push, and answers nothing.

  static constexpr size_t kDepthMax = 8;

 private:
  size_t bytes_max_;
  size_t consumed_ = 0;
  Reply reply_;
  bool push_ = false;
};

}  // namespace redis
