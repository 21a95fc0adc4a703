#include <gtest/gtest.h>

#include "wal/format.h"
#include "wal/memory_disk.h"
#include "wal/wal.h"

namespace wal {
namespace {

using Strings = std::vector<std::string>;

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(disk_.make_dir("d")); }
  base::Status write(Sequence from, const Strings& bodies) {
    auto writer = CheckpointWriter::create(disk_, "d", 0);
    if (!writer) return writer.error();
    for (const std::string& body : bodies) {
      if (auto s = (*writer)->append(9, body); !s) return s;
      if (auto s = (*writer)->flush(); !s) return s;
    }
    return (*writer)->finish(from);
  }
  base::Result<std::optional<Checkpoint>> read(uint32_t shard = 0) {
    found_.clear();
    return read_checkpoint(disk_, "d", shard, [this](Kind kind, std::string_view body) {
      EXPECT_EQ(kind, 9);
      found_.emplace_back(body);
      return base::Status{};
    });
  }

  MemoryDisk disk_;
  Strings found_;
};

TEST_F(CheckpointTest, ComesBackWholeAndReplacesTheOneBefore) {
  EXPECT_FALSE(read()->has_value());
  ASSERT_TRUE(write(5, {"a", "", std::string(300'000, 'b')}));
  EXPECT_EQ((*read())->from, 5u);
  EXPECT_EQ(found_, (Strings{"a", "", std::string(300'000, 'b')}));
  ASSERT_TRUE(write(8, {}));
  EXPECT_EQ((*read())->from, 8u);
  EXPECT_TRUE(found_.empty());
  EXPECT_EQ(disk_.list("d").value(), Strings{snapshot_name(8)});
}

TEST_F(CheckpointTest, NoDirectoryIsNoSnapshot) {
  const auto none =
      read_checkpoint(disk_, "elsewhere", 0, [](Kind, std::string_view) { return base::Status{}; });
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
}

TEST_F(CheckpointTest, UnfinishedItLeavesNothing) {
  {
    auto writer = CheckpointWriter::create(disk_, "d", 0);
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->append(9, "a"));
    ASSERT_TRUE((*writer)->flush());
  }
  EXPECT_TRUE(disk_.list("d")->empty());
}

TEST_F(CheckpointTest, AtAnyCrashTheOldOrTheNewOneIsThereWhole) {
  const Strings before = {"old"}, after = {"new", std::string(3'000, 'x')};
  int old_ones = 0, new_ones = 0;
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    base::Random random(seed);
    ASSERT_TRUE(write(2, before));
    disk_.die(random.below(12));
    const bool done = write(3, after).has_value();
    disk_.crash(random);
    const auto found = read();
    ASSERT_TRUE(found) << seed << ": " << found.error().what;
    if (done) {
      ASSERT_EQ((*found)->from, 3u) << seed;
    }
    ASSERT_EQ(found_, (*found)->from == 3 ? after : before) << seed;
    ++((*found)->from == 3 ? new_ones : old_ones);
    for (const std::string& name : *disk_.list("d")) ASSERT_TRUE(disk_.remove("d/" + name));
    ASSERT_TRUE(disk_.sync_dir("d"));
  }
  EXPECT_GT(old_ones, 100);
  EXPECT_GT(new_ones, 100);
}

TEST_F(CheckpointTest, EveryFlippedByteIsRefusedWithFileAndOffset) {
  ASSERT_TRUE(write(5, {"some", "bodies"}));
  const std::string path = "d/" + snapshot_name(5);
  const std::string whole = disk_.contents(path);
  for (size_t at = 0; at < whole.size(); ++at) {
    disk_.flip(path, at, 0x10);
    const auto found = read();
    ASSERT_FALSE(found) << at;
    EXPECT_TRUE(found.error().what.starts_with(path + ": offset ")) << found.error().what;
    disk_.set_contents(path, whole);
  }
  disk_.set_contents(path, whole.substr(0, whole.size() - 8));
  EXPECT_FALSE(read());
}

TEST_F(CheckpointTest, AnotherShardsOrANewerOneIsRefusedInWords) {
  ASSERT_TRUE(write(5, {}));
  const std::string path = "d/" + snapshot_name(5);
  EXPECT_EQ(read(4).error().what, path + ": offset 12: belongs to shard 0, not 4");
  std::string bytes = disk_.contents(path);
  bytes[8] = 2;
  disk_.set_contents(path, bytes);
  EXPECT_EQ(read().error().what,
            path + ": offset 8: format version 2 is newer than this program's 1");
}

TEST_F(CheckpointTest, AFullDiskIsSaidAndTheOldOneStays) {
  ASSERT_TRUE(write(5, {"old"}));
  disk_.limit_space(disk_.space_used() + 1'000);
  const auto full = write(9, {std::string(10'000, 'x')});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, base::Code::kReadOnly);
  EXPECT_EQ((*read())->from, 5u);
  EXPECT_EQ(disk_.list("d").value(), Strings{snapshot_name(5)});
}

}  // namespace
}  // namespace wal
