// What the room promises of memory, and of the work of a single call.
#include <gtest/gtest.h>

#include <string>

#include "queue/test_bed.h"

namespace queue {
namespace {

constexpr uint64_t kMany = 1'000'000;

TEST(Bounds, AWaitingMessageCostsAtMostAHundredBytes) {
  Bed bed;
  for (uint64_t i = 0; i < kMany; ++i) bed.enqueue();
  EXPECT_LE(bed.store.memory_bytes(), kMany * 100);
  EXPECT_GE(bed.store.memory_bytes(), kMany * kMessageBytes);
}

TEST(Bounds, ALiveKeyCostsAtMostThreeHundredBytesBesideItsMessage) {
  Bed bed;
  for (uint64_t i = 0; i < kMany; ++i) {
    const std::string key = "customer-" + std::to_string(i), descriptors = "tenant=" + key;
    bed.enqueue({.key = key, .descriptors = descriptors});
  }
  EXPECT_LE(bed.store.memory_bytes(), kMany * (100 + 300));
}

TEST(Bounds, ADeduplicationIdCostsAtMostSixtyBytesAndIsGivenBack) {
  Bed bed;
  const size_t empty = bed.store.memory_bytes();
  for (uint64_t i = 0; i < kMany; ++i)
    bed.store.remember({i * 0x9e3779b97f4a7c15u, i}, i, bed.now + std::chrono::nanoseconds(i));
  EXPECT_LE(bed.store.memory_bytes() - empty, kMany * 60);
  bed.now += std::chrono::seconds(1);
  bed.reap_all();
  EXPECT_EQ(bed.store.remembered(), 0u);
  EXPECT_LE(bed.store.memory_bytes() - empty, 1u << 20);
}

TEST(Bounds, SlotsAreUsedAgainAndMemoryIsGivenBackWhenAQueueDrains) {
  Bed bed;
  for (int i = 0; i < 100'000; ++i) bed.enqueue();
  const size_t full = bed.store.memory_bytes();
  for (int i = 0; i < 300'000; ++i) {
    bed.enqueue();
    bed.store.remove(bed.lease());
  }
  EXPECT_LE(bed.store.memory_bytes(), full + full / 50);
  EXPECT_EQ(bed.drain().size(), 100'000u);
  EXPECT_LE(bed.store.memory_bytes(), size_t{4} << 20);
  EXPECT_EQ(bed.store.messages(), 0u);
}

TEST(Bounds, NoCallMovesMuchWhileAQueueGrowsToTwoMillionAndDrains) {
  Bed bed;
  uint64_t steps = 0, most_moved = 0;
  size_t memory = bed.store.memory_bytes(), most_memory = 0;
  const auto look = [&] {
    most_moved = std::max(most_moved, bed.store.steps() - steps);
    steps = bed.store.steps();
  };
  for (uint64_t i = 0; i < 2 * kMany; ++i) {
    bed.enqueue({.key = i % 4 == 0 ? "a" : "b", .delay = i % 8 == 0 ? 5 : 0});
    look();
    if (i % 16 != 0) continue;
    most_memory = std::max(most_memory, bed.store.memory_bytes() - memory);
    memory = bed.store.memory_bytes();
  }
  for (Number n = 1; n <= 2 * kMany; ++n) {
    bed.store.remove(n);
    look();
  }
  EXPECT_LE(most_moved, 40u) << "table entries in one call";
  EXPECT_LE(most_memory, size_t{2} << 20) << "bytes in sixteen calls";
}

TEST(Bounds, NoPatternOfNumbersThatStayMakesLongChains) {
  Bed bed;
  for (uint64_t i = 0; i < kMany; ++i) bed.enqueue();
  uint64_t steps = bed.store.steps(), most = 0;
  for (Number n = 1; n <= kMany; ++n) {
    if (n % 1024 == 0) continue;
    bed.store.remove(n);
    most = std::max(most, bed.store.steps() - steps);
    steps = bed.store.steps();
  }
  EXPECT_LE(most, 40u) << "chains of 1024 would be moved as a whole";
}

}  // namespace
}  // namespace queue
