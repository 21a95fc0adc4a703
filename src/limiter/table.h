// The states of all keys: a hash table in bounded memory that every thread calls directly.
//
// Segments of about a thousand slots of 32 bytes: 104 bits of the key's hash, the law's number and
// kind, 16 bytes of state (states that do not fit hang off a pointer). A segment has its own lock
// and grows by an eighth when it is four fifths full; the number of segments grows one at a time
// (linear hashing: W. Litwin, VLDB 1980), so no call ever moves more than one or two segments and
// no decision waits for more than some tens of microseconds.
//
// Memory: 40 to 48 bytes a GCRA key, all in, at any size. An idle state equals an absent one, so
// idle slots are dropped when a segment would grow and by sweep(); no other state is ever dropped.
// At the ceiling, `when_full` says what happens to a key that has no room.
//
// Thread: any, for every function. A decision over several keys locks their segments in order,
// checks all, then charges all or none (P1).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/hash.h"
#include "base/time.h"
#include "limit/limit.h"
#include "limiter/law.h"

namespace limiter {

enum class WhenFull : uint8_t { kRefuse, kAllow };

struct TableOptions {
  size_t memory_bytes_max = size_t{1} << 30;
  WhenFull when_full = WhenFull::kRefuse;
};

// One state that a decision meets. Keys of one decision are distinct: the caller has summed the
// costs that meet in one state.
struct Hit {
  base::Hash128 key;
  const Law* law = nullptr;      // Outlives the call.
  LawNumber law_number = kAdHoc;
  int64_t cost = 1;              // Units; for concurrency: holds.
  bool shadow = false;           // Never refuses the decision.
};

enum class Purpose : uint8_t {
  kCharge,  // Rates are charged; concurrency limits are only tested.
  kPeek,    // Nothing is charged.
  kTake,    // Rates are charged and holds are taken.
};

struct HoldTerms {  // For kTake.
  uint64_t id = 0;
  base::Duration ttl{};  // Cut to each law's own ttl_max.
};

class Table {
 public:
  explicit Table(TableOptions options, const Laws& laws);
  ~Table();

  // All or none; `decisions[i]` answers `hits[i]` (same size). True if allowed: every hit that is
  // no shadow allows. After a refusal nothing has changed, not even an absent state into a present.
  bool decide(std::span<const Hit> hits, base::Time now, Purpose purpose,
              std::span<limit::Decision> decisions, HoldTerms hold = {});

  // For batches: call the first for all keys, then the second for all, then decide. Hints only.
  void prefetch_segment(base::Hash128 key) const;
  void prefetch_slot(base::Hash128 key) const;

  void give_back(const Hit& hit, base::Time charged, int64_t cost, base::Time now);
  int64_t charge_over(const Hit& hit, base::Time now, int64_t cost, int64_t overdraft);  // Units charged.
  bool renew(const Hit& hit, uint64_t hold_id, base::Time until, base::Time now);
  bool release(const Hit& hit, uint64_t hold_id, base::Time now);
  void forget(base::Hash128 key);

  // A block refuses its key until an instant, whether or not a limit matches it. Blocks live in the
  // table under keys of their own; while there is none, decisions need not look.
  void block(base::Hash128 key, base::Time until);  // Replaces the block that is there; the epoch ends it.
  base::Time blocked_until(base::Hash128 key, base::Time now) const;  // <= now: not blocked.
  bool any_blocks() const;

  // Drops idle states of the next `segments` segments, round and round. Returns slots dropped.
  size_t sweep(base::Time now, size_t segments);

  struct Size {
    size_t keys = 0;
    size_t bytes = 0;
    size_t segments = 0;
    uint64_t refused_full = 0;  // Keys that met the ceiling.
  };
  Size size() const;
};

}  // namespace limiter
