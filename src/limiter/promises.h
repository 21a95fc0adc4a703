// Promises: beside a state stand an instant and a cost that must still fit then.
//
// A promise charges nothing. A decision that meets a promised state is allowed only if, once it is
// charged, the promised cost still fits at the promised instant; so others may use what is over,
// and whoever was promised finds room at that instant, whatever the others do.
//
//   used ▲          ┌──── bound ───────────────
//        │ ░░░      │ promised
//        │ ░░░░░░   ├────────  others may charge up to here, as seen at t*
//        │ █████████│
//        └──────────┴──────► t
//         now       t*
//
// It ends when it is withdrawn, or kStays after its instant.
//
// Thread: any. A decision reads it with its segments locked, and a promise is put with them locked;
// the locks here come after those. While there is no promise a decision pays one relaxed load.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/time.h"
#include "limiter/hit.h"
#include "limiter/watchers.h"

namespace limiter {

class Promises {
 public:
  static constexpr base::Duration kStays = std::chrono::seconds(1);

  struct Promise {
    uint64_t owner = 0;
    int64_t cost = 0;
    base::Time at{};
    base::Time over() const { return at + kStays; }
  };

  bool any() const { return count_.load(std::memory_order_relaxed) != 0; }
  // The promise of the state, unless it is over or `but_of`'s own.
  std::optional<Promise> find(base::Hash128 state, uint64_t but_of, base::Time now) const;
  // Promises all hits their costs. REQUIRES: their segments are locked, no promise of another's is
  // there, and `owner` has none.
  void put(std::span<const Hit> hits, uint64_t owner, base::Time at);
  // Returns the states that it stood beside.
  std::vector<base::Hash128> withdraw(uint64_t owner);
  std::vector<base::Hash128> withdraw_all();
  void end_due(base::Time now);

 private:
  struct Owned {
    base::Time over;
    std::vector<base::Hash128> states;
  };
  struct alignas(64) Stripe {
    mutable base::SpinLock lock;
    std::unordered_map<base::Hash128, Promise, HashOfKey> by_state GUARDED_BY(lock);
  };
  static constexpr size_t kStripes = 16;

  const Stripe& stripe_of(base::Hash128 state) const { return stripes_[state.high % kStripes]; }
  Stripe& stripe_of(base::Hash128 state) { return stripes_[state.high % kStripes]; }
  void remove(base::Hash128 state, uint64_t owner);

  std::atomic<size_t> count_{0};  // Of states.
  std::array<Stripe, kStripes> stripes_;
  base::Mutex mutex_;  // Before a stripe's.
  std::unordered_map<uint64_t, Owned> by_owner_ GUARDED_BY(mutex_);
};

}  // namespace limiter
