// The words of one line, read from left to right. The first fault is kept, and what is read behind
// it means nothing.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "history/event.h"

namespace history {

class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  // Positional words. A word that is missing is a fault.
  std::string_view next();
  Instant instant();
  Span span();
  Outcome outcome();
  Name name();
  std::vector<Name> names();  // A word with commas.
  bool at_end() const { return rest_.empty(); }

  // Then `name=value` words: option() goes to the next one, false at the end.
  bool option();
  bool is(std::string_view name) const { return name_ == name; }
  std::string_view value() const { return value_; }
  Name text() const;  // 0: the value is empty.
  std::vector<Name> texts() const;
  int64_t integer();  // At least 0.
  uint32_t small();
  int64_t milliseconds();               // As nanoseconds.
  std::tuple<int64_t, int64_t> rate();  // N/NS.
  void unknown() { fail("unknown option '" + std::string(name_) + "'"); }

  void fail(std::string what);
  base::Status status() const;

 private:
  int64_t number(std::string_view word);

  std::string_view rest_, name_, value_;
  std::string fault_;
};

}  // namespace history
