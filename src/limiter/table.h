// The states of all keys: a hash table in bounded memory that every thread calls directly.
//
// Slots of 32 bytes: 104 bits of the key's hash, the law's number and kind, 16 bytes of state
// (states that do not fit hang off a pointer; limiter/cell.h). About a thousand of them make a
// segment, which has its own lock (limiter/segment.h). A segment that is three quarters full grows
// by a page or two of 4 KiB in place; the number of segments grows one at a time (linear hashing:
// limiter/directory.h). So no call ever moves more than a few segments' slots, and no decision
// waits for more than some tens of microseconds.
//
// Memory: a GCRA key costs 45.5 to 47 bytes, all in, from 20,000 keys to as many as fit. An idle
// state equals an absent one, so idle slots are dropped when a segment would grow and by sweep();
// no other state is ever dropped. At the ceiling, `when_full` says what happens to a key that has
// no room. sweep() gives pages back to the system.
//
// No huge pages: measured on 450 MB, they made batches 7 % and single look-ups 10 % faster, but
// zeroing one took up to 6 ms at times, in the middle of a decision.
//
// Thread: any, for every function. A decision over several keys locks their segments in order,
// checks all, then charges all or none (P1).
#pragma once
#include <atomic>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "limit/limit.h"
#include "limiter/directory.h"
#include "limiter/hit.h"
#include "limiter/law.h"
#include "limiter/promises.h"
#include "limiter/slot.h"
#include "limiter/watermark.h"
#include "limiter/watermarks.h"

namespace limiter {

// For a key that has no room: refuse it, or allow it uncounted.
enum class WhenFull : uint8_t { kRefuse, kAllow };

struct TableOptions {
  size_t memory_bytes_max = size_t{1} << 30;
  WhenFull when_full = WhenFull::kRefuse;
};

class Table {
 public:
  // What a key that met the ceiling is told to wait: room comes when other keys become idle.
  static constexpr base::Duration kFullRetry = std::chrono::seconds(1);
  // Each thread has read the clock for itself, once for a batch. What is idle is dropped only when
  // it has been so for this long, so that a thread whose instant is earlier still finds it.
  static constexpr base::Duration kSkew = std::chrono::seconds(1);
  static constexpr size_t kMemoryBytesMax = size_t{1} << 40;  // A higher ceiling is cut to it.

  explicit Table(TableOptions options, const Laws& laws);  // `laws` outlives it.
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // All or none; `decisions[i]` answers `hits[i]` (same size). True if allowed: every hit that is
  // no shadow allows. After a refusal nothing has changed, not even an absent state into a present.
  // A shadow is charged if it allows and the decision does. The numbers of a hit that is not
  // charged (all of them after a refusal or a peek) are those of its state as it is.
  // `uncounted`, if not empty, has the same size and is written: which hits of an allowed decision
  // found no room and were let through without a charge.
  bool decide(std::span<const Hit> hits, base::Time now, Purpose purpose,
              std::span<limit::Decision> decisions, HoldTerms hold = {},
              std::span<bool> uncounted = {});

  // What the hit's own state would answer, whoever has a promise.
  limit::Decision peek(const Hit& hit, base::Time now) const;

  // For batches: call the first for all keys, then the second for all, then decide. Hints only.
  void prefetch_segment(base::Hash128 key) const;
  void prefetch_slot(base::Hash128 key) const;

  // Rates only. Units that were charged at `charged` and have not leaked back return.
  void give_back(const Hit& hit, base::Time charged, int64_t cost, base::Time now);
  // Returns the units charged; 0 if the key is new and has no room.
  int64_t charge_over(const Hit& hit, base::Time now, int64_t cost, int64_t overdraft);
  // Holds only (else false): as many as the hit's cost, as taken under this id. False: not all of
  // them were still held.
  bool renew(const Hit& hit, uint64_t hold_id, base::Time until, base::Time now);
  bool extend(const Hit& hit, uint64_t hold_id, base::Time until, base::Time now);  // Not cut.
  bool release(const Hit& hit, uint64_t hold_id, base::Time now);
  // The hold as cell.h's hold() takes it. False: no room (as block()).
  bool hold(const Hit& hit, uint64_t hold_id, base::Time until, base::Time now);
  void forget(base::Hash128 key);

