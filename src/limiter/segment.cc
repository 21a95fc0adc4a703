#include "limiter/segment.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace limiter {

Slot* Segment::insert(Slot* at, const Slot& slot) {
  if (pages_ == 0) return nullptr;
  Slot* gap = at;
  while (!gap->empty()) ++gap;
  if (gap + 1 == end()) return nullptr;
  std::memmove(static_cast<void*>(at + 1), at, static_cast<size_t>(gap - at) * sizeof(Slot));
  *at = slot;
  count(count() + 1);
  return at;
}

void Segment::erase(Slot* at) {
  Slot* next = at + 1;
  while (!next->empty() && slots_ + home(next->tag, homes()) < next) ++next;
  std::memmove(static_cast<void*>(at), at + 1, static_cast<size_t>(next - at - 1) * sizeof(Slot));
  next[-1] = Slot{};
  count(count() - 1);
}

bool Segment::fits(uint32_t pages) const {
  if (pages == 0) return count() == 0;
  uint32_t free = 0;
  for (uint32_t i = 0; i < count(); ++i) {
    free = std::max(free, home(slots_[i].tag, homes_of(pages))) + 1;
  }
  return free < pages * kPageSlots;
}

// From packed to the right end, from left to right: a slot's new position never lies right of where
// it is read, because those behind it have room (fits()).
void Segment::lay(uint32_t pages) {
  CHECK(pages <= kPagesMax && fits(pages));
  const uint32_t entries = count();
  const uint32_t slots = pages * kPageSlots;
  Slot* const packed = slots_ + (slots - entries);
  std::memmove(static_cast<void*>(packed), slots_, entries * sizeof(Slot));
  Slot* free = slots_;
  for (uint32_t i = 0; i < entries; ++i) {
    const Slot slot = packed[i];
    Slot* const at = std::max(free, slots_ + home(slot.tag, homes_of(pages)));
    std::fill(free, at, Slot{});
    *at = slot;
    free = at + 1;
  }
  std::fill(free, slots_ + slots, Slot{});
  if (pages < pages_) {
    Region::give_back(reinterpret_cast<std::byte*>(slots_ + slots),
                      (pages_ - pages) * Region::kPageBytes);
  }
  pages_ = pages;
  homes_.store(pages == 0 ? 0 : homes_of(pages), std::memory_order_relaxed);
}

void Segment::split(Segment& to, uint64_t bit) {
  Slot* stay = slots_;
  Slot* go = to.slots_;
  for (Slot* from = slots_; from != slots_ + count(); ++from) {
    *((from->low & bit) != 0 ? go++ : stay++) = *from;
  }
  count(static_cast<uint32_t>(stay - slots_));
  to.count(static_cast<uint32_t>(go - to.slots_));
}

// From the right, so that what has not been read yet is not overwritten.
void Segment::merge(Segment& from) {
  Slot* mine = slots_ + count();
  Slot* theirs = from.slots_ + from.count();
  Slot* to = mine + from.count();
  count(count() + from.count());
  from.count(0);
  while (theirs != from.slots_) {
    *--to = mine != slots_ && mine[-1].tag > theirs[-1].tag ? *--mine : *--theirs;
  }
}

}  // namespace limiter
