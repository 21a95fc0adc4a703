// What `ratelimmq fetch` prints: a line a URL as it ends, for people or for programs; a bar while
// it goes on; what came of each host.
//
// Thread: one owner.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "fetch/sweep.h"

namespace cli {

class FetchReport {
 public:
  struct Terms {
    bool json = false;
    bool bar = false;       // Standard error is a terminal …
    bool bar_over = false;  // … and so is standard output: the bar gives way to lines.
  };
  explicit FetchReport(Terms terms) : terms_(terms) {}

  void add(const fetch::Finished& finished, std::string_view file, base::Time now);
  // Writes what has gathered. Called every kFlush; add() does so itself after a pause.
  static constexpr base::Duration kFlush = std::chrono::milliseconds(50);
  void flush(base::Time now);
  // `all`: how many there are, if it is known.
  void draw(const fetch::Progress& progress, std::optional<uint64_t> all, base::Time now);
  void totals();
  // Nobody reads any more (EPIPE, or the disk is full).
  bool broken() const { return broken_; }
  const std::string& broken_why() const { return broken_why_; }  // Empty: EPIPE.
  bool all_ok() const { return failed_ == 0; }

 private:
  static constexpr size_t kHostsMax = 10'000;  // Counted apart; the others together.
  static constexpr size_t kHostsShown = 20;
  struct Sums {
    uint64_t ok = 0, failed = 0, bytes = 0;
    base::Duration elapsed{};
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  void add_json(const fetch::Finished& finished, std::string_view file);
  void add_row(const fetch::Finished& finished, std::string_view file);
  void clear_bar();
  void total(std::string_view name, const Sums& sums);

  const Terms terms_;
  std::string out_;
  base::Time flushed_{}, drawn_{};
  uint64_t drawn_finished_ = 0, failed_ = 0;
  bool headed_ = false, bar_shown_ = false, broken_ = false;
  std::string broken_why_;
  boost::unordered_flat_map<std::string, Sums, Hash, std::equal_to<>> hosts_;
  Sums other_, all_;
};

}  // namespace cli
