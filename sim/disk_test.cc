#include "sim/disk.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sim {
namespace {

std::string text(base::Disk& disk, const std::string& path) {
  auto file = disk.open(path);
  if (!file) return "(none)";
  std::string bytes(file.value()->size().value(), '\0');
  bytes.resize(file.value()->read(0, bytes).value());
  return bytes;
}

struct SimDisk : testing::Test {
  base::Random random{7};
  Disk disk{random};
  void SetUp() override { ASSERT_TRUE(disk.make_dir("d")); }
  std::unique_ptr<base::File> durable(const std::string& path) {
    auto file = std::move(disk.create(path)).value();
    EXPECT_TRUE(file->sync());
    EXPECT_TRUE(disk.sync_dir("d"));
    return file;
  }
};

TEST_F(SimDisk, APowerCutLosesAnySubsetOfUnsyncedSectorsAndNoSyncedByte) {
  bool kept_later_lost_earlier = false, lost_all = false, kept_all = false;
  for (int round = 0; round < 200; ++round) {
    const std::string path = "d/" + std::to_string(round);
    auto file = durable(path);
    ASSERT_TRUE(file->write(0, std::string(1024, 'a')));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(file->write(512, std::string(1536, 'b')));
    file.reset();
    disk.cut();
    const std::string after = text(disk, path);
    ASSERT_EQ(after.substr(0, 512), std::string(512, 'a'));
    ASSERT_GE(after.size(), 1024u);
    for (size_t at = 512; at < after.size(); at += 512) {  // Sectors are whole.
      ASSERT_EQ(after.substr(at, 512), std::string(512, after[at])) << at;
    }
    kept_later_lost_earlier |= after.size() == 2048 && after[512] == 'a' && after[1536] == 'b';
    lost_all |= after == std::string(1024, 'a');
    kept_all |= after.size() == 2048 && std::count(after.begin(), after.end(), 'b') == 1536;
  }
  EXPECT_TRUE(kept_later_lost_earlier && lost_all && kept_all);
}

TEST_F(SimDisk, ANameLivesThroughAPowerCutOnlyAfterItsDirectoryWasSynced) {
  bool lost = false, kept = false, old_name = false;
  for (int round = 0; round < 100; ++round) {
    const std::string path = "d/" + std::to_string(round);
    auto file = std::move(disk.create(path)).value();
    ASSERT_TRUE(file->write(0, "x"));
    ASSERT_TRUE(file->sync());  // Of the bytes; the name is another matter.
    disk.cut();
    (text(disk, path) == "x" ? kept : lost) = true;
    auto sure = durable(path + "s");
    ASSERT_TRUE(sure->write(0, "y"));
    ASSERT_TRUE(sure->sync());
    ASSERT_TRUE(disk.rename(path + "s", path + "t"));
    disk.cut();
    const bool moved = text(disk, path + "t") == "y";
    ASSERT_EQ(text(disk, path + "s"), moved ? "(none)" : "y") << "a rename is whole";
    old_name |= !moved;
  }
  EXPECT_TRUE(lost && kept && old_name);
}

TEST_F(SimDisk, ATruncateThatWasNotSyncedComesBackWholeOrNotAtAll) {
  for (int round = 0; round < 50; ++round) {
    const std::string path = "d/" + std::to_string(round);
    auto file = durable(path);
    ASSERT_TRUE(file->write(0, std::string(2000, 'a')));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(file->truncate(700));
    file.reset();
    disk.cut();
    const std::string after = text(disk, path);
    ASSERT_TRUE(after == std::string(2000, 'a') || after == std::string(700, 'a')) << after.size();
  }
}

TEST_F(SimDisk, AKilledProcessLosesNothing) {
  auto file = std::move(disk.create("d/f")).value();
  ASSERT_TRUE(file->write(100, "abc"));
  file.reset();
  disk.kill();
  EXPECT_EQ(text(disk, "d/f").substr(100), "abc");
}

TEST_F(SimDisk, PowerGoesInTheMiddleOfACallAndNothingHappensAfterIt) {
  auto file = durable("d/f");
  disk.faults.power_cut_after = 1;
  ASSERT_TRUE(file->write(0, "a"));
  EXPECT_FALSE(file->write(512, "b"));
  EXPECT_FALSE(file->sync());
  EXPECT_FALSE(disk.create("d/g"));
  EXPECT_TRUE(disk.powerless());
  file.reset();
  disk.cut();
  EXPECT_FALSE(disk.powerless());
  EXPECT_EQ(text(disk, "d/g"), "(none)");
}

TEST_F(SimDisk, AFailedSyncForgetsWhatWasDirty) {
  auto file = durable("d/f");
  ASSERT_TRUE(file->write(0, "good"));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(file->write(0, "evil"));
  disk.faults.fail_sync_after = 0;
  ASSERT_EQ(file->sync().error().code, base::Code::kIo);
  ASSERT_TRUE(file->sync()) << "once";
  EXPECT_EQ(text(disk, "d/f"), "good");
}

TEST_F(SimDisk, AFullDiskRefusesReservationsAndWritesBeyondThem) {
  auto file = durable("d/f");
  disk.faults.bytes_max = 4096;
  ASSERT_TRUE(file->reserve(4096));
  EXPECT_EQ(file->reserve(4097).error().code, base::Code::kReadOnly);
  EXPECT_TRUE(file->write(4000, std::string(96, 'x'))) << "reserved";
  EXPECT_EQ(file->write(4096, "x").error().code, base::Code::kReadOnly);
  auto other = durable("d/g");
  EXPECT_EQ(other->write(0, "x").error().code, base::Code::kReadOnly);
  ASSERT_TRUE(disk.remove("d/f"));
  EXPECT_TRUE(other->write(0, "x"));
}

TEST_F(SimDisk, ACopyIsApartAndABitFlipsWhereItIsTold) {
  auto file = durable("d/f");
  ASSERT_TRUE(file->write(0, "aaaa"));
  const auto other = disk.copy(random);
  other->flip("d/f", 2, 1);
  EXPECT_EQ(text(*other, "d/f"), "aaca");
  EXPECT_EQ(text(disk, "d/f"), "aaaa");
}

}  // namespace
}  // namespace sim
