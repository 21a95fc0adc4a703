// Problems of a configuration, collected: a reader reports and reads on, so that one run shows all.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "limiter/limits.h"

namespace config {

// Thread: one owner.
class Problems {
 public:
  static constexpr size_t kMax = 100;      // What comes after is counted in one last problem.
  static constexpr size_t kWhatMax = 500;  // Bytes of one problem: a file may have long names.

  void add(limiter::Mark where, std::string_view what);
  bool empty() const { return found_.empty(); }
  // Files in the order in which they first had a problem; within a file by place.
  std::vector<Problem> sorted() const;

 private:
  std::vector<Problem> found_;
  size_t left_out_ = 0;
};

// The known word nearest to `word`, if it is near: at most two edits (a letter more, less, other,
// or two neighbours swapped), fewer in a short word. Empty: none.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// " (listen?)", or nothing.
std::string suggestion(std::string_view word, std::span<const std::string_view> known);

// What a file said, as it may stand in an error: one line of at most `most` bytes and "…".
inline constexpr size_t kShownMax = 64;
std::string shown(std::string_view text, size_t most = kShownMax);

}  // namespace config
