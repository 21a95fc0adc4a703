#include "queue/dedup.h"

namespace queue {

uint32_t Dedup::find(base::Hash128 id) const {
  return index_.find(Links::hash_of(id), [&](uint32_t slot) { return entries_[slot].id == id; });
}

std::optional<Number> Dedup::seen(base::Hash128 id, base::Time now) const {
  const uint32_t slot = find(id);
  if (slot == kNone || entries_[slot].until <= base::nanoseconds(now)) return std::nullopt;
  return entries_[slot].number;
}

void Dedup::remember(base::Hash128 id, Number number, base::Time until) {
  uint32_t slot = find(id);
  if (slot == kNone) {
    slot = entries_.take();
    entries_[slot].id = id;
    index_.insert(slot);
  }
  entries_[slot].number = number;
  entries_[slot].until = base::nanoseconds(until);
  untils_.set(slot, base::nanoseconds(until));
}

bool Dedup::over(base::Time now) const {
  return !untils_.empty() && untils_.first_at() <= base::nanoseconds(now);
}

bool Dedup::expire(base::Time now) {
  if (!over(now)) return false;
  const uint32_t slot = untils_.first();
  untils_.erase(slot);
  index_.erase(slot);
  entries_.give(slot);
  return true;
}

void Dedup::each(uint64_t& cursor, size_t most,
                 const std::function<void(base::Hash128, Number, base::Time until)>& visit) const {
  auto slot = static_cast<uint32_t>(cursor);
  while (most > 0 && (slot = entries_.seek(slot, most)) < entries_.end() && most > 0) {
    const Entry& entry = entries_[slot++];
    visit(entry.id, entry.number, base::time_from(entry.until));
    --most;
  }
  cursor = slot < entries_.end() ? slot : 0;
}

}  // namespace queue
