#include "engine/engine.h"

#include <gtest/gtest.h>

#include "engine/test_bed.h"

namespace engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Bodies = std::vector<std::string>;

TEST(Engine, WhatIsEnqueuedIsDequeuedInOrderAndAcked) {
  TestBed bed;
  EXPECT_NE(bed.enqueue("q", "a"), 0u);
  bed.enqueue("q", "b");
  const auto first = bed.dequeue("q");
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(TestBed::body(first[0]), "a");
  EXPECT_EQ(first[0].attempt, 1);
  EXPECT_EQ(bed.bodies("q"), Bodies{"b"});
  EXPECT_EQ(bed.bodies("q"), Bodies{});
  EXPECT_TRUE(bed.ack(first[0]));
  EXPECT_FALSE(bed.ack(first[0]));
  EXPECT_EQ(bed.stats("q").row.depths.leased, 1u);
  EXPECT_TRUE(bed.engine->check());
}

TEST(Engine, NothingIsAnsweredBeforeItIsSynced) {
  TestBed bed;
  bed.syncing = false;
  Message message;
  message.body = "a";
  Enqueue asked;
  asked.queue = "q";
  asked.messages = {&message, 1};
  const Request& request = bed.start(asked);
  bed.turn();
  EXPECT_FALSE(bed.is_done(request));
  bed.syncing = true;
  bed.turn();
  EXPECT_TRUE(bed.is_done(request));
}

// The system has the batch, but what it reads for its owner has not come back.
TEST(Engine, NoDeliveryIsAnsweredBeforeItsBodyIsRead) {
  for (const auto durability : {queue::Durability::kOs, queue::Durability::kMemory}) {
    TestBed bed;
    bed.enqueue("q", "a");
    SetQueue asked;
    asked.queue = "q";
    asked.change = [=](queue::Settings& settings) {
      settings.durability = durability;
      return base::Status();
    };
    bed.ask(asked);
    const std::string_view name = "q";
    Dequeue dequeue;
    dequeue.queues = {&name, 1};
    const Request& request = bed.start(dequeue);
    bed.engine->release();
    EXPECT_FALSE(bed.is_done(request));
    ASSERT_TRUE(bed.engine->has_batch());
    wal::Batch batch = bed.engine->take(bed.now);
    bed.engine->writer().run(batch);
    bed.engine->written(batch.last);
    bed.engine->release();
    EXPECT_FALSE(bed.is_done(request));
    bed.engine->give_back(std::move(batch), bed.now);
    bed.engine->release();
    ASSERT_TRUE(bed.is_done(request));
    EXPECT_EQ(TestBed::body(std::get<Dequeue>(request.what).deliveries.at(0)), "a");
  }
}

TEST(Engine, AConnectionThatGoesEndsItsOwnTiedLeasesOnly) {
  TestBed bed;
  bed.enqueue("q", "a");
  bed.enqueue("q", "b");
  const std::string_view name = "q";
  Dequeue tied;
  tied.queues = {&name, 1};
  tied.lease = base::Duration(0);
  const auto first = bed.ask(tied, 1).deliveries;
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(bed.nack(first[0], base::Duration(0)));
  const auto again = bed.ask(tied, 2).deliveries;  // The same message, another connection's now.
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].number, first[0].number);
  ASSERT_EQ(bed.ask(tied, 1).deliveries.size(), 1u);
  bed.ask(Leave{}, 1);
  EXPECT_EQ(bed.stats("q").row.depths.leased, 1u);
  EXPECT_EQ(bed.stats("q").row.depths.ready, 1u);
  EXPECT_TRUE(bed.ack(again[0]));
}

