// Replies of RESP2, found in what has arrived. No memory of its own: a reply that is not all there
// is looked at again from its beginning.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace load {

// One value of a reply. A list announces its size, its values follow.
struct RespValue {
  char kind = 0;       // '+' '-' ':' '$' '*'
  int64_t number = 0;  // An integer, the length of a string, the size of a list; -1: nil.
  std::string_view text;
};

enum class Scan : uint8_t { kMore, kWhole, kBroken };

class RespScan {
 public:
  static constexpr int64_t kLengthMax = int64_t{1} << 30;  // Of a string, and values of a list.
  static constexpr size_t kLineMax = 64 * 1024;

  explicit RespScan(std::string_view in) : in_(in) {}

  // One value, with all that it holds, each told to `visit`. After kMore what was told is void.
  template <typename Visit>
  Scan next(Visit&& visit) {
    size_t at = at_;
    for (uint64_t open = 1; open > 0; --open) {
      RespValue value;
      const Scan found = read(at, value);
      if (found != Scan::kWhole) return found;
      if (value.kind == '*' && value.number > 0) open += static_cast<uint64_t>(value.number);
      visit(value);
    }
    at_ = at;
    return Scan::kWhole;
  }
  size_t passed() const { return at_; }

 private:
  Scan read(size_t& at, RespValue& value) const;

  std::string_view in_;
  size_t at_ = 0;
};

}  // namespace load
