#include "server/log_thread.h"

#include <gtest/gtest.h>

#include <atomic>

#include "io/clock.h"
#include "server/test_bed.h"
#include "wal/memory_disk.h"

namespace server {
namespace {

constexpr wal::Kind kKind = 7;

class LogThreadTest : public testing::Test {
 protected:
  LogThreadTest() {
    auto opened =
        wal::Log::open(disk_, "log", {}, 1, [](const wal::Record&) { return base::Status(); });
    log_ = std::move(opened->log);
  }
  void append(int records) {
    for (int i = 0; i < records; ++i) ASSERT_TRUE(log_->append(kKind, {"body"}, true));
  }
  LogThread::Manner manner() {
    return {.back = [this] { ++rung_; }, .tells_written = [this] { return wants_written_; }};
  }
  void collect(LogThread& thread) {
    std::optional<wal::Batch> batch;
    ASSERT_TRUE(becomes([&] { return (batch = thread.collect()).has_value(); }));
    log_->give_back(*batch);
  }

  wal::MemoryDisk disk_;
  io::SystemClock clock_;
  std::unique_ptr<wal::Log> log_;
  std::atomic<int> rung_{0};
  bool wants_written_ = false;
};

TEST_F(LogThreadTest, EveryBatchComesBackSyncedAndRings) {
  LogThread thread(log_->writer(), clock_, manner());
  for (int i = 1; i <= 200; ++i) {
    append(i % 5 + 1);
    EXPECT_FALSE(thread.out());
    thread.hand(log_->take());
    EXPECT_TRUE(thread.out());
    collect(thread);
    EXPECT_EQ(log_->durable(), log_->appended());
  }
  EXPECT_TRUE(becomes([&] { return rung_ == 200; }));
}

TEST_F(LogThreadTest, TellsHowFarItIsWrittenOnlyIfSomebodyWantsToKnow) {
  LogThread thread(log_->writer(), clock_, manner());
  append(3);
  thread.hand(log_->take());
  collect(thread);
  EXPECT_EQ(thread.written(), 0u);
  wants_written_ = true;
  append(2);
  thread.hand(log_->take());
  collect(thread);
  EXPECT_EQ(thread.written(), log_->appended());
}

TEST_F(LogThreadTest, ItsEndWaitsForTheBatchThatIsOut) {
  append(1000);
  const uint64_t syncs = disk_.syncs();
  {
    LogThread thread(log_->writer(), clock_, manner());
    thread.hand(log_->take());
  }
  EXPECT_GT(disk_.syncs(), syncs);
  EXPECT_EQ(rung_, 1);
}

}  // namespace
}  // namespace server
