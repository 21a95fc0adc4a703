// How decisions on durable limits keep to what the journal covers (limiter/watermarks.h).
#include "limiter/cell.h"
#include "limiter/locked.h"
#include "limiter/table.h"
#include "limiter/watermark.h"

namespace limiter {

bool Table::cover_all(std::span<const Hit> hits, base::Time now, Purpose purpose,
                      std::span<limit::Decision> decisions, const HoldTerms& hold) {
  bool covered = true;
  for (size_t i = 0; i < hits.size(); ++i) {
    const Hit& hit = hits[i];
    if (!hit.durable || !decisions[i].allowed || !charges(hit, purpose)) continue;
    Slot* const slot = find(hit.key);
    if (slot != nullptr) {
      const int64_t before = heap_counted(*slot);
      adopt(*slot, hit, now, laws_);
      count_bytes(recount(*slot) - before);
    }
    const Watermarks::Cover cover = watermarks_.cover(hit, slot, now);
    if (cover == Watermarks::Cover::kCovered) continue;
    const bool logging = cover == Watermarks::Cover::kLogging;
    decisions[i].allowed = false;
    decisions[i].retry_after = logging ? kLogRetry : kFailedRetry;
    if (hold.logging != nullptr) *hold.logging |= logging;
    covered &= hit.shadow;  // One of quota mode that may stay uncharged.
  }
  return covered;
}

bool Table::recover(const Watermark& mark, const Law* law, LawNumber number,
                    base::Time now) NO_THREAD_SAFETY_ANALYSIS {
  {
    const Hit hit{.key = mark.key};
    const Locked locked(directory_, {&hit, 1});
    erase(mark.key);
    if (law == nullptr) return true;
    Slot slot = slot_of(mark, *law, number, now);
    count_bytes(recount(slot));
    if (add(directory_.of(mark.key.low), slot, now, Ceiling::kIgnored) == nullptr) {
      end(slot);
      return false;
    }
    watermarks_.recovered(mark.key, number, now);
  }
  settle(now);
  return true;
}

void Table::rejournal(size_t stripe, base::Time now) {
  for (const base::Hash128 key : watermarks_.keys(stripe)) {
    const Hit hit{.key = key};
    const Locked locked(directory_, {&hit, 1});
    const Slot* const slot = find(key);
    const bool is_idle = slot == nullptr || idle(*slot, now, laws_);
    watermarks_.rewrite(key, slot, is_idle, now, laws_);
  }
}

}  // namespace limiter
