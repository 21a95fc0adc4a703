#include "io/posix_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace io {
namespace {

namespace fs = std::filesystem;

class PosixDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ratelimmq-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    disk_ = std::make_unique<PosixDisk>(name);
  }
  void TearDown() override { fs::remove_all(root_); }
  static std::string read(const base::File& file, uint64_t offset, size_t bytes) {
    std::string out(bytes, '?');
    out.resize(file.read(offset, out).value());
    return out;
  }

  fs::path root_;
  std::unique_ptr<PosixDisk> disk_;
};

TEST_F(PosixDiskTest, WhatIsWrittenIsReadAndWhatIsReservedIsZeros) {
  ASSERT_TRUE(disk_->make_dir("a/b"));
  auto file = disk_->create("a/b/f");
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->reserve(10'000));
  ASSERT_TRUE((*file)->write(4, "hello"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ((*file)->size().value(), 10'000u);
  EXPECT_EQ(read(**file, 2, 9), std::string("\0\0hello\0\0", 9));
  EXPECT_EQ(read(**file, 9'998, 100).size(), 2u);
  ASSERT_TRUE((*file)->truncate(6));
  auto again = disk_->open("a/b/f");
  ASSERT_TRUE(again);
  EXPECT_EQ(read(**again, 0, 100), std::string("\0\0\0\0he", 6));
  ASSERT_TRUE(disk_->sync_dir("a/b"));
}

TEST_F(PosixDiskTest, ListsRenamesAndRemoves) {
  for (const char* name : {"b", "a", "c"}) ASSERT_TRUE(disk_->create(name));
  ASSERT_TRUE(disk_->make_dir("dir"));
  EXPECT_EQ(disk_->list("").value(), (std::vector<std::string>{"a", "b", "c", "dir"}));
  ASSERT_TRUE(disk_->rename("a", "c"));
  ASSERT_TRUE(disk_->remove("b"));
  EXPECT_EQ(disk_->list(".").value(), (std::vector<std::string>{"c", "dir"}));
}

TEST_F(PosixDiskTest, ErrorsNameThePathAndWhatTheSystemSaid) {
  ASSERT_TRUE(disk_->create("f"));
  const auto twice = disk_->create("f");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, base::Code::kIo);
  EXPECT_EQ(twice.error().what, (root_ / "f").string() + ": create: File exists");
  for (const base::Code code : {disk_->open("g").error().code, disk_->remove("g").error().code,
                                disk_->list("g").error().code})
    EXPECT_EQ(code, base::Code::kNotFound);
  EXPECT_EQ(disk_->make_dir("f/g").error().code, base::Code::kIo);
}

TEST_F(PosixDiskTest, AFullDiskIsReadOnly) {
  fs::create_symlink("/dev/full", root_ / "full");
  auto file = disk_->open("full");
  ASSERT_TRUE(file);
  const auto written = (*file)->write(0, "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, base::Code::kReadOnly);
}

TEST_F(PosixDiskTest, FilesAreNotInherited) {
  ASSERT_TRUE(disk_->create("f"));
  const auto file = disk_->open("f");
  bool seen = false;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (fs::read_symlink(entry.path(), error) != root_ / "f") continue;
    seen = true;
    EXPECT_TRUE(::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC);
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace io