TEST(Engine, AnsweredWorkSurvivesAPowerLoss) {
  TestBed bed;
  for (int i = 0; i < 10; ++i) bed.enqueue("q", std::to_string(i));
  const auto leased = bed.dequeue("q", 3);
  ASSERT_EQ(leased.size(), 3u);
  EXPECT_TRUE(bed.ack(leased[0]));
  bed.crash();
  ASSERT_TRUE(bed.engine);
  const Stats stats = bed.stats("q");
  EXPECT_EQ(stats.row.depths.ready, 7u);
  EXPECT_EQ(stats.row.depths.leased, 2u);
  EXPECT_EQ(stats.totals.acked, 1u);
  EXPECT_FALSE(bed.ack(leased[0]));  // Gone.
  EXPECT_TRUE(bed.ack(leased[1]));   // The lease and its receipt live on.
  bed.pass(seconds(31));
  EXPECT_EQ(bed.bodies("q", 10), (Bodies{"2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_TRUE(bed.engine->check());
}

TEST(Engine, ALeaseThatRunsOutIsAFailureAndItsReceiptIsStale) {
  TestBed bed;
  bed.set("q", [](queue::Settings& s) { s.attempts = 2; });
  bed.enqueue("q", "a");
  const auto first = bed.dequeue("q", 1, seconds(1));
  bed.pass(milliseconds(999));
  EXPECT_EQ(bed.bodies("q"), Bodies{});
  bed.pass(milliseconds(1));
  EXPECT_FALSE(bed.ack(first[0]));
  const auto second = bed.dequeue("q", 1, seconds(1));
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].attempt, 2);
  bed.pass(seconds(1));
  EXPECT_EQ(bed.stats("q").row.depths.dead, 1u);
  ListDead dead;
  dead.queue = "q";
  dead = bed.ask(dead);
  ASSERT_EQ(dead.shown.size(), 1u);
  EXPECT_EQ(dead.shown[0].reason, "attempts used up");
  EXPECT_EQ(decode_message(dead.shown[0].record)->body, "a");
}

TEST(Engine, ANackBacksOffAndADeadOneIsRedriven) {
  TestBed bed;
  bed.set("q", [](queue::Settings& s) { s.backoff.jitter_ppm = 0; });
  bed.enqueue("q", "a");
  EXPECT_TRUE(bed.nack(bed.dequeue("q")[0]));
  bed.pass(milliseconds(999));
  EXPECT_EQ(bed.bodies("q"), Bodies{});
  bed.pass(milliseconds(1));
  auto again = bed.dequeue("q");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(bed.nack(again[0], {}, true, "no such address"));
  EXPECT_EQ(bed.stats("q").row.depths.dead, 1u);
  bed.crash();
  ListDead dead;
  dead.queue = "q";
  EXPECT_EQ(bed.ask(dead).shown.at(0).reason, "no such address");
  Redrive redrive;
  redrive.queue = "q";
  EXPECT_EQ(bed.ask(redrive).will_move, 1u);
  EXPECT_EQ(bed.bodies("q"), Bodies{"a"});
}

TEST(Engine, AConsumerThatWaitsIsServedByArrival) {
  TestBed bed;
  const std::string_view name = "q";
  Dequeue asked;
  asked.queues = {&name, 1};
  asked.wait = seconds(5);
  Request& first = bed.start(asked);
  Request& second = bed.start(asked);
  bed.turn();
  EXPECT_FALSE(bed.is_done(first));
  bed.enqueue("q", "a");
  EXPECT_TRUE(bed.is_done(first));
  EXPECT_FALSE(bed.is_done(second));
  bed.pass(seconds(5));
  EXPECT_TRUE(bed.is_done(second));
  EXPECT_TRUE(std::get<Dequeue>(second.what).deliveries.empty());
}

std::vector<limiter::DomainSpec> limits() {
  limiter::DomainSpec domain;
  domain.name = "out";
  const limit::Rate ten{10, seconds(1)};
  domain.nodes.push_back(node("queue", limit::Gcra::make(ten, 1).value(), ten));
  const limit::Rate one{1, seconds(1)};
  domain.nodes.push_back(node("key", limit::Gcra::make(one, 1).value(), one));
  domain.nodes.push_back(node("slot", limit::Concurrency::make(2, hours(1)).value()));
  return {domain};
}

TEST(Engine, DeliveriesObeyALimitAndUseAllOfIt) {
  TestBed bed({}, limits());
  bed.set("q", [](queue::Settings& s) { s.decide = {"out", {"queue={queue}"}}; });
  for (int i = 0; i < 30; ++i) bed.enqueue("q", std::to_string(i));
  const std::string_view name = "q";
  size_t delivered = 0;
  for (int ms = 0; ms < 2000; ++ms) {
    Dequeue asked;
    asked.queues = {&name, 1};
    asked.wait = seconds(60);
    if (bed.pending.empty() || bed.is_done(*bed.pending.back())) bed.start(asked);
    bed.pass(milliseconds(1));
    if (bed.is_done(*bed.pending.back())) ++delivered;
  }
  EXPECT_EQ(delivered, 21u);  // At 0, 100, … 2000 ms.
}

TEST(Engine, ABlockedKeyDelaysNoOther) {
  TestBed bed({}, limits());
  bed.set("q", [](queue::Settings& s) { s.decide = {"out", {"key={key}"}}; });
  for (int i = 0; i < 100; ++i) {
    Message message;
    message.key = "busy";
    message.body = "b";
    bed.enqueue("q", message);
  }
  EXPECT_EQ(bed.bodies("q", 10), Bodies{"b"});
  Message free;
  free.key = "free";
  free.body = "f";
  bed.enqueue("q", free);
  EXPECT_EQ(bed.bodies("q", 10), Bodies{"f"});
  bed.pass(seconds(1));
  EXPECT_EQ(bed.bodies("q", 10), Bodies{"b"});
}

TEST(Engine, AHoldEndsWithTheLeaseAndWakesWhoWaits) {
  TestBed bed({}, limits());
  bed.set("q", [](queue::Settings& s) { s.decide = {"out", {"slot=x"}}; });
  for (int i = 0; i < 4; ++i) bed.enqueue("q", std::to_string(i));
  const auto two = bed.dequeue("q", 10);
  EXPECT_EQ(two.size(), 2u);
  const std::string_view name = "q";
  Dequeue asked;
  asked.queues = {&name, 1};
  asked.wait = seconds(60);
  const Request& waiting = bed.start(asked);
  bed.turn();
  EXPECT_FALSE(bed.is_done(waiting));
  EXPECT_TRUE(bed.ack(two[0]));
  EXPECT_TRUE(bed.is_done(waiting));
  bed.crash();  // Two leases live: their holds are taken again.
  EXPECT_EQ(bed.bodies("q", 10), Bodies{});
}

TEST(Engine, CheckWaitsForItsTurn) {
  TestBed bed({}, limits());
  const limiter::Entry entry{"key", "a"};
  const limiter::Descriptor descriptor{&entry, 1};
  Check asked;
  asked.domain = "out";
  asked.descriptors = {&descriptor, 1};
  asked.wait = seconds(10);
  EXPECT_TRUE(bed.ask(asked).allowed);
  const Request& second = bed.start(asked);
  const Request& third = bed.start(asked);
  bed.pass(milliseconds(999));
  EXPECT_FALSE(bed.is_done(second));
  bed.pass(milliseconds(1));
  EXPECT_TRUE(bed.is_done(second));
  EXPECT_TRUE(std::get<Check>(second.what).allowed);
  EXPECT_FALSE(bed.is_done(third));
  bed.pass(seconds(1));
  EXPECT_TRUE(std::get<Check>(third.what).allowed);
}

TEST(Engine, ASnapshotAndTheLogBehindItGiveTheSame) {
  EngineOptions options;
  options.log.segment_bytes = 64 << 10;
  options.snapshot_after_bytes = 100 << 10;
  TestBed bed(options);
  const std::string body(500, 'x');
  for (int i = 0; i < 2000; ++i) {
    Message message;
    message.body = body;
    const std::string dedup = "id" + std::to_string(i);
    message.dedup = dedup;
    bed.enqueue("q", message);
    if (i % 3 != 0) bed.ack(bed.dequeue("q")[0]);
  }
  const Stats before = bed.stats("q");
  bed.pass(seconds(2));
  EXPECT_GT(bed.engine->metrics().snapshots.value(), 0u);
  bed.crash();
  ASSERT_TRUE(bed.engine) << bed.error->what;
  const Stats after = bed.stats("q");
  EXPECT_EQ(after.row.depths.ready, before.row.depths.ready);
  EXPECT_EQ(after.totals.acked, before.totals.acked);
  EXPECT_EQ(after.totals.enqueued, before.totals.enqueued);
  Message message;
  message.dedup = "id1999";
  bed.enqueue("q", message);
  EXPECT_EQ(bed.stats("q").totals.enqueued, before.totals.enqueued);
  EXPECT_TRUE(bed.engine->check());
}

TEST(Engine, TheLogOfAStandingQueueStaysSmall) {
  EngineOptions options;
  options.log.segment_bytes = 64 << 10;
  options.snapshot_after_bytes = 64 << 10;
  TestBed bed(options);
  const std::string body(1000, 'x');
  for (int i = 0; i < 20; ++i) bed.enqueue("old", body);  // They stay, spread over the log.
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 50; ++i) bed.enqueue("q", body);
    bed.enqueue("old", body);
    for (const Delivery& each : bed.dequeue("q", 50)) bed.ack(each);
    bed.pass(seconds(2));
  }
  EXPECT_LT(bed.disk.space_used(), 1u << 20);
  bed.crash();
  ASSERT_TRUE(bed.engine) << bed.error->what;
  EXPECT_EQ(bed.stats("old").row.depths.ready, 60u);
  EXPECT_EQ(bed.bodies("old", 100).size(), 60u);
}

}  // namespace
}  // namespace engine
