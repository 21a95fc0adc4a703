#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "cli/cli.h"
#include "io/file_lock.h"
#include "io/posix_disk.h"
#include "wal/format.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LogCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ratelimmq-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    fill();
  }
  void TearDown() override { fs::remove_all(root_); }

  // Three records in <root>/shard, each in a batch, all synced and marked.
  void fill() {
    io::PosixDisk disk(root_.string());
    auto opened = wal::Log::open(disk, "shard", {.segment_bytes = wal::kSegmentBytesMin}, 1,
                                 [](const wal::Record&) { return base::Status{}; });
    ASSERT_TRUE(opened) << opened.error().what;
    for (int i = 0; i < 3; ++i) {
      offset_ = opened->log->append(9, {"body"}, true)->position.offset;
      while (!opened->log->idle()) {
        wal::Batch batch = opened->log->take();
        opened->log->writer().run(batch);
        ASSERT_TRUE(batch.status) << batch.status.error().what;
        opened->log->give_back(batch);
      }
    }
  }
  void damage() {
    std::fstream file(segment(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset_ + 25);
    file.put('!');
  }
  std::string segment() const { return (root_ / "shard/log-00000001").string(); }

  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"ratelimmq", "log"});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    Program program;
    add_log(program);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = program.run(static_cast<int>(words.size()), argv.data());
    out_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return code;
  }

  fs::path root_;
  uint32_t offset_ = 0;
  std::string out_, errors_;
};

TEST_F(LogCommand, InspectTellsWhatIsThere) {
  EXPECT_EQ(run({"inspect", root_.string()}), kDone) << errors_;
  EXPECT_THAT(out_, HasSubstr("kind 9: 3 records"));
  EXPECT_THAT(out_, HasSubstr("synced: at least up to record 3"));
  EXPECT_EQ(run({"inspect", (root_ / "shard").string()}), kDone) << errors_;
}

TEST_F(LogCommand, DamageIsNamedAndIsARefusal) {
  damage();
  EXPECT_EQ(run({"inspect", root_.string()}), kFailed);
  EXPECT_THAT(out_, HasSubstr("DAMAGED shard/log-00000001: offset " + std::to_string(offset_)));
  EXPECT_THAT(out_, HasSubstr("record 3 is lost"));
}

TEST_F(LogCommand, RepairChangesNothingUnlessToldYes) {
  damage();
  EXPECT_EQ(run({"repair", root_.string()}), kFailed);
  EXPECT_FALSE(fs::exists(root_ / "shard/quarantine"));
  EXPECT_EQ(run({"inspect", root_.string()}), kFailed);
  EXPECT_EQ(run({"repair", root_.string(), "--yes"}), kDone) << errors_;
  EXPECT_TRUE(fs::exists(root_ / "shard/quarantine/log-00000001"));
  EXPECT_EQ(run({"inspect", root_.string()}), kDone) << out_;
}

TEST_F(LogCommand, ADirectoryInUseIsRefused) {
  const auto lock = io::FileLock::take(root_.string());
  ASSERT_TRUE(lock);
  for (const fs::path& path : {root_, root_ / "shard"}) {
    EXPECT_EQ(run({"repair", path.string(), "--yes"}), kFailed);
    EXPECT_THAT(errors_, HasSubstr("in use by process"));
  }
}

TEST_F(LogCommand, ADirectoryWithoutALogIsRefused) {
  EXPECT_EQ(run({"inspect", "/nowhere"}), kFailed);
  EXPECT_THAT(errors_, HasSubstr("/nowhere: holds no log"));
  EXPECT_FALSE(fs::exists("/nowhere"));
  EXPECT_EQ(run({"mend", root_.string()}), kUsage);
}

}  // namespace
}  // namespace cli
