// Deduplication ids and when each is over: 40 bytes, 4 of the index and 12 of the heap.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

#include "base/hash.h"
#include "base/time.h"
#include "queue/heap.h"
#include "queue/index.h"
#include "queue/queue.h"
#include "queue/slab.h"

namespace queue {

class Dedup {
 public:
  Dedup() : index_({&entries_}), untils_({&entries_}) {}

  std::optional<Number> seen(base::Hash128 id, base::Time now) const;
  void remember(base::Hash128 id, Number number, base::Time until);
  bool expire(base::Time now);      // Forgets one that is over. False: there is none.
  bool over(base::Time now) const;  // Whether there is one.
  void each(uint64_t& cursor, size_t most,
            const std::function<void(base::Hash128, Number, base::Time until)>& visit) const;
  size_t size() const { return entries_.used(); }
  size_t bytes() const { return entries_.bytes() + index_.bytes() + untils_.bytes(); }
  uint64_t moved() const { return index_.moved(); }

 private:
  static constexpr int64_t kVacantUntil = std::numeric_limits<int64_t>::min();
  struct Entry {
    base::Hash128 id;
    Number number = 0;
    int64_t until = 0;
    uint32_t hash_next = kNone;
    uint32_t timer = kNone;
    bool in_use() const { return until != kVacantUntil; }
    void vacate() { until = kVacantUntil; }
  };
  static_assert(sizeof(Entry) == 40);
  using Entries = Slab<Entry, 12>;

  struct Links {
    Entries* entries;
    static uint32_t hash_of(base::Hash128 id) { return static_cast<uint32_t>(id.low); }
    uint32_t hash(uint32_t slot) const { return hash_of((*entries)[slot].id); }
    uint32_t& next(uint32_t slot) { return (*entries)[slot].hash_next; }
  };
  struct Owner {
    Entries* entries;
    uint32_t& position(uint32_t slot) { return (*entries)[slot].timer; }
  };
  uint32_t find(base::Hash128 id) const;

  Entries entries_;
  Index<Links> index_;
  Heap<Owner> untils_;
};

}  // namespace queue
