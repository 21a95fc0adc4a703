#include "limiter/segment.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.h"
#include "limiter/directory.h"

namespace limiter {
namespace {

constexpr auto kNone = [](const Slot&) { return false; };

// A segment beside a map that says what must be in it. A test has it to itself, unlocked.
class Bed {
 public:
  Bed() : region_(Segment::kWindowBytes), segment_(region_.begin()) {}

  // Grows as the table does; what fits in no number of pages is left out.
  void insert(Place place, uint64_t value) NO_THREAD_SAFETY_ANALYSIS {
    Slot slot = Slot::make(place, Kind::kGcra, 1);
    slot.words[0] = value;
    while (segment_.full() || segment_.insert(segment_.find(place).at, slot) == nullptr) {
      segment_.pack(kNone);
      const uint32_t pages = segment_.pages();
      const bool grows = pages < Segment::kPagesMax && segment_.fits(pages + 1);
      segment_.lay(grows ? pages + 1 : pages);
      if (!grows) return;
    }
    expected_[{place.tag, place.low}] = value;
  }
  void erase(size_t nth) NO_THREAD_SAFETY_ANALYSIS {
    const auto it = std::next(expected_.begin(), static_cast<std::ptrdiff_t>(nth));
    segment_.erase(segment_.find({it->first.second, it->first.first}).at);
    expected_.erase(it);
  }
  // All expected are found, nothing else is there, in order, and the last slot is free.
  bool holds() const NO_THREAD_SAFETY_ANALYSIS {
    if (segment_.count() != expected_.size()) return false;
    for (const auto& [key, value] : expected_) {
      const Segment::Found found = segment_.find({key.second, key.first});
      if (!found.present || found.at->words[0] != value) return false;
    }
    std::vector<uint64_t> tags;
    segment_.each([&](const Slot& slot) { tags.push_back(slot.tag); });
    return tags.size() == expected_.size() && std::is_sorted(tags.begin(), tags.end());
  }
  template <typename Predicate>
  void lay(uint32_t pages, Predicate dropped) NO_THREAD_SAFETY_ANALYSIS {
    segment_.pack(dropped);
    segment_.lay(pages);
  }
  void lay_tight() NO_THREAD_SAFETY_ANALYSIS {  // REQUIRES: packed.
    segment_.lay(Segment::pages_for(segment_.count()));
  }
  uint32_t pages() const NO_THREAD_SAFETY_ANALYSIS { return segment_.pages(); }
  bool absent(Place place) const NO_THREAD_SAFETY_ANALYSIS { return !segment_.find(place).present; }

