// Who decides when the store does not: each limit as its `when_gone` says.
//
//   refuse  the decision is refused          allow  the limit takes no part
//   local   this instance's share of it: the law with its count, burst or cap divided by how many
//           instances there are (at least 1), in a table of this process. What was used stays used
//           when their number changes.
//
// Blocks are in the store and so not seen. Thread: any.
#pragma once
#include <cstdint>
#include <unordered_map>

#include "base/mutex.h"
#include "limiter/gather.h"
#include "limiter/watchers.h"

namespace store {

// The law of one of `n` instances that share `law`. REQUIRES: n > 0.
limiter::Law share_of(const limiter::Law& law, unsigned n);

class Gone {
 public:
  Gone() : table_({}, laws_) {}

  struct Terms {
    base::Time now;
    unsigned instances = 1;
    base::Duration retry{};  // Of what is refused because the store is gone.
    bool peek = false;
  };
  // `rows` has the size of the span's met limits.
  void decide(const limiter::Gathered& gathered, const limiter::GatheredSpan& span,
              const Terms& terms, std::span<limiter::LimitAnswer> rows, limiter::Answer& answer);

  void tick(base::Time now);  // Drops what is idle, in a small slice.

 private:
  struct Share {
    limiter::LawNumber number = limiter::kAdHoc;
    const limiter::Law* law = nullptr;
  };
  Share share(const limiter::Hit& hit, unsigned instances);

  limiter::Laws laws_;
  limiter::Table table_;
  limiter::Watchers watchers_;  // Nobody waits here.
  base::Mutex mutex_;
  std::unordered_map<uint64_t, Share> shares_ GUARDED_BY(mutex_);  // By law and instances.
};

}  // namespace store
