#include <set>

#include "wal/log_bed.h"

namespace wal {
namespace {

TEST_F(Wal, WhatWasAppendedIsReplayedWithItsPlaceAndKind) {
  open();
  const auto a = log_->append(7, {"he", "", "llo"}, true);
  const auto b = log_->append(253, {}, true);
  ASSERT_TRUE(turn());
  const auto c = append(std::string(10'000, 'x'));
  ASSERT_TRUE(turn());
  EXPECT_EQ(log_->durable(), 3u);
  open();
  ASSERT_EQ(replayed_.size(), 3u);
  EXPECT_EQ(replayed_[0], (Replayed{1, a->position, 7, "hello"}));
  EXPECT_EQ(replayed_[1], (Replayed{2, b->position, 253, ""}));
  EXPECT_EQ(replayed_[2], (Replayed{3, c.position, 7, std::string(10'000, 'x')}));
  EXPECT_EQ(append("next").sequence, 4u);
}

TEST_F(Wal, NothingIsDurableBeforeItsBatchIsBack) {
  open();
  append("a");
  EXPECT_EQ(log_->appended(), 1u);
  Batch batch = log_->take();
  append("b");
  log_->writer().run(batch);
  EXPECT_EQ(log_->durable(), 0u);
  log_->give_back(batch);
  EXPECT_EQ(log_->durable(), 1u);
  EXPECT_EQ(log_->appended(), 2u);
}

TEST_F(Wal, AWriteWithoutSyncIsWrittenAndNotDurableUntilTheNextSync) {
  open();
  settle();
  const uint64_t syncs = disk_->syncs();
  append("a", false);
  ASSERT_TRUE(turn());
  EXPECT_EQ(log_->written(), 1u);
  EXPECT_EQ(log_->durable(), 0u);
  EXPECT_EQ(disk_->syncs(), syncs);
  append("b", true);
  ASSERT_TRUE(turn());
  EXPECT_EQ(log_->durable(), 2u);
  EXPECT_EQ(disk_->syncs(), syncs + 1);
}

TEST_F(Wal, OneBatchIsOneWriteAndOneSync) {
  open();
  settle();
  const uint64_t writes = disk_->writes(), syncs = disk_->syncs();
  for (int i = 0; i < 100; ++i) append("short");
  ASSERT_TRUE(turn());
  EXPECT_EQ(disk_->writes() - writes, 1u);
  EXPECT_EQ(disk_->syncs() - syncs, 1u);
}

TEST_F(Wal, RollsOverSegmentsInsideAndBetweenBatches) {
  open();
  Strings all;
  for (int batch = 0; batch < 8; ++batch) {
    log_->want_room(200'000);
    ASSERT_TRUE(turn());
    for (int i = 0; i < 15; ++i) {
      all.push_back(std::string(static_cast<size_t>(batch * 700 + i * 13), 'a') + "!");
      ASSERT_TRUE(log_->has_room(record_bytes(all.back().size())));
      append(all.back());
    }
    ASSERT_TRUE(turn());
  }
  EXPECT_GT(log_->segments().size(), 4u);
  const std::vector<SegmentFacts> facts = log_->segments();
  open();
  EXPECT_EQ(bodies(), all);
  for (size_t i = 0; i < facts.size(); ++i) {
    EXPECT_EQ(log_->segments()[i].number, facts[i].number);
    EXPECT_EQ(log_->segments()[i].first, facts[i].first);
  }
}

TEST_F(Wal, AClosedLogHoldsNoPreallocatedRoomAndOpensAgain) {
  open();
  append("a");
  settle();
  append("b");
  settle();
  log_->close();
  EXPECT_LT(disk_->space_used(), 1000u);
  crash();  // Nothing that was durable goes with the room.
  open();
  EXPECT_EQ(bodies(), (Strings{"a", "b"}));
  EXPECT_EQ(torn_bytes_, 0u);
}

TEST_F(Wal, EveryOpeningHasAnotherStart) {
  std::set<uint32_t> starts;
  for (int i = 0; i < 5; ++i) {
    open();
    EXPECT_TRUE(starts.insert(start_).second);
    crash();  // Nothing was appended; the start is durable all the same.
  }
}

TEST_F(Wal, TornTailIsCutAtEveryByteAndWhatWasSyncedStays) {
  open();
  append("one");
  append("two");
  ASSERT_TRUE(turn());
  append("three");
  append("four");
  ASSERT_TRUE(turn());
  const std::string whole = disk_->contents(segment(1));
  const size_t end = kSegmentHeaderBytes + log_->segments().back().bytes;
  const size_t begin = end - kMarkBytes - record_bytes(5) - record_bytes(4);
  for (size_t cut = begin; cut < end; ++cut) {
    log_.reset();
    disk_ = std::make_unique<MemoryDisk>();
    ASSERT_TRUE(disk_->make_dir("d"));
    ASSERT_TRUE(disk_->create(segment(1)));
    disk_->set_contents(segment(1), whole.substr(0, cut) + std::string(whole.size() - cut, '\0'));
    open();
    ASSERT_GE(replayed_.size(), 2u) << cut;
    EXPECT_EQ(bodies()[0] + bodies()[1], "onetwo");
    // The last byte is padding, and zero anyhow.
    EXPECT_LE(replayed_.size(), cut > end - record_bytes(4) + 27 ? 4u : 3u) << cut;
    EXPECT_EQ(disk_->contents(segment(1)).size() % 8, 0u);
  }
}

TEST_F(Wal, AFlippedBitAnywhereInASyncedBatchIsRefusedWithFileAndOffset) {
  open();
  append("one");
  append("twenty");
  ASSERT_TRUE(turn());
  settle();  // The mark that says so.
  const size_t end = kSegmentHeaderBytes + log_->segments().back().bytes;
  const std::string whole = disk_->contents(segment(1));
  for (size_t at = 0; at < end; ++at) {
    disk_->set_contents(segment(1), whole);
    disk_->flip(segment(1), at, static_cast<uint8_t>(1 << (at % 8)));
    const std::string what = refusal();
    EXPECT_TRUE(what.starts_with("d/log-00000001: offset ")) << at << ": " << what;
  }
  disk_->set_contents(segment(1), whole);
  EXPECT_EQ(refusal(), "");
}

TEST_F(Wal, TheRefusalSaysWhere) {
  open();
  append("one");
  const auto two = append("two");
  ASSERT_TRUE(turn());
  settle();
  disk_->flip(segment(1), two.position.offset + kRecordHeaderBytes, 1);
  EXPECT_EQ(refusal(), "d/log-00000001: offset " + std::to_string(two.position.offset) +
                           ": record 2 was synced and is corrupt");
}

TEST_F(Wal, ZeroedSectorsInTheMiddleAreCorruptionNotTheEnd) {
  open();
  for (int i = 0; i < 100; ++i) append(std::string(100, 'x'));
  ASSERT_TRUE(turn());
  settle();
  std::string bytes = disk_->contents(segment(1));
  bytes.replace(1024, 4096, 4096, '\0');
  disk_->set_contents(segment(1), bytes);
  EXPECT_NE(refusal().find("was synced and is corrupt"), std::string::npos);
}

TEST_F(Wal, WhatSurvivesBehindATearIsNeverReadAgain) {
  open();
  append("kept");
  ASSERT_TRUE(turn());
  const auto torn = append("torn");
  for (int i = 0; i < 50; ++i) append("survivor");
  ASSERT_TRUE(turn());
  disk_->flip(segment(1), torn.position.offset, 1);
  open();
  EXPECT_EQ(bodies(), Strings{"kept"});
  EXPECT_GT(torn_bytes_, 0u);
  for (int i = 0; i < 3; ++i) append("new");
  ASSERT_TRUE(turn());
  open();
  EXPECT_EQ(bodies(), (Strings{"kept", "new", "new", "new"}));
  EXPECT_EQ(replayed_[1].sequence, 2u);
}

TEST_F(Wal, ATornBatchOverSeveralSegmentsGoesAsAWhole) {
  open();
  log_->want_room(200'000);
  append("kept");
  ASSERT_TRUE(turn());
  const auto torn = append("torn");
  for (int i = 0; i < 30; ++i) append(std::string(6'000, 'x'));
  ASSERT_TRUE(turn());
  ASSERT_GE(log_->segments().size(), 3u);
  disk_->flip(segment(1), torn.position.offset + 12, 1);
  open();
  EXPECT_EQ(bodies(), Strings{"kept"});
  open();
  EXPECT_EQ(bodies(), Strings{"kept"});
}

TEST_F(Wal, ReadsFindWhatIsWrittenInTheSameBatchAndBefore) {
  open();
  const auto a = append("a");
  ASSERT_TRUE(turn());
  const auto b = append(std::string(9'000, 'b'));
  log_->read(a.position, 11);
  log_->read(b.position, 12);
  ASSERT_TRUE(turn());
  ASSERT_EQ(reads_.size(), 2u);
  EXPECT_EQ(reads_[0].body, "a");
  EXPECT_EQ(reads_[0].tag, 11u);
  EXPECT_EQ(reads_[1].body, std::string(9'000, 'b'));
  EXPECT_EQ(reads_[1].kind, kNote);
  EXPECT_EQ(*read_record(*disk_, "d", a.position), "a");
}

TEST_F(Wal, ReadsOneBehindTheOtherCostFewReads) {
  open();
  std::vector<Position> places;
  for (int i = 0; i < 300; ++i) places.push_back(append("body " + std::to_string(i)).position);
  ASSERT_TRUE(turn());
  for (const Position& place : places) log_->read(place, 0);
  const uint64_t before = disk_->reads();
  ASSERT_TRUE(turn());
  EXPECT_LE(disk_->reads() - before, 2u);
  for (size_t i = 0; i < places.size(); ++i) EXPECT_EQ(reads_[i].body, "body " + std::to_string(i));
}

TEST_F(Wal, ACorruptReadNamesFileAndOffsetAndIsNotTheEnd) {
  open();
  const auto a = append("a");
  ASSERT_TRUE(turn());
  disk_->flip(segment(1), a.position.offset + kRecordHeaderBytes, 4);
  log_->read(a.position, 0);
  log_->read({9, 64}, 0);
  log_->read({1, 60'000}, 0);
  ASSERT_TRUE(turn());
  EXPECT_EQ(reads_[0].status.error().what, "d/log-00000001: offset " +
                                               std::to_string(a.position.offset) +
                                               ": the record's checksum is wrong");
  EXPECT_FALSE(reads_[1].status);
  EXPECT_FALSE(reads_[2].status);
  EXPECT_TRUE(log_->status());
}

TEST_F(Wal, ARemovedSegmentIsGoneAndTheRestIsReplayedFromBehindIt) {
  open();
  log_->want_room(300'000);
  ASSERT_TRUE(turn());
  for (int i = 0; i < 40; ++i) append(std::string(6'000, 'x'));
  ASSERT_TRUE(turn());
  const std::vector<SegmentFacts> facts = log_->segments();
  ASSERT_GE(facts.size(), 4u);
  const uint64_t bytes = log_->bytes();
  log_->remove(facts[1].number);
  ASSERT_TRUE(turn());
  EXPECT_EQ(log_->bytes(), bytes - options_.segment_bytes);
  EXPECT_FALSE(disk_->open(segment(facts[1].number)));
  EXPECT_NE(refusal().find("missing behind this"), std::string::npos);
  open(facts[2].first);
  ASSERT_FALSE(replayed_.empty());
  EXPECT_EQ(replayed_.front().sequence, facts[2].first);
  EXPECT_EQ(replayed_.back().sequence, 40u);
}

TEST_F(Wal, AMissingFirstSegmentIsRefusedUnlessItIsBelowFrom) {
  open();
  append("a");
  ASSERT_TRUE(turn());
  open();
  append("b");
  ASSERT_TRUE(turn());
  log_.reset();
  ASSERT_TRUE(disk_->remove(segment(1)));
  EXPECT_EQ(refusal(), "d/log-00000003: offset 24: record 1 is missing before this segment");
  open(2);
  EXPECT_EQ(bodies(), Strings{"b"});
}

// An opening removed a spare and began a segment; of that only the latter reached the disk.
TEST_F(Wal, ASpareBeforeTheFirstSegmentThatCountsIsNoDamage) {
  open();
  append("a");
  settle();
  open();
  ASSERT_TRUE(disk_->create(segment(2)));
  disk_->set_contents(segment(2), std::string(kSegmentBytesMin, '\0'));
  open(2);
  EXPECT_TRUE(replayed_.empty());
  EXPECT_FALSE(disk_->open(segment(2)));
}

TEST_F(Wal, AMissingLastSegmentIsRefusedIfASnapshotNeedsIt) {
  open();
  append("a");
  ASSERT_TRUE(turn());
  open();
  append("b");
  ASSERT_TRUE(turn());
  log_.reset();
  ASSERT_TRUE(disk_->remove(segment(3)));
  EXPECT_NE(refusal(3).find("record 2 is in the snapshot and missing here"), std::string::npos);
}

TEST_F(Wal, ANewerFormatIsRefusedInWords) {
  open();
  append("a");
  settle();
  log_.reset();
  std::string bytes = disk_->contents(segment(1));
  bytes[8] = 7;
  disk_->set_contents(segment(1), bytes);
  EXPECT_EQ(refusal(), "d/log-00000001: offset 8: format version 7 is newer than this program's 1");
}

TEST_F(Wal, AnotherShardsLogIsRefused) {
  open();
  options_.shard = 3;
  EXPECT_EQ(refusal(), "d/log-00000001: offset 12: belongs to shard 0, not 3");
}

TEST_F(Wal, TheLastStampComesBack) {
  open();
  log_->stamp(base::time_from(5));
  append("a");
  ASSERT_TRUE(turn());
  log_->stamp(base::time_from(9));
  append("b");
  ASSERT_TRUE(turn());
  crash();
  open();
  EXPECT_EQ(last_instant_, base::time_from(9));
  crash();
  open();
  EXPECT_EQ(last_instant_, base::time_from(9));
}

TEST_F(Wal, AnErrorOfTheReplayNamesItsPlace) {
  open();
  const auto a = append("a");
  settle();
  log_.reset();
  const auto opened = Log::open(*disk_, "d", options_, 1, [](const Record&) -> base::Status {
    return base::Error{base::Code::kInvalid, "kind 7 is unknown", {}};
  });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().what,
            "d/log-00000001: offset " + std::to_string(a.position.offset) + ": kind 7 is unknown");
}

TEST_F(Wal, AnIdleLogWritesNothing) {
  open();
  append("a");
  ASSERT_TRUE(turn());
  EXPECT_FALSE(log_->idle());  // A mark is due.
  const uint64_t syncs = disk_->syncs();
  ASSERT_TRUE(turn());
  EXPECT_EQ(disk_->syncs(), syncs);
  EXPECT_TRUE(log_->idle());
}

TEST_F(Wal, BuffersOfABatchAreUsedAgain) {
  open();
  append(std::string(5'000, 'x'));
  Batch batch = log_->take();
  const char* bytes = batch.bytes.data();
  log_->writer().run(batch);
  log_->give_back(batch);
  ASSERT_TRUE(turn());
  append("y");
  batch = log_->take();
  EXPECT_EQ(batch.bytes.data(), bytes);
  log_->writer().run(batch);
  log_->give_back(batch);
}

// Whatever a crash loses: what was durable is there, what is there was appended, in order.
TEST_F(Wal, CrashesAtAnyPointKeepADurablePrefixAndInventNothing) {
  for (uint64_t seed = 0; seed < 1'000; ++seed) {
    SCOPED_TRACE(seed);
    random_ = base::Random(seed);
    log_.reset();
    disk_ = std::make_unique<MemoryDisk>();
    Strings model;
    durable_ = 0;
    std::set<uint32_t> starts;
    for (int life = 0; life < 6; ++life) {
      if (random_.below(3) == 0) disk_->die(random_.below(12));
      auto opened = try_open();
      if (!opened) {
        ASSERT_EQ(opened.error().what, "the disk is dead");
        disk_->crash(random_);
        continue;
      }
      ASSERT_TRUE(starts.insert(opened->start).second);
      log_ = std::move(opened->log);
      const Strings found = bodies();
      ASSERT_GE(found.size(), durable_);
      ASSERT_LE(found.size(), model.size());
      model.resize(found.size());
      ASSERT_EQ(found, model);
      disk_->die(random_.below(40));
      live(model);
      if (random_.below(3) == 0) {
        log_.reset();  // Killed: the system keeps what it was given, until power is lost.
        disk_->die(uint64_t{1} << 60);
      } else {
        crash();
      }
    }
  }
}

}  // namespace
}  // namespace wal