  Region region_;
  Segment segment_;
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> expected_;
};

Place any_place(base::Random& random) { return place_of({random.next(), random.next()}); }

// Tags that crowd at the end, at the start, or share all 40 bits.
Place crowded_place(base::Random& random) {
  const uint64_t few = random.below(50) << kLabelBits;
  switch (random.below(3)) {
    case 0:
      return place_of({random.next(), few});
    case 1:
      return place_of({random.next(), ~few});
    default:
      return place_of({random.next(), uint64_t{1} << 63});
  }
}

void random_history(Bed& bed, uint64_t seed, Place (*place)(base::Random&), size_t entries) {
  base::Random random(seed);
  for (size_t i = 0; i < entries; ++i) {
    bed.insert(place(random), random.next());
    if (random.below(3) == 0) bed.erase(random.below(bed.expected_.size()));
  }
}

RC_GTEST_PROP(Segment, FindsWhatWasInsertedAndNotErased, (uint64_t seed)) {
  Bed bed;
  random_history(bed, seed, any_place, 1'000);
  RC_ASSERT(bed.holds());
  base::Random others(seed + 1);
  for (int i = 0; i < 100; ++i) RC_ASSERT(bed.absent(any_place(others)));
}

RC_GTEST_PROP(Segment, KeepsTagsThatCrowd, (uint64_t seed)) {
  Bed bed;
  random_history(bed, seed, crowded_place, 200);
  RC_ASSERT(bed.holds());
}

RC_GTEST_PROP(Segment, StaysTheSameWhenLaidInOtherPages, (uint64_t seed)) {
  Bed bed;
  random_history(bed, seed, any_place, 1'000);
  for (const uint32_t pages : {32u, 9u, 20u, 10u}) {
    bed.lay(pages, kNone);
    RC_ASSERT(bed.pages() == pages);
    RC_ASSERT(bed.holds());
  }
}

TEST(Segment, TheGreatestTagIsNoEmptySlot) {
  Bed bed;
  const Place greatest = place_of({0, ~uint64_t{0}});
  bed.insert(place_of({1, 0}), 5);
  EXPECT_TRUE(bed.absent(greatest));
  bed.insert(greatest, 6);
  EXPECT_TRUE(bed.holds());
}

TEST(Segment, PackDropsWhatItIsToldAndGivesPagesBack) {
  Bed bed;
  random_history(bed, 1, any_place, 1'000);
  bed.lay(4, [](const Slot& slot) { return slot.words[0] % 8 != 0; });
  std::erase_if(bed.expected_, [](const auto& entry) { return entry.second % 8 != 0; });
  EXPECT_EQ(bed.pages(), 4u);
  EXPECT_TRUE(bed.holds());
  // What was given back reads as zero, and is laid out when it is used again.
  bed.lay(8, kNone);
  EXPECT_TRUE(bed.holds());
}

constexpr uint64_t kBit = 16;

void split(Bed& low, Bed& high) NO_THREAD_SAFETY_ANALYSIS {
  low.segment_.pack(kNone);
  low.segment_.split(high.segment_, kBit);
  low.lay_tight();
  high.lay_tight();
}

void merge(Bed& low, Bed& high) NO_THREAD_SAFETY_ANALYSIS {
  low.segment_.pack(kNone);
  high.segment_.pack(kNone);
  low.segment_.merge(high.segment_);
  low.lay_tight();
  high.lay_tight();
}

RC_GTEST_PROP(Segment, SplitsByABitAndMergesBack, (uint64_t seed)) {
  Bed low, high;
  random_history(low, seed, any_place, 900);
  const auto all = low.expected_;
  split(low, high);
  for (const auto& entry : all) {
    if ((entry.first.second & kBit) == 0) continue;
    low.expected_.erase(entry.first);
    high.expected_.insert(entry);
  }
  RC_ASSERT(low.holds());
  RC_ASSERT(high.holds());

  merge(low, high);
  low.expected_ = all;
  high.expected_.clear();
  RC_ASSERT(low.holds());
  RC_ASSERT(high.holds());
  RC_ASSERT(high.pages() == 0u);
}

TEST(Directory, EverySplitMovesOnlyKeysOfTheSplitSegment) {
  Directory directory(600);
  base::Random random(3);
  for (size_t n = Directory::kSegmentsMin; n < 600; ++n) {
    ASSERT_EQ(directory.segments(), n);
    std::vector<uint64_t> lows(200);
    std::vector<size_t> before;
    for (uint64_t& low : lows) before.push_back(directory.index(low = random.next()));
    const Directory::Pair pair = directory.next_split();
    directory.publish_split();
    for (size_t i = 0; i < lows.size(); ++i) {
      const size_t after = directory.index(lows[i]);
      const bool goes = &directory.at(before[i]) == &pair.low && (lows[i] & pair.bit) != 0;
      ASSERT_EQ(&directory.at(after), goes ? &pair.high : &directory.at(before[i]));
    }
  }
}

TEST(Directory, AMergeUndoesASplit) {
  Directory directory(100);
  for (int i = 0; i < 40; ++i) {
    const Directory::Pair split = directory.next_split();
    directory.publish_split();
    const Directory::Pair merge = directory.next_merge();
    EXPECT_EQ(&split.low, &merge.low);
    EXPECT_EQ(&split.high, &merge.high);
  }
}

}  // namespace
}  // namespace limiter
