// Refusals that need no second call: as long as the states that refused would refuse again, at most
// a second, and only for the same limits and as much or more.
//
// What is remembered are the states; what the next ask is told is worked out anew for its instant
// and cost. A store's time that is told lies in the past when it arrives, so retry_after is never
// early.
//
// Thread: its loop's.
#pragma once
#include <memory>
#include <unordered_map>
#include <vector>

#include "limiter/watchers.h"
#include "store/round.h"

namespace store {

class Remembered {
 public:
  static constexpr base::Duration kLongest = std::chrono::seconds(1);
  static constexpr size_t kRefusalsMax = 50'000;  // Then all are forgotten.

  // The item was refused; `now` by our clock.
  void put(const Round& round, const Item& item, base::Duration retry_after, base::Time now);
  // The item was allowed: what was remembered of its states is past.
  void charged(const Round& round, const Item& item);
  // True: `answer` is what the store would say.
  bool answers(Round& round, Item& item, base::Time now, limiter::Answer& answer);
  // `freed` is another number than before: forget all.
  void keep_if(uint64_t freed);
  size_t size() const { return refusals_.size(); }

 private:
  struct Refusal {
    base::Time heard{}, until{};
    int64_t cost = 0;
    std::vector<Seen> seen{};
  };
  void keep_if(const std::shared_ptr<const limiter::Limits>& limits);

  std::unordered_map<base::Hash128, Refusal, limiter::HashOfKey> refusals_;  // By all their keys.
  std::shared_ptr<const limiter::Limits> limits_;  // Held, so that no other has its address.
  uint64_t freed_ = 0;
};

}  // namespace store
