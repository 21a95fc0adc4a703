// Disks that fail and disks that are full.
#include "wal/log_bed.h"

namespace wal {
namespace {

TEST_F(Wal, AFailedWriteEndsTheLog) {
  open();
  append("a");
  disk_->fail_write(0);
  EXPECT_FALSE(turn());
  EXPECT_EQ(log_->status().error().code, base::Code::kIo);
  EXPECT_EQ(log_->durable(), 0u);
  EXPECT_TRUE(log_->idle());
  const auto refused = log_->append(kNote, {"b"}, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, log_->status().error().what);
}

TEST_F(Wal, AFailedSyncEndsTheLogAndIsNotRepeated) {
  open();
  settle();
  append("a");
  disk_->fail_sync(0);
  Batch batch = log_->take();
  append("b");
  log_->writer().run(batch);
  const uint64_t syncs = disk_->syncs(), writes = disk_->writes();
  log_->give_back(batch);
  EXPECT_EQ(log_->durable(), 0u);
  EXPECT_EQ(log_->status().error().what, "sync failed on purpose");
  log_->writer().run(batch);  // Even if its owner does not listen.
  EXPECT_FALSE(batch.status);
  EXPECT_EQ(disk_->syncs(), syncs);
  EXPECT_EQ(disk_->writes(), writes);
}

TEST_F(Wal, AFullDiskIsMetBeforeAnyWrite) {
  open();
  settle();
  disk_->limit_space(disk_->space_used());
  Strings all;
  while (log_->has_room(record_bytes(1'000))) {
    all.push_back(std::string(1'000, 'x'));
    append(all.back());
    ASSERT_TRUE(turn());
    settle();
  }
  EXPECT_TRUE(log_->full());
  EXPECT_EQ(log_->segments().size(), 2u);
  const uint64_t writes = disk_->writes();
  while (log_->append(kNote, {std::string(1'000, 'x')}, true)) all.push_back(all.back());
  const auto refused = log_->append(kNote, {std::string(1'000, 'x')}, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Code::kReadOnly);
  EXPECT_EQ(disk_->writes(), writes);
  EXPECT_TRUE(log_->status());
  settle();
  // An opening needs some room.
  const base::Result<Log::Opened> full = try_open();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, base::Code::kReadOnly);
  disk_->limit_space(disk_->space_used() + kSegmentBytesMin);
  open();
  EXPECT_EQ(bodies(), all);
}

TEST_F(Wal, WhenSpaceIsBackTheLogGoesOn) {
  open();
  settle();
  disk_->limit_space(disk_->space_used());
  log_->want_room(150'000);
  ASSERT_TRUE(turn());
  EXPECT_TRUE(log_->full());
  EXPECT_TRUE(log_->idle());
  EXPECT_FALSE(log_->has_room(60'000, 90'000));
  disk_->limit_space(MemoryDisk::kNever);
  log_->want_room(150'000);
  EXPECT_FALSE(log_->idle());
  ASSERT_TRUE(turn());
  EXPECT_FALSE(log_->full());
  EXPECT_TRUE(log_->has_room(60'000, 90'000));
}

// A reserve of short records, each in a batch of its own, is there when large ones have come first.
TEST_F(Wal, WhatIsReservedIsThere) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    base::Random random(seed);
    log_.reset();
    disk_ = std::make_unique<MemoryDisk>();
    open();
    const uint64_t count = 200 + random.below(800);
    const uint64_t reserved = count * (record_bytes(50) + kMarkBytes);
    log_->want_room(reserved + 40'000);
    ASSERT_TRUE(turn());
    disk_->limit_space(disk_->space_used());
    for (;;) {
      const std::string body(random.below(40'000), 'x');
      if (!log_->has_room(record_bytes(body.size()), reserved)) break;
      append(body);
      if (random.below(2) == 0) {
        ASSERT_TRUE(turn());
      }
    }
    ASSERT_TRUE(turn());
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(log_->append(kNote, {std::string(50, 'a')}, true)) << seed << " " << i;
      ASSERT_TRUE(turn());
      if (random.below(2) == 0) settle();
    }
  }
}

TEST_F(Wal, AnOpeningOnAFullDiskTakesASmallerSegment) {
  options_.segment_bytes = kSegmentBytesMin * 8;
  open();
  append("a");
  ASSERT_TRUE(turn());
  log_.reset();
  disk_->limit_space(disk_->contents(segment(1)).size() / 4);
  open();
  EXPECT_EQ(bodies(), Strings{"a"});
  append("b");
  ASSERT_TRUE(turn());
  open();
  EXPECT_EQ(bodies(), (Strings{"a", "b"}));
}

}  // namespace
}  // namespace wal
