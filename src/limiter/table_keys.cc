// What is done to one key outside of decisions.
#include "limiter/cell.h"
#include "limiter/table.h"

namespace limiter {
namespace {

// The analysis cannot follow a lock that is returned; this guard does.
class LockedSegment {
 public:
  LockedSegment(const Directory& directory, base::Hash128 key) NO_THREAD_SAFETY_ANALYSIS
      : segment_(directory.lock(key.low)) {}
  ~LockedSegment() NO_THREAD_SAFETY_ANALYSIS { segment_.lock.unlock(); }
  LockedSegment(const LockedSegment&) = delete;
  LockedSegment& operator=(const LockedSegment&) = delete;
  Segment& operator*() const { return segment_; }

 private:
  Segment& segment_;
};

bool holds(const Hit& hit) { return kind_of(*hit.law) == Kind::kHolds; }

}  // namespace

limit::Decision Table::peek(const Hit& hit, base::Time now) const {
  const LockedSegment locked(directory_, hit.key);
  return check(find(hit.key), hit, hit.cost, now, laws_);
}

void Table::give_back(const Hit& hit, base::Time charged, int64_t cost, base::Time now) {
  const LockedSegment locked(directory_, hit.key);
  Slot* const slot = find(hit.key);
  if (slot == nullptr || holds(hit)) return;
  const int64_t before = heap_counted(*slot);
  adopt(*slot, hit, now, laws_);
  limiter::give_back(*slot, hit, charged, cost, now);
  count_bytes(recount(*slot) - before);
}

int64_t Table::charge_over(const Hit& hit, base::Time now, int64_t cost,
                           int64_t overdraft) NO_THREAD_SAFETY_ANALYSIS {
  if (cost == 0 || holds(hit)) return 0;
  int64_t units = 0;
  {
    const LockedSegment locked(directory_, hit.key);
    Slot* slot = find(hit.key);
    const bool has_room = heap_has_room(slot, hit, now);
    if (slot == nullptr && has_room) {
      Slot made = fresh(hit);
      slot = add(*locked, made, now, Ceiling::kKept);
      if (slot == nullptr) end(made);
    }
    if (slot == nullptr || !has_room) {
      refused_full_.fetch_add(1, std::memory_order_relaxed);
      return 0;
    }
    const auto promise = promises_.any() ? promises_.find(hit.key, 0, now) : std::nullopt;
    if (promise) cost = spare(slot, hit, now, *promise, {.most = cost, .overdraft = overdraft});
    const int64_t before = heap_counted(*slot);
    adopt(*slot, hit, now, laws_);
    units = limiter::charge_over(*slot, hit, now, cost, overdraft);
    if (hit.durable && units > 0) watermarks_.charged(hit, units, *slot, now);
    count_bytes(recount(*slot) - before);
  }
  settle(now);
  return units;
}

template <typename Change>
bool Table::change_holds(const Hit& hit, base::Time now, Change&& change) {
  const LockedSegment locked(directory_, hit.key);
  Slot* const slot = find(hit.key);
  if (slot == nullptr || !holds(hit)) return false;
  const int64_t before = heap_counted(*slot);
  adopt(*slot, hit, now, laws_);
  const bool all = change(*slot);
  count_bytes(recount(*slot) - before);
  return all;
}

bool Table::renew(const Hit& hit, uint64_t hold_id, base::Time until, base::Time now) {
  return change_holds(hit, now,
                      [&](Slot& slot) { return limiter::renew(slot, hit, hold_id, until, now); });
}

bool Table::extend(const Hit& hit, uint64_t hold_id, base::Time until, base::Time now) {
  return change_holds(hit, now,
                      [&](Slot& slot) { return limiter::extend(slot, hit, hold_id, until, now); });
}

bool Table::release(const Hit& hit, uint64_t hold_id, base::Time now) {
  return change_holds(hit, now,
                      [&](Slot& slot) { return limiter::release(slot, hit, hold_id, now); });
}

bool Table::hold(const Hit& hit, uint64_t hold_id, base::Time until,
                 base::Time now) NO_THREAD_SAFETY_ANALYSIS {
  if (!holds(hit)) return true;
  {
    const LockedSegment locked(directory_, hit.key);
    Slot* slot = find(hit.key);
    if (slot == nullptr) {
      Slot made = fresh(hit);
      slot = add(*locked, made, now, Ceiling::kIgnored);
      if (slot == nullptr) {
        end(made);
        return false;
      }
    }
    const int64_t before = heap_counted(*slot);
    adopt(*slot, hit, now, laws_);
    limiter::hold(*slot, hit, hold_id, until, now);
    count_bytes(recount(*slot) - before);
  }
  settle(now);
  return true;
}

void Table::forget(base::Hash128 key) NO_THREAD_SAFETY_ANALYSIS {
  const LockedSegment locked(directory_, key);
  erase(key);
  watermarks_.forget(key);
}

bool Table::block(base::Hash128 key, base::Time until, base::Time now,
                  base::Duration probe) NO_THREAD_SAFETY_ANALYSIS {
  {
    const LockedSegment locked(directory_, key);
    if (until == base::Time{}) {
      erase(key);
      return true;
    }
    Slot* slot = find(key);
    if (slot == nullptr) {
      const Slot blank = Slot::make(place_of(key), Kind::kBlock, kAdHoc);
      slot = add(*locked, blank, now, Ceiling::kIgnored);
      if (slot == nullptr) return false;
      blocks_.fetch_add(1, std::memory_order_relaxed);
    }
    CHECK(slot->kind() == Kind::kBlock);
    put(*slot, {.until = until, .probe = probe});
  }
  settle(now);
  return true;
}

namespace {

bool lets_one_go(const Slot* slot, base::Time now) {
  if (slot == nullptr || slot->kind() != Kind::kBlock) return false;
  const Block block = block_of(*slot);
  return block.probe.count() > 0 && block.until <= now && !block.over(now);
}

}  // namespace

Table::BlockView Table::block_at(base::Hash128 key, base::Time now) const {
  const LockedSegment locked(directory_, key);
  const Slot* const slot = find(key);
  if (slot == nullptr || slot->kind() != Kind::kBlock) return {.until = now};
  return {.until = block_of(*slot).until, .half_open = lets_one_go(slot, now)};
}

base::Time Table::blocked_until(base::Hash128 key, base::Time now) const {
  return block_at(key, now).until;
}

bool Table::claim_probe(base::Hash128 key, base::Time now) {
  const LockedSegment locked(directory_, key);
  Slot* const slot = find(key);
  if (!lets_one_go(slot, now)) return false;
  Block block = block_of(*slot);
  block.until = now + block.probe;
  block.probing = true;
  put(*slot, block);
  return true;
}

bool Table::give_back_probe(base::Hash128 key, base::Time now) {
  const LockedSegment locked(directory_, key);
  Slot* const slot = find(key);
  if (slot == nullptr || slot->kind() != Kind::kBlock) return false;
  Block block = block_of(*slot);
  if (!block.probing || block.until != now + block.probe) return false;
  block.until = now - kSkew;  // Open for a thread whose instant is earlier, too.
  block.probing = false;
  put(*slot, block);
  return true;
}

}  // namespace limiter