  // Promises all hits (rates, distinct keys) their costs at the returned instant: the first, not
  // earlier than `not_before`, at which all have room if nothing is charged meanwhile. Nothing is
  // charged. REQUIRES: `owner` has no promise. kFull: a state has another's promise; kInvalid
  // ("cost"): a cost can never fit.
  base::Result<base::Time> promise(std::span<const Hit> hits, uint64_t owner, base::Time not_before,
                                   base::Time now);
  Promises& promises() { return promises_; }

  // Durable limits (table_durable.cc).
  static constexpr base::Duration kLogRetry = std::chrono::milliseconds(10);
  static constexpr base::Duration kFailedRetry = std::chrono::seconds(1);
  Watermarks& watermarks() { return watermarks_; }
  // The state of the mark under `law`, as slot_of() says, in the place of what is there; without a
  // law nothing is there any more. False: no room (as block()).
  bool recover(const Watermark& mark, const Law* law, LawNumber number, base::Time now);
  // Appends the records of one of Watermarks::kStripes parts anew.
  void rejournal(size_t stripe, base::Time now);

  // A block refuses its key until an instant, whether or not a limit matches it. Blocks live in the
  // table under keys of their own; while there is none, decisions need not look.
  // Replaces the block that is there; the epoch ends it. False: no room (the ceiling does not count
  // for blocks, but a segment has an end).
  // `probe`: as Limiter::block().
  [[nodiscard]] bool block(base::Hash128 key, base::Time until, base::Time now,
                           base::Duration probe = {});
  base::Time blocked_until(base::Hash128 key, base::Time now) const;  // <= now: not blocked.
  struct BlockView {
    base::Time until;        // <= now: not blocked.
    bool half_open = false;  // It lets one ask go, which must claim_probe().
  };
  BlockView block_at(base::Hash128 key, base::Time now) const;
  // The block is closed for its probe's time. False: it is not half open (any more).
  bool claim_probe(base::Hash128 key, base::Time now);
  // Takes back a claim that was made at `now`, if it is there: the block is half open again. True:
  // tell who waits.
  bool give_back_probe(base::Hash128 key, base::Time now);
  bool any_blocks() const { return blocks_.load(std::memory_order_relaxed) != 0; }

  // Drops idle states of the next `segments` segments, round and round, and gives back memory.
  // Returns slots dropped.
  size_t sweep(base::Time now, size_t segments);

  struct Size {
    size_t keys = 0;
    size_t bytes = 0;
    size_t segments = 0;
    uint64_t refused_full = 0;  // Keys that met the ceiling.
    uint64_t moved_max = 0;     // The most slots that were laid anew at one time.
  };
  Size size() const;

 private:
  enum class Ceiling { kKept, kIgnored };
  using Indexes = boost::container::small_vector<size_t, 16>;  // Of hits.

