#include "server/meta.h"

#include <gtest/gtest.h>

#include "wal/memory_disk.h"

namespace server {
namespace {

TEST(Meta, ReadsBackWhatWasWritten) {
  const Meta meta{.shards = 8, .seed = 0xfedcba9876543210};
  const auto back = read_meta(write_meta(meta));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, meta);
}

TEST(Meta, ANewerFormatIsRefusedInWords) {
  std::string text = write_meta({});
  text.replace(text.find("data 1"), 6, "data 7");
  const auto back = read_meta(text);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().what, "written by a newer version: its format is 7, this program knows 1");
}

TEST(Meta, EveryCutAndEveryFlippedBitIsNoticed) {
  const std::string text = write_meta({.shards = 3, .seed = 12345});
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(read_meta(text.substr(0, i))) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(read_meta(other)) << i << ' ' << bit;
    }
  }
}

TEST(Meta, ANewDirectoryTakesWhatItIsGivenAndKeepsIt) {
  wal::MemoryDisk disk;
  const Meta fresh{.shards = 4, .seed = 99};
  ASSERT_EQ(open_meta(disk, fresh, 4).value(), fresh);
  EXPECT_EQ(open_meta(disk, {.shards = 2, .seed = 1}, 0).value(), fresh);
  EXPECT_EQ(open_meta(disk, {.shards = 4, .seed = 1}, 4).value(), fresh);
}

TEST(Meta, AnotherNumberOfShardsIsRefusedAndSaysSo) {
  wal::MemoryDisk disk;
  ASSERT_TRUE(open_meta(disk, {.shards = 4, .seed = 99}, 0));
  const auto other = open_meta(disk, {.shards = 8, .seed = 1}, 8);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().field, "shards");
  EXPECT_NE(other.error().what.find("made with 4"), std::string::npos) << other.error().what;
}

// Whatever moment the power goes, the directory is new, or has what was answered.
TEST(Meta, ACrashLeavesItWholeOrNotThere) {
  const Meta first{.shards = 4, .seed = 99}, second{.shards = 2, .seed = 7};
  for (uint64_t moment = 0; moment < 8; ++moment) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      wal::MemoryDisk disk;
      base::Random random(seed);
      disk.die(moment);
      const auto opened = open_meta(disk, first, 0);
      disk.crash(random);
      const auto again = open_meta(disk, second, 0);
      ASSERT_TRUE(again) << moment << ' ' << seed << ' ' << again.error().what;
      EXPECT_TRUE(*again == first || (!opened && *again == second)) << moment << ' ' << seed;
    }
  }
}

}  // namespace
}  // namespace server
