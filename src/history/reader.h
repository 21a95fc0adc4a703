// Bytes of history files to events (docs/formats/history.md).
//
// Thread: one owner. A line is at most kLineBytesMax long.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "history/event.h"

namespace history {

Name name_of(std::string_view word);  // Never 0.

class Reader {
 public:
  static constexpr size_t kLineBytesMax = size_t{1} << 20;

  // The next file begins; its lines count from 1. feed() takes its bytes, cut anywhere;
  // end_file() tells that it is whole. Errors (kInvalid) name the line, not the file, and the
  // reader must not be used any more.
  void begin_file();
  base::Status feed(std::string_view bytes);
  base::Status end_file();

  uint32_t line() const { return where_.line; }  // The last one looked at.
  History take() { return std::move(history_); }

 private:
  base::Status line(std::string_view text);

  History history_;
  std::string rest_;  // A line of which the end has not come yet.
  Where where_{~uint32_t{0}, 0};
};

}  // namespace history
