#include "server/journal.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "io/clock.h"
#include "limit/limit.h"
#include "server/test_bed.h"
#include "wal/memory_disk.h"

namespace server {
namespace {

constexpr int64_t kBurst = 20;

// A limiter with one durable limit of kBurst an hour, and its journal.
class Process {
 public:
  explicit Process(base::Disk& disk) {
    limiter::LimitSpec spec;
    spec.algorithm = "gcra";
    spec.law = limit::Gcra::make({kBurst, std::chrono::hours(1)}, kBurst).value();
    spec.durable = true;
    limiter::NodeSpec node;
    node.key = "k";
    node.limits = {spec};
    CHECK(limiter_.reload({{.name = "d", .nodes = {node}, .mark = {}}}).empty());
    auto opened = Journal::open({.disk = disk, .directory = "limits"}, limiter_, clock_.now());
    CHECK(opened);
    journal_ = std::move(*opened);
    journal_->start(clock_);
  }
  // Asks until it is no matter of the journal any more.
  bool admits() {
    bool allowed = false;
    CHECK(becomes([&] {
      const limiter::Entry entry{"k", "1"};
      const limiter::Descriptor descriptor(&entry, 1);
      limiter::Batch batch;
      batch.add({.domain = "d", .descriptors = {&descriptor, 1}});
      limiter_.decide(batch, clock_.now());
      allowed = batch.answer(0).allowed;
      return !batch.answer(0).logging || !journal_->failure().empty();
    }));
    return allowed;
  }
  Journal& journal() { return *journal_; }

 private:
  io::SystemClock clock_;
  limiter::Limiter limiter_{{.seed = 5}};
  std::unique_ptr<Journal> journal_;  // Ends before the limiter.
};

TEST(Journal, WhatWasAdmittedStaysUsedOverRestarts) {
  wal::MemoryDisk disk;
  int64_t admitted = 0;
  for (int life = 0; life < 6; ++life) {
    Process process(disk);
    for (int i = 0; i < 5; ++i) admitted += process.admits();
  }
  EXPECT_GT(admitted, 0);
  EXPECT_LE(admitted, kBurst);
}

TEST(Journal, AfterAFailedSyncDurableLimitsRefuse) {
  wal::MemoryDisk disk;
  Process process(disk);
  ASSERT_TRUE(process.admits());
  disk.fail_sync(0);
  ASSERT_TRUE(becomes([&] {
    process.admits();
    return !process.journal().failure().empty();
  }));
  EXPECT_FALSE(process.admits());
}

}  // namespace
}  // namespace server
