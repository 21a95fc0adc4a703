// How many units each state of a durable limit may still be charged before the journal must know
// more (limiter/journal.h).
//
//   left    units of the last durable block that are not charged yet
//   asked   the same of a block whose record is on its way; never less than `left`
//
// A block is what is used in about kAhead at the present pace, at most a quarter of the bound, at
// least the cost. The next one is asked for when half of it is used, so a steady stream waits only
// at its first touch. A block belongs to the law that it was asked under, and ends with a reload.
//
// Thread: any; what names a hit REQUIRES that its segment is locked, so that records of one state
// are in the log in the order of its charges.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/time.h"
#include "limiter/hit.h"
#include "limiter/journal.h"
#include "limiter/slot.h"
#include "limiter/watchers.h"

namespace limiter {

class Watermarks {
 public:
  static constexpr base::Duration kAhead = std::chrono::milliseconds(100);
  static constexpr base::Duration kKept = std::chrono::minutes(1);  // After the last charge.
  static constexpr size_t kStripes = 256;

  void use(Journal* journal);  // Once, before threads start and before recovered().

  enum class Cover : uint8_t {
    kCovered,
    kLogging,  // Watchers will be told when a block that covers the cost is durable.
    kFailed,   // No journal, or one that failed.
  };
  // May the hit's cost be charged? If not, a block is on its way. `slot`: adopted, or null.
  Cover cover(const Hit& hit, const Slot* slot, base::Time now);
  // It was; covered, or (a commit of more than was reserved) not.
  void charged(const Hit& hit, int64_t cost, const Slot& slot, base::Time now);
  void forget(base::Hash128 key);

  // What was appended with numbers up to `through` is durable. Returns the states to tell.
  std::vector<base::Hash128> journaled(uint64_t through);
  std::vector<base::Hash128> fail();

  void recovered(base::Hash128 key, LawNumber law, base::Time now);
  std::vector<base::Hash128> keys(size_t stripe) const;
  // Appends the state's record anew. `idle`: it is forgotten instead if it was long not charged.
  void rewrite(base::Hash128 key, const Slot* slot, bool idle, base::Time now, const Laws& laws);
  // After a reload no block counts: a limit may have been charged without one meanwhile.
  void reloaded() { reloads_.fetch_add(1, std::memory_order_relaxed); }
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    LawNumber law = kAdHoc;
    uint32_t reloads = 0;
    int64_t left = 0;
    int64_t asked = 0;
    uint64_t number = 0;  // Of the record on its way; 0: none is.
    int64_t block = 0;    // Of the last record.
    int64_t used = 0;     // Since the last record.
    base::Time asked_at{};
    base::Time charged_at{};
    base::Time ends = base::Time::max();  // Of the block: block_ends().
    base::Time asked_ends = base::Time::max();
  };
  struct alignas(64) Stripe {
    mutable base::SpinLock lock;
    std::unordered_map<base::Hash128, Entry, HashOfKey> entries GUARDED_BY(lock);
  };

  const Stripe& stripe_of(base::Hash128 key) const { return (*stripes_)[key.high % kStripes]; }
  Stripe& stripe_of(base::Hash128 key) { return (*stripes_)[key.high % kStripes]; }
  Entry& entry_of(Stripe& stripe, const Hit& hit, base::Time now) REQUIRES_LOCK(stripe.lock);
  void refresh(Entry& entry, base::Time now) const;
  void ask(Entry& entry, const Hit& hit, const Slot* slot, base::Time now);
  bool can_log() const { return journal_ != nullptr && !failed_.load(std::memory_order_relaxed); }
  bool on_its_way(uint64_t number) const;

  Journal* journal_ = nullptr;
  std::atomic<uint32_t> reloads_{0};
  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> durable_{0};
  std::atomic<size_t> size_{0};
  std::unique_ptr<std::array<Stripe, kStripes>> stripes_;            // Set if journal_ is.
  mutable base::SpinLock asked_lock_;                                // The last to be locked.
  std::map<uint64_t, base::Hash128> asked_ GUARDED_BY(asked_lock_);  // By number.
};

}  // namespace limiter
