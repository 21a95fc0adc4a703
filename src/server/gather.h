// When the next batch of a log leaves: at once, or when those who were answered a moment ago have
// asked again. Without it, clients that wait for their answers fall into two groups that take turns
// at the disk: while one group's batch is synced the other's requests pile up, so every batch has
// half of what it could have.
//
//   batch back ─► its clients are answered ─► they ask again ─► most are there: one batch for all
//                                                            └► half a sync has passed: leave
//
// Waiting pays if it takes less than half a sync. Where clients do not come back in that time it is
// tried ever more rarely, so that an answer waits for nobody in vain.
//
// Thread: one owner.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace server {

class Gather {
 public:
  void arrived() { ++waiting_; }  // A request for the next batch.

  void handed(base::Time now) {
    if (until_ != base::Time::min()) learn();
    until_ = base::Time::min();
    handed_at_ = now;
    out_ = waiting_;
    waiting_ = 0;
  }

  void back(base::Time now) {
    took_ += (now - handed_at_ - took_) / 4;
    expected_ = out_ + waiting_;
    if (skip_ > 0) {
      --skip_;
    } else if (took_ >= kWorthIt) {
      until_ = now + took_ / 2;
    }
  }

  // An instant that has passed: at once.
  base::Time leave_at() const { return all_here() ? base::Time::min() : until_; }

 private:
  static constexpr base::Duration kWorthIt = std::chrono::microseconds(100);
  static constexpr uint32_t kMissesMax = 8;

  bool all_here() const { return waiting_ * 8 >= expected_ * 7; }
  void learn() {
    misses_ = all_here() ? 0 : std::min(misses_ + 1, kMissesMax);
    skip_ = misses_ == 0 ? 0 : uint32_t{1} << misses_;
  }

  uint64_t waiting_ = 0;   // Requests for the next batch, …
  uint64_t out_ = 0;       // … of the one that is out, …
  uint64_t expected_ = 0;  // … and of both when it came back.
  base::Time handed_at_{}, until_ = base::Time::min();
  base::Duration took_{};  // From handing to back, smoothed.
  uint32_t misses_ = 0;    // Waits in a row that were in vain.
  uint32_t skip_ = 0;      // Batches that leave at once.
};

}  // namespace server
