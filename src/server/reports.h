// How many lines of the log somebody outside may cause: so many a minute, and then how many more
// there would have been.
//
// Thread: one owner.
#pragma once
#include <cstdint>
#include <string>

#include "base/time.h"
#include "io/log.h"

namespace server {

class Reports {
 public:
  static constexpr uint32_t kLinesMax = 10;  // A minute.

  // May one more be written?
  bool one_more(base::Time now) {
    if (now >= minute_ends_) {
      if (left_out_ > 0) {
        io::log(io::Level::kWarning, "lines were left out", {{"lines", std::to_string(left_out_)}});
      }
      minute_ends_ = now + std::chrono::minutes(1);
      lines_ = left_out_ = 0;
    }
    if (lines_ < kLinesMax) return ++lines_ > 0;
    ++left_out_;
    return false;
  }

 private:
  base::Time minute_ends_{};
  uint32_t lines_ = 0, left_out_ = 0;
};

}  // namespace server
