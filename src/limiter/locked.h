// Locks the segments of several keys at once: each one once, in the order of their numbers, so that
// two decisions never wait for each other in a circle.
#pragma once
#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <span>

#include "limiter/directory.h"
#include "limiter/hit.h"

namespace limiter {

class Locked {
 public:
  // The analysis cannot follow locks in a list.
  Locked(const Directory& directory, std::span<const Hit> hits) NO_THREAD_SAFETY_ANALYSIS
      : directory_(directory) {
    for (;;) {
      find(hits);
      for (const size_t index : indexes_) directory_.at(index).lock.lock();
      if (still_there(hits)) [[likely]]
        return;
      unlock();
    }
  }
  ~Locked() { unlock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  void find(std::span<const Hit> hits) {
    indexes_.clear();
    for (const Hit& hit : hits) indexes_.push_back(directory_.index(hit.key.low));
    std::sort(indexes_.begin(), indexes_.end());
    indexes_.erase(std::unique(indexes_.begin(), indexes_.end()), indexes_.end());
  }
  // A key may have moved to another segment before all locks were taken.
  bool still_there(std::span<const Hit> hits) const {
    return std::all_of(hits.begin(), hits.end(), [&](const Hit& hit) {
      return std::binary_search(indexes_.begin(), indexes_.end(), directory_.index(hit.key.low));
    });
  }
  void unlock() NO_THREAD_SAFETY_ANALYSIS {
    for (const size_t index : indexes_) directory_.at(index).lock.unlock();
  }

  const Directory& directory_;
  boost::container::small_vector<size_t, 16> indexes_;
};

}  // namespace limiter
