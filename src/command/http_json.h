// A JSON text as a flat list of values, in the order of the text: made in one pass, without a tree
// of allocations, and reused from body to body.
//
//   {"a":[1,"x"]}  →  record(end 4) · a: list(end 4) · 1 · "x"
//
// A value's members follow it directly; `end` is the index behind its last descendant, so the next
// sibling is one step away. Texts are views into the parsed text, or into the scratch where they
// had escapes. Grammar: RFC 8259, UTF-8 only (Boost.JSON's parser does the reading).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace command {

struct JsonValue {
  enum class Kind : uint8_t { kNull, kTruth, kInteger, kNumber, kText, kList, kRecord };
  Kind kind = Kind::kNull;
  uint32_t end = 0;
  uint32_t size = 0;  // Members of a list or record.
  // kInteger; 1 or 0 of a kTruth. A number with a fraction, or of over 64 bits, is kNumber.
  int64_t integer = 0;
  std::string_view name = {};  // In a record.
  std::string_view text = {};  // kText; of a kNumber with a fraction or an exponent, its spelling.
};

// Thread: one owner at a time.
class JsonText {
 public:
  static constexpr size_t kDepthMax = 16;
  static constexpr size_t kValuesMax = size_t{1} << 19;  // A body of 1 MiB holds no more.

  // Errors: kInvalid with the byte where the syntax breaks. `text` must outlive the values.
  base::Status parse(std::string_view text);

  const JsonValue& at(size_t index) const { return values_[index]; }  // 0: the whole text.
  size_t size() const { return values_.size(); }

  // Where a value stands, as `descriptors[0][1]`; empty for the whole text.
  std::string path(size_t index) const;

  // Forgets the text; keeps a small body's memory for the next one, gives a large one's back.
  void clear();

 private:
  friend class JsonBuilder;
  std::vector<JsonValue> values_;
  std::string scratch_;  // Texts that had escapes, decoded. Never grows while views into it live.
};

}  // namespace command
