// How the table grows, shrinks and stays below its ceiling.
#include <algorithm>

#include "limiter/cell.h"
#include "limiter/table.h"

namespace limiter {
namespace {

// A segment has twice as many keys before it is split as after, so from half of this to twice.
constexpr size_t kKeysPerSegment = 1000;

// What a segment costs beside its pages: its header, and its share of a page of page tables.
constexpr int64_t kSegmentBytes =
    sizeof(Segment) + Segment::kWindowBytes / Region::kPageBytes * sizeof(uint64_t);

// While nothing was idle and the ceiling is reached, a segment is not searched again for so long.
constexpr base::Duration kBarren = std::chrono::milliseconds(10);

// Pages for a segment that is laid anew, with some room.
uint32_t roomy_pages(uint32_t entries) { return Segment::pages_for(entries + entries / 16); }

size_t segments_max(size_t memory_bytes_max) {
  constexpr size_t kBytesEach = kKeysPerSegment * sizeof(Slot);  // And they are not quite full.
  return Directory::kSegmentsMin + std::min(memory_bytes_max, Table::kMemoryBytesMax) / kBytesEach;
}

}  // namespace

Table::Table(TableOptions options, const Laws& laws)
    : options_(options), laws_(laws), directory_(segments_max(options.memory_bytes_max)) {
  bytes_ = static_cast<int64_t>(sizeof(Table) + directory_.segments() * size_t{kSegmentBytes});
}

Table::~Table() NO_THREAD_SAFETY_ANALYSIS {
  for (size_t i = 0; i < directory_.segments(); ++i) directory_.at(i).each(drop);
}

Slot* Table::add(Segment& segment, const Slot& slot, base::Time now, Ceiling ceiling) {
  const Place place{slot.low, slot.tag & ~(kLabelSpan - 1)};
  for (;;) {
    if (!segment.full()) {
      if (Slot* const at = segment.insert(segment.find(place).at, slot)) return at;
    }
    if (!make_room(segment, now, ceiling)) return nullptr;
  }
}

void Table::end(Slot& slot) {
  count_bytes(-heap_counted(slot));
  if (slot.kind() == Kind::kBlock) blocks_.fetch_sub(1, std::memory_order_relaxed);
  drop(slot);
}

bool Table::below_ceiling(uint32_t more_pages) const {
  return static_cast<size_t>(bytes_.load(std::memory_order_relaxed)) +
             more_pages * Region::kPageBytes <=
         options_.memory_bytes_max;
}

// Each call that says true has dropped a slot or added a page, so add() comes to an end.
bool Table::make_room(Segment& segment, base::Time now, Ceiling ceiling) {
  const uint32_t pages = segment.pages();
  const bool crowded = !segment.full();  // It has room, but not at its end.
  const uint32_t grown = std::min(pages + std::max(1u, pages / 10), Segment::kPagesMax);
  const bool may_grow =
      grown > pages && (ceiling == Ceiling::kIgnored || below_ceiling(grown - pages));
  if (!may_grow && base::nanoseconds(now) < segment.barren_until) return false;

  const size_t dropped = pack(segment, now);
  const bool enough = !crowded && segment.count() < Segment::entries_max(pages) / 8 * 7;
  const bool grows = may_grow && !enough && segment.fits(grown);
  lay(segment, grows ? grown : pages);
  if (dropped == 0 && !grows) segment.barren_until = base::nanoseconds(now + kBarren);
  return dropped != 0 || grows;
}

bool Table::droppable(const Slot& slot, base::Time now) const {
  return idle(slot, now - kSkew, laws_);
}

bool Table::drop_idle(Segment& segment, base::Time now) {
  if (base::nanoseconds(now) < segment.barren_until) return false;
  const size_t dropped = pack(segment, now);
  lay(segment, segment.pages());
  if (dropped == 0) segment.barren_until = base::nanoseconds(now + kBarren);
  return dropped != 0;
}

size_t Table::pack(Segment& segment, base::Time now) {
  const size_t before = segment.count();
  segment.pack([&](Slot& slot) {
    if (!droppable(slot, now)) return false;
    end(slot);
    return true;
  });
  return before - segment.count();
}

void Table::lay(Segment& segment, uint32_t pages) {
  while (!segment.fits(pages)) ++pages;
  const uint32_t before = segment.pages();
  segment.lay(pages);
  count_bytes((int64_t{pages} - before) * int64_t{Region::kPageBytes});
  keys_ += int64_t{segment.count()} - segment.counted;
  segment.counted = segment.count();
  uint64_t most = moved_max_.load(std::memory_order_relaxed);
  while (segment.count() > most && !moved_max_.compare_exchange_weak(most, segment.count())) {
  }
}

void Table::settle(base::Time now) {
  const auto due = [&] {
    return keys_.load(std::memory_order_relaxed) >
           static_cast<int64_t>(directory_.segments() * kKeysPerSegment);
  };
  if (!due() || !reshape_.try_lock()) return;
  if (due()) split(now);
  reshape_.unlock();
}

void Table::split(base::Time now) {
  // The halves may need two pages more than the whole.
  if (directory_.segments() == directory_.segments_max() || !below_ceiling(3)) return;
  const Directory::Pair pair = directory_.next_split();
  const base::Guard low(pair.low.lock);
  const base::Guard high(pair.high.lock);
  pack(pair.low, now);
  pair.low.split(pair.high, pair.bit);
  lay(pair.low, roomy_pages(pair.low.count()));
  lay(pair.high, roomy_pages(pair.high.count()));
  directory_.publish_split();
  count_bytes(kSegmentBytes);
}

size_t Table::merge(base::Time now) {
  if (directory_.segments() == Directory::kSegmentsMin) return 0;
  const Directory::Pair pair = directory_.next_merge();
  const base::Guard low(pair.low.lock);
  const base::Guard high(pair.high.lock);
  if (pair.low.count() + pair.high.count() > 2 * kKeysPerSegment) return 0;
  const size_t dropped = pack(pair.low, now) + pack(pair.high, now);
  pair.low.merge(pair.high);
  lay(pair.low, roomy_pages(pair.low.count()));
  lay(pair.high, 0);
  directory_.publish_merge();
  count_bytes(-kSegmentBytes);
  return dropped;
}

size_t Table::sweep(base::Time now, size_t segments) {
  size_t dropped = 0;
  for (size_t i = 0; i < segments; ++i) {
    const size_t index = swept_.fetch_add(1, std::memory_order_relaxed) % directory_.segments();
    {
      Segment& segment = directory_.at(index);
      const base::Guard guard(segment.lock);
      dropped += sweep(segment, now);
    }
    const auto few = static_cast<int64_t>(directory_.segments() * kKeysPerSegment / 8 * 3);
    if (keys_.load(std::memory_order_relaxed) >= few || !reshape_.try_lock()) continue;
    dropped += merge(now);
    reshape_.unlock();
  }
  return dropped;
}

size_t Table::sweep(Segment& segment, base::Time now) {
  size_t idle_slots = 0;
  segment.each([&](const Slot& slot) { idle_slots += droppable(slot, now); });
  const auto left = static_cast<uint32_t>(segment.count() - idle_slots);
  const uint32_t pages = segment.pages();
  const bool sparse = left * 2 < pages * Segment::kPageSlots && roomy_pages(left) < pages;
  if (idle_slots == 0 && !sparse) return 0;
  pack(segment, now);
  lay(segment, sparse ? roomy_pages(left) : pages);
  return idle_slots;
}

Table::Size Table::size() const {
  Size size;
  size.segments = directory_.segments();
  for (size_t i = 0; i < size.segments; ++i) size.keys += directory_.at(i).count();
  size.bytes = static_cast<size_t>(bytes_.load(std::memory_order_relaxed));
  size.refused_full = refused_full_.load(std::memory_order_relaxed);
  size.moved_max = moved_max_.load(std::memory_order_relaxed);
  return size;
}

}  // namespace limiter
