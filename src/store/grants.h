// Units of hot keys, charged in the store ahead of time and spent here in memory.
//
//   cold ── asked often within a life ──► hot ─► a grant is asked for ─► spent here, asked for
//   again
//                                                when half of it is gone ─► what is left dies with
//                                                its life
//
// A life L is fixed for a limit: rate · L is at most a quarter of the burst, and at most a second.
// It counts from when the grant was sent for, by our clock, so that no other clock can stretch it.
//
// Why the bound holds (P2), for spent units: a unit spent in [a, b] was charged in [a - L, b].
//   - If the last charge up to b saw the burst less rate · L, at most burst - rate · L +
//     rate · (b - a + L) units were charged since a - L: burst + rate · (b - a).
//   - If it saw the full burst, the key had then been idle for L (the script's `life` ends when the
//     TAT lies L in the past), and every grant before that idleness is older than L. Charges since
//     a - L span at most b - a + L, of which L were idle: again burst + rate · (b - a). If none of
//     the units was charged before a, it is the plain bound.
// A grant that is lost on its way was charged and is spent by nobody: too little, never too much.
//
// Only of one GCRA limit that stands alone in its ask (Mode::kGranted); all else is strict, and
// sees the reduced burst beside grants. A grant is refused while its domain may have blocks.
//
// Thread: its loop's.
#pragma once
#include <memory>
#include <optional>
#include <unordered_map>

#include "limit/decision.h"
#include "limiter/hit.h"
#include "limiter/limits.h"
#include "limiter/watchers.h"
#include "store/law.h"

namespace store {

class Grants {
 public:
  static constexpr size_t kKeysMax = 50'000;  // Then all are cold.
  static constexpr int64_t kHotUnits = 8;     // Asked for here within one life.
  static constexpr int64_t kBlockMin = 4;

  // What is known here of the ask; nothing: the store must be asked. Counts it. If `block` is
  // written, a grant of so many units should be sent for: then tell answered() what came of it.
  std::optional<limit::Decision> spend(const limiter::Hit& hit, const Law& law, base::Time now,
                                       unsigned instances, int64_t& block);
  // `units` of `block` were granted to a request sent at `sent`; below 0: it failed.
  struct Told {
    int64_t block, units;
    base::Time sent, now;
  };
  void answered(base::Hash128 key, const Law& law, const Told& told);

  // Other limits, or units that came free, or were taken away: what is here is spent no more.
  void keep_if(const std::shared_ptr<const limiter::Limits>& limits, uint64_t freed);

 private:
  struct Block {
    int64_t units = 0;
    base::Time until{};
  };
  struct Key {
    Block first{}, second{};
    base::Time empty{};    // The store had no unit left then.
    base::Time refused{};  // Until then it has not enough for a grant.
    base::Time span{};     // Demand is counted in spans of a life.
    int64_t demand = 0, demand_before = 0;
    bool sent_for = false;
  };

  std::unordered_map<base::Hash128, Key, limiter::HashOfKey> keys_;
  std::shared_ptr<const limiter::Limits> limits_;
  uint64_t freed_ = 0;
};

}  // namespace store
