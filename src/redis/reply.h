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
  std::string text{};   // Also a simple string's, an error's, and a double's digits.
  std::vector<Reply> list{};

  bool is_error(std::string_view prefix) const {  // "NOSCRIPT", "MOVED", …
    return kind == Kind::kError && text.starts_with(prefix);
  }
};

// Takes bytes as they come. Announced lengths are believed only in so far as bytes arrive.
class ReplyParser {
 public:
  // `bytes_max` bounds the memory of one reply: its texts, and sizeof(Reply) for each element.
  explicit ReplyParser(size_t bytes_max) : bytes_max_(bytes_max) {}

  enum class Found : uint8_t { kMore, kReply, kBroken };
  // Looks at `bytes`; consumed() of them are done with, the others must come again with more behind
  // them. kBroken, for good: what came is no RESP, is nested deeper than kDepthMax, or over a
  // bound.
  Found step(std::string_view bytes);
  size_t consumed() const { return consumed_; }
  Reply& reply() { return reply_; }    // After kReply.
  bool push() const { return push_; }  // It is a RESP3 push, and answers nothing.

  static constexpr size_t kDepthMax = 8;
  static constexpr size_t kLineMax = size_t{64} << 10;  // Of what is told in one line.

 private:
  struct Frame {  // A list that is being filled.
    Reply list;
    uint64_t left;   // Elements.
    bool attribute;  // Said about the value behind it; thrown away.
  };
  enum class Step : uint8_t { kMore, kOn, kWhole, kBroken };
  Step take_line(std::string_view bytes);
  Step take_text(std::string_view bytes);
  Step begin(char kind, std::string_view rest);
  Step begin_list(char kind, int64_t count);
  Step begin_text(char kind, int64_t size);
  Step place(Reply value);
  bool charge(uint64_t bytes);

  size_t bytes_max_;
  size_t consumed_ = 0;
  uint64_t charged_ = 0;
  std::vector<Frame> frames_;
  Reply text_;              // What is being received …
  char text_kind_ = 0;      // … if this is not 0 …
  uint64_t text_left_ = 0;  // … and how much of it is to come, without the end of line.
  Reply reply_;
  bool push_ = false;
  bool whole_ = false;  // The last step found a reply.
  bool broken_ = false;
};

}  // namespace redis
