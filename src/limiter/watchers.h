// Who waits at which state, and must be told when units of it come free before their time.
//
// No wake-up is lost, because whoever watches asks after watch() has returned, and both the asking
// and the freeing hold the lock of the state's segment:
//
//   asked before it was freed    watch() ─► ask, refused ─► lock ─► free ─► tell() sees the watcher
//   asked after it was freed     free ─► lock ─► ask sees the units
//
// While nobody watches, tell() is one relaxed load.
//
// Thread: any, for every function but the two that set what is called.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "base/hash.h"
#include "base/mutex.h"

namespace limiter {

struct HashOfKey {  // Keys are hashes already.
  size_t operator()(base::Hash128 key) const { return key.low; }
};

class Watchers {
 public:
  static constexpr uint32_t kMax = 64;

  void watch(base::Hash128 state, uint32_t watcher);  // REQUIRES: watcher < kMax.
  void unwatch(base::Hash128 state, uint32_t watcher);
  // Calls on_freed's function for each watcher of the state, with no lock of this class held.
  void tell(base::Hash128 state) const {
    if (count_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      tell_all(state);
  }
  void tell_reload() const {
    if (reloaded_) reloaded_();
  }
  size_t size() const { return count_.load(std::memory_order_relaxed); }  // States watched.

  // Once, before threads start.
  void on_freed(std::function<void(uint32_t, base::Hash128)> told) { freed_ = std::move(told); }
  void on_reload(std::function<void()> told) { reloaded_ = std::move(told); }

 private:
  struct alignas(64) Stripe {
    mutable base::SpinLock lock;
    std::unordered_map<base::Hash128, uint64_t, HashOfKey> masks GUARDED_BY(lock);
  };
  static constexpr size_t kStripes = 64;

  [[gnu::noinline]] void tell_all(base::Hash128 state) const;
  // By bits that the map within does not use first.
  const Stripe& stripe_of(base::Hash128 state) const { return stripes_[state.high % kStripes]; }
  Stripe& stripe_of(base::Hash128 state) { return stripes_[state.high % kStripes]; }

  std::atomic<size_t> count_{0};
  std::array<Stripe, kStripes> stripes_;
  std::function<void(uint32_t, base::Hash128)> freed_;
  std::function<void()> reloaded_;
};

}  // namespace limiter
