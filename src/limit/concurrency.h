// Concurrency: at most `cap` holds at a time. A hold is one unit, has an id, and ends when it is
// released or when its time is over, whichever is first; so a holder that vanished leaks nothing.
//
// Bound (P2): at no instant more than `cap` holds.
// State: 16 bytes a hold, at most `cap` live ones in a vector of at most twice that.
// Cost: check() two binary searches at most; take(), renew() and release() look through the live
// holds for the id (measured: 0.3 us among 1,000, 3 us among 10,000), which is why the cap is
// bounded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "limit/decision.h"

namespace limit {

// Changed in place, by the functions of Concurrency only.
class HoldState {
 public:
  size_t bytes() const { return holds_.capacity() * sizeof(Hold); }  // Heap in use.

 private:
  friend class Concurrency;

  struct Hold {
    int64_t until;  // The first instant at which it no longer holds.
    uint64_t id;
  };
  static_assert(sizeof(Hold) == 16);
  using Position = std::vector<Hold>::const_iterator;

  Position first_live(base::Time now) const;
  Position find(uint64_t id, base::Time now) const;  // Among the live ones, or end().
  void insert(Hold hold);
  void erase(Position hold);
  void drop_ended(base::Time now);

  std::vector<Hold> holds_;  // By `until`; the ended ones are in front until they are dropped.
};

// Thread: any (immutable); a state is its owner's.
class Concurrency {
 public:
  static constexpr int64_t kCapMax = 100'000;
  static constexpr base::Duration kTtlMax{int64_t{1} << 61};  // 73 years.
  // `ttl_max` bounds the time of one hold. Errors: field "concurrency" if the cap is not in
  // [1, kCapMax]; "ttl" if ttl_max is not in (0, kTtlMax].
  static base::Result<Concurrency> make(int64_t cap, base::Duration ttl_max);
  int64_t cap() const { return cap_; }
  base::Duration ttl_max() const { return ttl_max_; }

  // Would `holds` more fit? 0 is a peek: allowed unless the cap was lowered below what is held.
  // retry_after: when enough of them end by themselves. reset_after: when all of them have ended by
  // themselves; those asked about are not known yet and not counted.
  Decision check(const HoldState& state, base::Time now, int64_t holds) const;
  // REQUIRES: check() allowed it. A hold that has the id already counts once: it gets the new time.
  // `until` is cut to now + ttl_max; one that is not after now is over at once.
  void take(HoldState& state, base::Time now, uint64_t id, base::Time until) const;
  // As take(), but even over the cap, and until then whatever ttl_max is.
  void hold(HoldState& state, base::Time now, uint64_t id, base::Time until) const;
  // Bytes that taking so many at `now` may add to state.bytes().
  size_t growth(const HoldState& state, base::Time now, int64_t holds) const;
  bool renew(HoldState& state, base::Time now, uint64_t id,
             base::Time until) const;                                 // Cut too. False: ended.
  bool release(HoldState& state, base::Time now, uint64_t id) const;  // False: ended.
  int64_t used(const HoldState& state, base::Time now) const;
  bool idle(const HoldState& state, base::Time now) const { return used(state, now) == 0; }

  friend bool operator==(const Concurrency&, const Concurrency&) = default;

 private:
  Concurrency(int64_t cap_units, base::Duration ttl) : cap_(cap_units), ttl_max_(ttl) {}

  int64_t cap_;
  base::Duration ttl_max_;
};

}  // namespace limit