  [[gnu::flatten]] bool decide_gcra(const Hit& hit, const limit::Gcra& law, base::Time now,
                                    limit::Decision& decision, const HoldTerms& hold);
  [[gnu::noinline]] bool decide_all(std::span<const Hit> hits, base::Time now, Purpose purpose,
                                    std::span<limit::Decision> decisions, const HoldTerms& hold,
                                    std::span<bool> uncounted = {});
  // What charging `cost` units would be answered.
  limit::Decision ask(const Hit& hit, int64_t cost, base::Time now, uint64_t promised_to) const;
  void keep_promise(const Hit& hit, int64_t cost, base::Time now, uint64_t promised_to,
                    limit::Decision& decision) const;
  struct OverTerms {
    int64_t most;
    int64_t overdraft = 0;
  };
  int64_t spare(const Slot* slot, const Hit& hit, base::Time now, const Promises::Promise& promise,
                const OverTerms& over) const;
  // Hits that the journal does not cover refuse. REQUIRES: the decision is allowed otherwise.
  bool cover_all(std::span<const Hit> hits, base::Time now, Purpose purpose,
                 std::span<limit::Decision> decisions, const HoldTerms& hold);
  bool charge_all(std::span<const Hit> hits, base::Time now, Purpose purpose,
                  std::span<limit::Decision> decisions, const HoldTerms& hold,
                  std::span<bool> uncounted);
  // False: one of them has no room, and none is added. An allowed or shadow one is left out.
  bool add_all(const Indexes& absent, std::span<const Hit> hits, base::Time now,
               std::span<limit::Decision> decisions, const HoldTerms& hold,
               std::span<bool> uncounted);
  bool add_charged(const Hit& hit, base::Time now, const HoldTerms& hold);
  void charge(Slot& slot, const Hit& hit, base::Time now, const HoldTerms& hold);
  // As add_all() for those that are there, but charges none. Their growth is counted: `earmarked`.
  bool earmark_all(Indexes& present, std::span<const Hit> hits, base::Time now,
                   std::span<limit::Decision> decisions, std::span<bool> uncounted,
                   int64_t& earmarked);
  // Would what charging it adds on the heap stay below the ceiling?
  bool heap_has_room(const Slot* slot, const Hit& hit, base::Time now) const;
  template <typename Change>
  bool change_holds(const Hit& hit, base::Time now, Change&& change);
  bool go_without(const Hit& hit, limit::Decision& decision);
  bool refuse_full(limit::Decision& decision);

  // All of these REQUIRE that the segment of the key is locked.
  Slot* find(base::Hash128 key) const;  // Null: absent.
  Slot* add(Segment& segment, const Slot& slot, base::Time now, Ceiling ceiling)
      REQUIRES_LOCK(segment.lock);
  void erase(base::Hash128 key);

  // Growth (table_room.cc).
  bool make_room(Segment& segment, base::Time now, Ceiling ceiling) REQUIRES_LOCK(segment.lock);
  size_t pack(Segment& segment, base::Time now) REQUIRES_LOCK(segment.lock);
  void lay(Segment& segment, uint32_t pages) REQUIRES_LOCK(segment.lock);
  size_t sweep(Segment& segment, base::Time now) REQUIRES_LOCK(segment.lock);
  void end(Slot& slot);
  bool below_ceiling(uint32_t more_pages) const;
  bool droppable(const Slot& slot, base::Time now) const;
  // After the heap met the ceiling. True: something was dropped.
  bool drop_idle(Segment& segment, base::Time now) REQUIRES_LOCK(segment.lock);
  void count_bytes(int64_t difference) {  // Only a sum: orders nothing.
    if (difference != 0) bytes_.fetch_add(difference, std::memory_order_relaxed);
  }
  void settle(base::Time now);  // After an insert, with no lock held: splits a segment if due.
  void split(base::Time now) REQUIRES_LOCK(reshape_);
  size_t merge(base::Time now) REQUIRES_LOCK(reshape_);  // Slots dropped.

  const TableOptions options_;
  const Laws& laws_;
  Directory directory_;
  Promises promises_;
  Watermarks watermarks_;
  base::SpinLock reshape_;  // One split or merge at a time.

  alignas(64) std::atomic<size_t> blocks_{0};  // Read by every batch, rarely written.
  alignas(64) std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> keys_{0};  // As of each segment's last laying; decides on splits.
  std::atomic<size_t> swept_{0};
  std::atomic<uint64_t> refused_full_{0};
  std::atomic<uint64_t> moved_max_{0};
};

inline void Table::prefetch_segment(base::Hash128 key) const {
  __builtin_prefetch(&directory_.of(key.low), 1);
}

inline void Table::prefetch_slot(base::Hash128 key) const {
  const std::byte* const line = directory_.of(key.low).line_of(place_of(key));
  // Three lines: 97 keys in a hundred. Into the second cache: the first one takes too few at a time
  // (a million keys in batches: 57 ns instead of 97).
  for (int i = 0; i < 3; ++i) __builtin_prefetch(line + 64 * i, 1, 2);
}

}  // namespace limiter
