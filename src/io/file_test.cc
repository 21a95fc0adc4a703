#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "io/file_lock.h"
#include "io/file_watch.h"

namespace io {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ratelimmq-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  fs::path root_;
};

// Waits until the watch has a hint (a bounded time), then looks.
bool changes(FileWatch& watch) {
  pollfd ready{.fd = watch.fd(), .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, 10'000) != 1) return false;
  watch.take_hints();
  return watch.changed();
}

bool quiet(FileWatch& watch) {
  watch.take_hints();
  return !watch.changed();
}

using FileLockTest = Files;

TEST_F(FileLockTest, MakesTheDirectoryAndWritesItsOwner) {
  const auto lock = FileLock::take(path("a/b"));
  ASSERT_TRUE(lock);
  std::ifstream file(path("a/b/LOCK"));
  pid_t pid = 0;
  file >> pid;
  EXPECT_EQ(pid, ::getpid());
}

TEST_F(FileLockTest, TheSecondIsToldWhoHoldsTheDirectory) {
  const auto first = FileLock::take(path("d"));
  ASSERT_TRUE(first);
  const auto second = FileLock::take(path("d"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().what,
            "data directory " + path("d") + ": in use by process " + std::to_string(::getpid()));
}

TEST_F(FileLockTest, IsFreeAgainWhenItsOwnerIsGone) {
  { ASSERT_TRUE(FileLock::take(path("d"))); }
  EXPECT_TRUE(FileLock::take(path("d")));
}

TEST_F(FileLockTest, ADirectoryThatCannotBeMadeIsNamed) {
  write(path("file"), "");
  const auto lock = FileLock::take(path("file/sub"));
  ASSERT_FALSE(lock);
  EXPECT_TRUE(lock.error().what.starts_with("data directory " + path("file/sub") + ": "));
}

using FileWatchTest = Files;

TEST_F(FileWatchTest, SeesAFileWrittenInPlace) {
  write(path("f"), "one");
  FileWatch watch({path("f")});
  EXPECT_TRUE(quiet(watch));
  write(path("f"), "two!");
  EXPECT_TRUE(changes(watch));
  EXPECT_TRUE(quiet(watch));
}

TEST_F(FileWatchTest, SeesAFileThatAnotherWasRenamedOver) {
  write(path("f"), "one");
  FileWatch watch({path("f")});
  write(path("f.new"), "two");
  fs::rename(path("f.new"), path("f"));
  EXPECT_TRUE(changes(watch));
  write(path("f"), "three");
  EXPECT_TRUE(changes(watch));
}

TEST_F(FileWatchTest, SeesAFileThatComesLater) {
  FileWatch watch({path("f")});
  write(path("f"), "");
  EXPECT_TRUE(changes(watch));
}

TEST_F(FileWatchTest, SeesALinkedDirectorySwappedTwoLevelsUp) {
  // As Kubernetes mounts a ConfigMap: f -> ..data/f, ..data -> v1.
  fs::create_directory(path("v1"));
  fs::create_directory(path("v2"));
  write(path("v1/f"), "one");
  write(path("v2/f"), "two");
  fs::create_directory_symlink("v1", path("..data"));
  fs::create_symlink("..data/f", path("f"));
  FileWatch watch({path("f")});
  fs::create_directory_symlink("v2", path("..tmp"));
  fs::rename(path("..tmp"), path("..data"));
  EXPECT_TRUE(changes(watch));
}

TEST_F(FileWatchTest, IsNotMisledByOtherFilesOfTheDirectory) {
  write(path("f"), "one");
  FileWatch watch({path("f")});
  write(path("g"), "");
  EXPECT_FALSE(changes(watch));
}

TEST_F(FileWatchTest, SeesWhatComesIntoAWatchedDirectory) {
  fs::create_directory(path("limits.d"));
  FileWatch watch({path("limits.d")});
  write(path("limits.d/new.yaml"), "domain: x");
  EXPECT_TRUE(changes(watch));
}

}  // namespace
}  // namespace io
