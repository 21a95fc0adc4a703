#include "wal/inspect.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/check.h"
#include "base/random.h"
#include "wal/memory_disk.h"

namespace wal {
namespace {

using Found = std::vector<std::pair<Sequence, std::string>>;

class InspectTest : public testing::Test {
 protected:
  // `count` records of about 1 KB over several openings and segments, all synced, the mark written.
  void fill(int openings, int count) {
    for (int opening = 0; opening < openings; ++opening) {
      auto opened = Log::open(disk_, "d", options_, 1, [](auto&) { return base::Status{}; });
      CHECK(opened);
      Log& log = *opened->log;
      for (int i = 0; i < count; ++i) {
        const std::string body = std::to_string(all_.size() + 1) + std::string(1'000, 'x');
        const auto appended = log.append(static_cast<Kind>(1 + i % 2), {body}, true);
        CHECK(appended);
        all_.push_back({appended->sequence, body});
        places_.push_back(appended->position);
        settle(log);
      }
    }
  }
  static void settle(Log& log) {
    while (!log.idle()) {
      Batch batch = log.take();
      log.writer().run(batch);
      CHECK(batch.status);
      log.give_back(batch);
    }
  }
  base::Result<Found> replay() {
    Found found;
    const auto opened = Log::open(disk_, "d", options_, 1, [&](const Record& r) {
      found.push_back({r.sequence, std::string(r.body)});
      return base::Status{};
    });
    if (!opened) return opened.error();
    return found;
  }
  std::string segment(uint32_t number) const { return "d/" + segment_name(number); }
  Found without(std::set<Sequence> lost) const {
    Found out;
    for (const auto& entry : all_)
      if (!lost.contains(entry.first)) out.push_back(entry);
    return out;
  }

  MemoryDisk disk_;
  Options options_{.segment_bytes = kSegmentBytesMin, .salt = 42};
  Found all_;
  std::vector<Position> places_;
};

TEST_F(InspectTest, ASoundLogHasNoDamageAndIsCounted) {
  fill(2, 100);
  const auto found = inspect(disk_, "d");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->damages.empty());
  EXPECT_FALSE(found->torn);
  EXPECT_EQ(found->kinds[1], 100u);
  EXPECT_EQ(found->kinds[2], 100u);
  EXPECT_EQ(found->synced, 200u);
  EXPECT_TRUE(found->segments.back().spare);
  ASSERT_TRUE(repair(disk_, "d", *found));
  EXPECT_EQ(*replay(), all_);
}

TEST_F(InspectTest, ATornTailIsNoDamage) {
  fill(1, 3);
  // Behind the last mark: half a record.
  const size_t end = places_.back().offset + record_bytes(all_.back().second.size()) + kMarkBytes;
  std::string bytes = disk_.contents(segment(1));
  bytes.replace(end, 7, "garbage");
  disk_.set_contents(segment(1), bytes);
  const auto found = inspect(disk_, "d");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->damages.empty());
  EXPECT_EQ(found->torn, (Position{1, static_cast<uint32_t>(end)}));
}

TEST_F(InspectTest, ARepairTakesOutTheBadRecordsAndNothingElse) {
  fill(2, 100);
  disk_.flip(segment(places_[10].segment), places_[10].offset + 30, 1);
  disk_.flip(segment(places_[11].segment), places_[11].offset + 9, 1);
  disk_.flip(segment(places_[150].segment), places_[150].offset, 0x80);
  ASSERT_FALSE(replay());
  const std::string damaged = disk_.contents(segment(1));
  const auto found = inspect(disk_, "d");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->damages.size(), 3u);  // The mark between the first two survives.
  EXPECT_EQ(to_string(found->damages[0]),
            "d/log-00000001: offset " + std::to_string(places_[10].offset) + ": bytes up to " +
                std::to_string(places_[11].offset - kMarkBytes) +
                " are corrupt; record 11 is lost");
  ASSERT_TRUE(repair(disk_, "d", *found));
  EXPECT_EQ(disk_.contents("d/quarantine/log-00000001"), damaged);
  EXPECT_EQ(*replay(), without({11, 12, 151}));
  EXPECT_TRUE(inspect(disk_, "d")->damages.empty());
  EXPECT_EQ(*read_record(disk_, "d", places_[12]), all_[12].second);
}

