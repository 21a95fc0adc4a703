// The storage under the queues, each part against the plain container that it stands for.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "base/random.h"
#include "queue/heap.h"
#include "queue/index.h"
#include "queue/slab.h"
#include "queue/tree.h"

namespace queue {
namespace {

struct Item {
  uint64_t value = 0;
  uint32_t hash_next = kNone, left = kNone, right = kNone, position = kNone;
  bool vacant = false;
  bool in_use() const { return !vacant; }
  void vacate() { vacant = true; }
};
using Items = Slab<Item, 4>;

struct ByValue {
  Items* items;
  uint32_t& left(uint32_t slot) { return (*items)[slot].left; }
  uint32_t& right(uint32_t slot) { return (*items)[slot].right; }
  bool before(uint32_t a, uint32_t b) const { return (*items)[a].value < (*items)[b].value; }
};
struct Owner {
  Items* items;
  uint32_t& position(uint32_t slot) { return (*items)[slot].position; }
};
struct Links {  // Every hash is met four times, and most of them in one half of the buckets.
  Items* items;
  static uint32_t hash_of(uint64_t value) { return static_cast<uint32_t>(value / 4 * 3); }
  uint32_t hash(uint32_t slot) const { return hash_of((*items)[slot].value); }
  uint32_t& next(uint32_t slot) { return (*items)[slot].hash_next; }
};

TEST(Slab, ItemsDoNotMoveAndChunksThatAreFreeAreGivenBack) {
  Items items;
  std::vector<uint32_t> slots;
  for (uint64_t i = 0; i < 1000; ++i) {
    slots.push_back(items.take());
    items[slots.back()].value = i;
  }
  const Item* const first = &items[slots[0]];
  const size_t full = items.bytes();
  for (size_t i = 1; i < 1000; ++i) items.give(slots[i]);
  EXPECT_EQ(&items[slots[0]], first);
  EXPECT_EQ(first->value, 0u);
  EXPECT_TRUE(items.holds(slots[0]));
  EXPECT_FALSE(items.holds(slots[999])) << "even where its chunk is gone";
  EXPECT_LT(items.bytes(), full / 10);
  for (int i = 1; i < 1000; ++i) EXPECT_EQ(items[items.take()].value, 0u);
  EXPECT_LE(items.bytes(), full) << "slots and chunks are used again";
}

TEST(Slab, AWalkFindsWhatIsInUseWithinItsBudget) {
  Items items;
  std::set<uint32_t> used;
  for (int i = 0; i < 200; ++i) used.insert(items.take());
  for (uint32_t slot = 10; slot < 150; ++slot)
    if (slot % 7 != 0) items.give(slot), used.erase(slot);
  std::set<uint32_t> seen;
  size_t budget = 100'000;
  for (uint32_t i = 0; (i = items.seek(i, budget)) < items.end(); ++i) seen.insert(i);
  EXPECT_EQ(seen, used);
  budget = 3;
  EXPECT_LE(items.seek(11, budget), 14u);
}

TEST(Index, FindsWhatIsThereWhileItGrowsAndShrinks) {
  Items items;
  Index<Links> index({&items});
  std::map<uint64_t, uint32_t> plain;
  base::Random random(7);
  const auto find = [&](uint64_t value) {
    return index.find(Links::hash_of(value), [&](uint32_t s) { return items[s].value == value; });
  };
  for (int i = 0; i < 60'000; ++i) {
    const uint64_t value = random.below(40'000);
    const bool growing = i < 30'000;
    const auto found = plain.find(value);
    ASSERT_EQ(find(value), found == plain.end() ? kNone : found->second);
    if (found == plain.end() && (growing || random.below(4) == 0)) {
      const uint32_t slot = plain[value] = items.take();
      items[slot].value = value;
      index.insert(slot);
    } else if (found != plain.end() && !growing) {
      index.erase(found->second);
      items.give(found->second);
      plain.erase(found);
    }
  }
  for (const auto& [value, slot] : plain) ASSERT_EQ(find(value), slot);
  EXPECT_EQ(index.size(), plain.size());
  for (const auto& [value, slot] : plain) index.erase(slot);
  EXPECT_EQ(index.size(), 0u);
  EXPECT_LE(index.buckets(), 1024u);
}

TEST(Tree, KeepsTheOrderOfASetWhateverGoesInAndOut) {
  Items items;
  Tree<ByValue> tree({&items});
  uint32_t root = kNone;
  std::map<uint64_t, uint32_t> plain;
  base::Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t value = random.below(3000);
    const auto found = plain.find(value);
    if (found == plain.end()) {
      const uint32_t slot = plain[value] = items.take();
      items[slot].value = value;
      tree.insert(root, slot);
    } else {
      tree.erase(root, found->second);
      items.give(found->second);
      plain.erase(found);
    }
    ASSERT_EQ(tree.first(root), plain.empty() ? kNone : plain.begin()->second);
  }
  uint32_t slot = tree.first(root);
  for (const auto& [value, expected] : plain) {
    ASSERT_EQ(slot, expected);
    slot = tree.after(root, slot);
  }
  EXPECT_EQ(slot, kNone);
}

TEST(Heap, GivesTheEarliestWhateverIsSetChangedAndErased) {
  Items items;
  Heap<Owner> heap({&items});
  std::set<std::pair<int64_t, uint32_t>> plain;
  std::vector<std::pair<int64_t, uint32_t>> all;
  base::Random random(5);
  for (int i = 0; i < 50'000; ++i) {
    const auto instant = static_cast<int64_t>(random.below(1000)) - 500;
    if (all.empty() || random.below(5) < 3) {
      all.emplace_back(instant, items.take());
      heap.set(all.back().second, instant);
      plain.insert(all.back());
    } else {
      auto& one = all[random.below(all.size())];
      plain.erase(one);
      if (random.below(2) == 0) {
        heap.set(one.second, one.first = instant);
        plain.insert(one);
      } else {
        heap.erase(one.second);
        items.give(one.second);
        one = all.back();
        all.pop_back();
      }
    }
    ASSERT_EQ(heap.size(), plain.size());
    if (!plain.empty()) {
      ASSERT_EQ(heap.first_at(), plain.begin()->first);
    }
  }
  while (!plain.empty()) {
    ASSERT_EQ(heap.first_at(), plain.begin()->first);
    plain.erase({heap.first_at(), heap.first()});
    heap.erase(heap.first());
  }
  EXPECT_TRUE(heap.empty());
}

}  // namespace
}  // namespace queue
