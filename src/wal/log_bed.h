// A log over a disk in memory, with an owner that runs its batches itself. For tests.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "wal/format.h"
#include "wal/memory_disk.h"
#include "wal/wal.h"

namespace wal {

inline constexpr Kind kNote = 7;
using Strings = std::vector<std::string>;

struct Replayed {
  Sequence sequence;
  Position position;
  Kind kind;
  std::string body;
  friend bool operator==(const Replayed&, const Replayed&) = default;
};

// A log with an owner that runs its batches itself.
class Wal : public testing::Test {
 protected:
  base::Result<Log::Opened> try_open(Sequence from = 1) {
    replayed_.clear();
    return Log::open(*disk_, "d", options_, from, [this](const Record& r) {
      replayed_.push_back({r.sequence, r.position, r.kind, std::string(r.body)});
      return base::Status{};
    });
  }
  void open(Sequence from = 1) {
    log_.reset();
    auto opened = try_open(from);
    ASSERT_TRUE(opened) << opened.error().what;
    start_ = opened->start;
    torn_bytes_ = opened->torn_bytes;
    last_instant_ = opened->last_instant;
    log_ = std::move(opened->log);
  }
  std::string refusal(Sequence from = 1) {
    log_.reset();
    auto opened = try_open(from);
    if (opened) return "";
    EXPECT_EQ(opened.error().code, base::Code::kIo);
    return opened.error().what;
  }
  Log::Appended append(std::string_view body, bool sync = true) {
    auto appended = log_->append(kNote, {body}, sync);
    CHECK(appended);
    return *appended;
  }
  base::Status turn() {
    Batch batch = log_->take();
    log_->writer().run(batch);
    reads_ = batch.reads;
    log_->give_back(batch);
    return batch.status;
  }
  void settle() {
    while (!log_->idle()) ASSERT_TRUE(turn());
  }
  void crash() {
    log_.reset();
    disk_->crash(random_);
  }
  std::vector<std::string> bodies() const {
    std::vector<std::string> out;
    for (const Replayed& r : replayed_) out.push_back(r.body);
    return out;
  }
  // Appends and runs batches until the disk dies or the time is over.
  void live(Strings& model) {
    durable_ = model.size();
    for (uint64_t turns = random_.below(30); turns > 0 && log_->status(); --turns) {
      for (uint64_t count = random_.below(6); count > 0; --count) {
        std::string body = std::to_string(model.size()) +
                           std::string(random_.below(random_.below(4) == 0 ? 20'000 : 300), 'x');
        if (!log_->has_room(record_bytes(body.size()))) break;
        append(body, random_.below(4) != 0);
        model.push_back(std::move(body));
      }
      if (log_->idle()) continue;
      (void)turn();
      durable_ = log_->durable();
    }
  }
  std::string segment(uint32_t number) const { return "d/" + segment_name(number); }

  std::unique_ptr<MemoryDisk> disk_ = std::make_unique<MemoryDisk>();
  base::Random random_{1};
  Options options_{.segment_bytes = kSegmentBytesMin, .salt = 42};
  std::unique_ptr<Log> log_;
  std::vector<Replayed> replayed_;
  std::vector<Read> reads_;
  uint32_t start_ = 0;
  uint64_t torn_bytes_ = 0;
  base::Time last_instant_{};
  Sequence durable_ = 0;  // Of the life before.
};

}  // namespace wal