TEST_F(InspectTest, ADestroyedHeaderIsWrittenAnew) {
  fill(2, 100);
  const std::string path = segment(places_[99].segment);
  disk_.flip(path, 25, 1);
  ASSERT_FALSE(replay());
  const auto found = inspect(disk_, "d");
  ASSERT_EQ(found->damages.size(), 1u);
  EXPECT_EQ(to_string(found->damages[0]),
            path + ": offset 0: the segment's header is destroyed; no record is lost");
  ASSERT_TRUE(repair(disk_, "d", *found));
  EXPECT_EQ(*replay(), all_);
}

TEST_F(InspectTest, AMissingSegmentLeavesAGap) {
  fill(1, 200);
  ASSERT_TRUE(disk_.remove(segment(2)));
  ASSERT_FALSE(replay());
  std::set<Sequence> lost;
  for (size_t i = 0; i < places_.size(); ++i)
    if (places_[i].segment == 2) lost.insert(i + 1);
  const auto found = inspect(disk_, "d");
  ASSERT_EQ(found->damages.size(), 1u);
  EXPECT_EQ(found->damages[0].what, Damage::What::kMissing);
  ASSERT_TRUE(repair(disk_, "d", *found));
  EXPECT_EQ(*replay(), without(lost));
}

TEST_F(InspectTest, WhatCannotBeRepairedIsRefusedAndNothingIsTouched) {
  fill(1, 200);
  disk_.flip(segment(2), places_[100].offset + 30, 1);
  ASSERT_TRUE(disk_.remove(segment(1)));
  const uint64_t changes = disk_.changes();
  const auto found = inspect(disk_, "d");
  const auto repaired = repair(disk_, "d", *found);
  ASSERT_FALSE(repaired);
  EXPECT_NE(repaired.error().what.find("are missing before this segment"), std::string::npos);
  EXPECT_EQ(disk_.changes(), changes);
}

TEST_F(InspectTest, ACorruptSnapshotIsPutAsideIfTheLogIsWhole) {
  fill(1, 10);
  auto writer = CheckpointWriter::create(disk_, "d", 0);
  ASSERT_TRUE((*writer)->append(1, "state"));
  ASSERT_TRUE((*writer)->finish(5));
  disk_.flip("d/" + snapshot_name(5), 70, 1);
  const auto found = inspect(disk_, "d");
  ASSERT_EQ(found->damages.size(), 1u);
  ASSERT_TRUE(repair(disk_, "d", *found));
  EXPECT_EQ(*replay(), all_);
  EXPECT_TRUE(disk_.open("d/quarantine/" + snapshot_name(5)));
}

// Whatever bytes are destroyed: what inspect() and repair() leave is opened, and holds every record
// that no damage named, as it was.
TEST_F(InspectTest, AnyDamageIsFoundOrHarmlessAndRepaired) {
  fill(2, 90);
  std::map<std::string, std::string> sound;
  for (const std::string& name : *disk_.list("d")) sound[name] = disk_.contents("d/" + name);
  for (uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    MemoryDisk disk;
    ASSERT_TRUE(disk.make_dir("d"));
    for (const auto& [name, bytes] : sound) {
      ASSERT_TRUE(disk.create("d/" + name));
      disk.set_contents("d/" + name, bytes);
    }
    std::set<Sequence> touched;
    for (uint64_t hits = 1 + random.below(3); hits > 0; --hits) {
      const size_t i = random.below(places_.size());
      std::string bytes = disk.contents(segment(places_[i].segment));
      const size_t length =
          std::min<size_t>(1 + random.below(3'000), bytes.size() - places_[i].offset);
      for (size_t at = 0; at < length; ++at)
        bytes[places_[i].offset + at] = static_cast<char>(random.next());
      disk.set_contents(segment(places_[i].segment), bytes);
    }
    const auto found = inspect(disk, "d");
    ASSERT_TRUE(found);
    for (const Damage& damage : found->damages)
      for (Sequence s = damage.first_lost; s <= damage.last_lost; ++s) touched.insert(s);
    ASSERT_TRUE(repair(disk, "d", *found));
    Found kept;
    const auto opened = Log::open(disk, "d", options_, 1, [&](const Record& r) {
      kept.push_back({r.sequence, std::string(r.body)});
      return base::Status{};
    });
    ASSERT_TRUE(opened) << opened.error().what;
    if (found->torn) {  // The newest, cut because nothing says that it was synced.
      ASSERT_TRUE(std::equal(kept.begin(), kept.end(), without(touched).begin()));
    } else {
      ASSERT_EQ(kept, without(touched));
    }
    ASSERT_GE(kept.size(), 160u);
  }
}

}  // namespace
}  // namespace wal
