// The state in a slot, under any of the five laws.
//
//   kGcra, kWindow     16 bytes in the slot
//   kCounter, kLog,    words[0] owns it on the heap, words[1] is how many bytes are counted for it
//   kHolds
//   kBlock             words[0] is the instant until which the key is blocked
//
// A decision may meet a state that another law left: its limit has changed. What was used stays
// used, as far as the laws can say it to each other:
//   - holds stay holds under another cap; a log or counter of the same period stays as it is
//   - another rate: used(old law) units are put into an empty state of the new one
//   - between holds and a rate nothing carries over: units in flight are no units per time
//   - a GCRA that a caller brought stays at its instant; its old rate is not known
// Reading converts a copy, charging converts the slot.
//
// Thread: any, one at a time for a slot (its segment's lock).
#pragma once
#include <cstdint>

#include "base/time.h"
#include "limit/limit.h"
#include "limiter/hit.h"
#include "limiter/law.h"
#include "limiter/slot.h"

namespace limiter {

inline Kind kind_of(const Law& law) { return static_cast<Kind>(law.index()); }

inline bool charges(const Hit& hit, Purpose purpose) {
  if (hit.cost == 0) return false;
  return kind_of(*hit.law) == Kind::kHolds ? purpose == Purpose::kTake : purpose != Purpose::kPeek;
}

// An absent slot (null) is an idle state. What would charging `cost` units, or taking `cost` holds,
// be answered?
limit::Decision check(const Slot* slot, const Hit& hit, int64_t cost, base::Time now,
                      const Laws& laws);
bool idle(const Slot& slot, base::Time now, const Laws& laws);

// REQUIRES of a block's: kind kBlock.
struct Block {
  static constexpr base::Duration kHalfOpenMax = std::chrono::hours(1);
  base::Time until{};
  base::Duration probe{};  // 0: it ends at `until`.
  bool probing = false;
  bool over(base::Time now) const {
    return probe.count() == 0 ? until <= now : until <= now - kHalfOpenMax;
  }
};
Block block_of(const Slot& slot);
void put(Slot& slot, const Block& block);

// A slot for the hit's key with an idle state of its law.
Slot fresh(const Hit& hit);
void drop(Slot& slot);  // Ends what the slot owns; it is dead bytes then.

// The slot's state becomes one of the hit's law; converted if it was another's.
// REQUIRES: no block.
void adopt(Slot& slot, const Hit& hit, base::Time now, const Laws& laws);

// REQUIRES of all below: adopted.
// REQUIRES: check() of the hit's cost allowed it.
void charge(Slot& slot, const Hit& hit, base::Time now);                       // Rates.
void take(Slot& slot, const Hit& hit, const HoldTerms& hold, base::Time now);  // Holds.
void give_back(Slot& slot, const Hit& hit, base::Time charged, int64_t cost, base::Time now);
int64_t charge_over(Slot& slot, const Hit& hit, base::Time now, int64_t cost, int64_t overdraft);
// As take(), but the hold ends at `until` whatever the law's ttl_max, and is taken even over the
// cap.
void hold(Slot& slot, const Hit& hit, uint64_t hold_id, base::Time until, base::Time now);
// All of the hit's holds, renew() cut to the law's ttl_max, extend() not; true if each was still
// held.
bool renew(Slot& slot, const Hit& hit, uint64_t hold_id, base::Time until, base::Time now);
bool extend(Slot& slot, const Hit& hit, uint64_t hold_id, base::Time until, base::Time now);
bool release(Slot& slot, const Hit& hit, uint64_t hold_id, base::Time now);

// Rates. If `first` units were charged at `now`, at most `overdraft` of them over the bound, would
// `then` units fit at `later`? The slot may be absent and need not be adopted.
// REQUIRES: now <= later.
struct Two {
  int64_t first, overdraft, then;
  base::Time later;
};
bool fits_later(const Slot* slot, const Hit& hit, const Two& two, base::Time now, const Laws& laws);

// Bytes that charging the hit (or `cost` units of it) may add on the heap; the slot may be absent.
int64_t growth(const Slot* slot, const Hit& hit, base::Time now, const Laws& laws);

// Bytes on the heap that the slot owns: as counted last, and counted anew.
int64_t heap_counted(const Slot& slot);
int64_t recount(Slot& slot);

}  // namespace limiter
