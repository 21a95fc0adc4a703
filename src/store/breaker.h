// The breaker in front of the store: after so many failures in a row nobody calls for a while; then
// one call at a time tries, and one that succeeds closes it.
//
//   closed ── failures_max in a row ──► open ── pause ──► trying (one call) ── success ──► closed
//                                        ▲                    │
//                                        └─ a longer pause ───┘ failure
//
// Pauses double up to a bound and have jitter of their own, so that instances do not come back all
// at once. Thread: any.
#pragma once
#include <cstdint>

#include "base/mutex.h"
#include "base/random.h"
#include "base/time.h"

namespace store {

class Breaker {
 public:
  struct Options {
    uint32_t failures = 5;
    base::Duration pause_min = std::chrono::milliseconds(100);
    base::Duration pause_max = std::chrono::seconds(5);
    uint64_t seed = 0;
  };
  explicit Breaker(Options options) : options_(options), random_(options.seed) {}

  // May a call be made now? After a true exactly one of the next two is told what became of it.
  bool enter(base::Time now);
  void succeeded();
  void failed(base::Time now);

  bool closed() const;
  // When the next call may try; the epoch while it is closed.
  base::Time opens_at() const;
  bool would_enter(base::Time now) const;  // As enter(), taking nothing.
  uint64_t opened() const;                 // How often it has been opened.

 private:
  enum class State : uint8_t { kClosed, kOpen, kTrying };
  void open(base::Time now) REQUIRES_LOCK(lock_);

  const Options options_;
  mutable base::SpinLock lock_;
  base::Random random_ GUARDED_BY(lock_);
  State state_ GUARDED_BY(lock_) = State::kClosed;
  uint32_t failures_ GUARDED_BY(lock_) = 0;  // In a row.
  base::Duration pause_ GUARDED_BY(lock_){};
  base::Time until_ GUARDED_BY(lock_){};
  uint64_t opened_ GUARDED_BY(lock_) = 0;
};

}  // namespace store
