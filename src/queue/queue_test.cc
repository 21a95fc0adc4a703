#include "queue/queue.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "queue/test_bed.h"

namespace queue {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

Settings capped(uint32_t in_flight) {
  Settings settings;
  settings.in_flight_per_key = in_flight;
  return settings;
}

TEST(Queue, GivesByPriorityThenAge) {
  Bed bed;
  const Number a = bed.enqueue({.priority = 5}), b = bed.enqueue({.priority = 1}),
               c = bed.enqueue({.priority = 5}), d = bed.enqueue({.priority = 9}),
               e = bed.enqueue({.priority = 1});
  EXPECT_THAT(bed.drain(), ElementsAre(b, e, a, c, d));
}

TEST(Queue, PrioritiesOfOneKeyHoldAcrossItsFlows) {
  Bed bed;
  const Number a = bed.enqueue({.descriptors = "x", .priority = 5}),
               b = bed.enqueue({.descriptors = "y", .priority = 1}),
               c = bed.enqueue({.descriptors = "x", .priority = 0});
  EXPECT_THAT(bed.drain(), ElementsAre(c, b, a));
}

TEST(Queue, AReturnedMessageGoesBackToItsPlace) {
  Bed bed;
  std::vector<Number> all;
  for (int i = 0; i < 6; ++i) all.push_back(bed.enqueue());
  for (int i = 0; i < 4; ++i) bed.lease();
  for (const size_t i : {1u, 3u, 0u, 2u}) bed.move(all[i], State::kReady);
  EXPECT_EQ(bed.drain(), all);
}

TEST(Queue, ADelayedMessageRipensIntoItsPlace) {
  Bed bed;
  const Number a = bed.enqueue({.delay = 5}), b = bed.enqueue();
  EXPECT_EQ(bed.store.next_due(), bed.now + std::chrono::seconds(5));
  EXPECT_FALSE(bed.store.ripen(a, bed.now));
  EXPECT_FALSE(bed.store.due(bed.now));
  bed.now += std::chrono::seconds(6);
  const auto due = bed.store.due(bed.now);
  ASSERT_TRUE(due && due->what == Due::What::kRipe && due->number == a);
  EXPECT_TRUE(bed.store.ripen(a, bed.now));
  EXPECT_EQ(bed.store.find(a)->standing.at, Bed::at(1005)) << "ready since it was due";
  EXPECT_FALSE(bed.store.due(bed.now));
  EXPECT_THAT(bed.drain(), ElementsAre(a, b));
}

TEST(Queue, ALeasedMessageDoesNotExpire) {
  Bed bed;
  const Number a = bed.enqueue({.expires = 1003}), b = bed.enqueue({.expires = 1004});
  ASSERT_EQ(bed.lease(), a);
  bed.now += std::chrono::seconds(10);
  auto due = bed.store.due(bed.now);
  ASSERT_TRUE(due && due->what == Due::What::kExpired && due->number == b);
  bed.store.remove(b);
  bed.now += std::chrono::seconds(30);
  due = bed.store.due(bed.now);
  ASSERT_TRUE(due && due->what == Due::What::kLeaseOver && due->number == a);
  bed.move(a, State::kReady);
  due = bed.store.due(bed.now);
  ASSERT_TRUE(due && due->what == Due::What::kExpired && due->number == a);
}

TEST(Queue, AMoveAppliedTwiceIsAppliedOnce) {
  Bed bed;
  const Number a = bed.enqueue({.key = "a"});
  bed.enqueue({.key = "a"});
  const Standing leased{.state = State::kLeased, .at = bed.now, .delivered = 1, .start = 3};
  const FlowId flow = bed.store.next(1);
  ASSERT_TRUE(bed.store.move(a, leased));
  const uint64_t turn = bed.store.flow(flow).turn;
  ASSERT_TRUE(bed.store.move(a, leased));
  EXPECT_EQ(bed.store.flow(flow).turn, turn);
  EXPECT_EQ(bed.store.find(a)->standing, leased);
  EXPECT_EQ(bed.depths().leased, 1u);
}

TEST(Queue, ANumberThatComesAgainReplacesTheMessage) {
  Bed bed;
  const Number a = bed.enqueue({.key = "a"});
  bed.lease();
  bed.next_number = a;
  bed.enqueue({.key = "b"});
  EXPECT_THAT(bed.gone, ElementsAre(Pair(a * 10, 100u)));
  EXPECT_EQ(bed.store.messages(), 1u);
  EXPECT_EQ(bed.store.flow(bed.store.find(a)->flow).key, "b");
  bed.store.purge(1);  // And while the old one is purged but not reaped:
  bed.next_number = a;
  bed.enqueue({.key = "c"});
  bed.reap_all();
  EXPECT_EQ(bed.gone.size(), 2u);
  EXPECT_THAT(bed.drain(), ElementsAre(a));
}

TEST(Queue, OneInFlightIsFirstInFirstOutAcrossNacks) {
  Bed bed(capped(1));
  const Number a = bed.enqueue({.key = "k"}), b = bed.enqueue({.key = "k"}),
               other = bed.enqueue({.key = "o"});
  ASSERT_EQ(bed.lease(), a);
  ASSERT_EQ(bed.lease(), other);
  EXPECT_EQ(bed.lease(), 0u) << "the key waits for what is in flight";
  bed.move(a, State::kDelayed, 10);
  EXPECT_EQ(bed.lease(), 0u) << "and for what was returned and waits for its delay";
  EXPECT_TRUE(bed.store.flow(bed.store.find(b)->flow).held_back);
  bed.now += std::chrono::seconds(10);
  ASSERT_TRUE(bed.store.ripen(a, bed.now));
  EXPECT_EQ(bed.lease(), a);
  bed.store.remove(a);
  EXPECT_EQ(bed.lease(), b);
}

TEST(Queue, AFirstDelayHoldsNothingBack) {
  Bed bed(capped(1));
  bed.enqueue({.key = "k", .delay = 10});
  const Number b = bed.enqueue({.key = "k"});
  EXPECT_EQ(bed.lease(), b);
}

TEST(Queue, AKeyHasAsManyInFlightAsItMay) {
  Bed bed(capped(2));
  for (int i = 0; i < 4; ++i) bed.enqueue({.key = "k"});
  const Number a = bed.lease(), b = bed.lease();
  EXPECT_EQ(bed.lease(), 0u);
  bed.move(a, State::kDelayed, 10);
  const Number c = bed.lease();
  EXPECT_NE(c, 0u) << "with 2, a returned one leaves its place to the next";
  EXPECT_EQ(bed.lease(), 0u);
  bed.store.remove(b);
  EXPECT_NE(bed.lease(), 0u);
}

TEST(Queue, AnotherCapHoldsFromTheNextDelivery) {
  Bed bed;
  for (int i = 0; i < 6; ++i) bed.enqueue({.key = i % 2 == 0 ? "a" : "b"});
  const Number first = bed.lease();
  bed.lease();
  bed.store.set_queue(1, "q", capped(1));
  EXPECT_EQ(bed.lease(), 0u);
  bed.store.set_queue(1, "q", capped(2));
  bed.reap_all();
  EXPECT_NE(bed.lease(), 0u);
  EXPECT_NE(bed.lease(), 0u);
  EXPECT_EQ(bed.lease(), 0u);
  bed.store.remove(first);
  EXPECT_NE(bed.lease(), 0u);
}

TEST(Queue, PausedOutHidesNextAndNothingElse) {
  Bed bed;
  const Number a = bed.enqueue();
  Settings paused;
  paused.paused_out = true;
  bed.store.set_queue(1, "q", paused);
  EXPECT_EQ(bed.store.next(1), kNoFlow);
  EXPECT_EQ(bed.store.flow(bed.store.find(a)->flow).head, a);
  bed.store.set_queue(1, "q", {});
  EXPECT_EQ(bed.lease(), a);
}

TEST(Queue, APurgeLeavesLeasedAndDeadOnes) {
  Bed bed;
  for (int i = 0; i < 6; ++i) bed.enqueue({.delay = i > 3 ? 5 : 0});
  const Number leased = bed.lease(), dead = bed.lease();
  bed.move(dead, State::kDead);
  bed.store.purge(1);
  EXPECT_EQ(bed.store.messages(), 2u);
  EXPECT_EQ(bed.depths().waiting(), 0u);
  EXPECT_EQ(bed.depths().bytes, 200u);
  EXPECT_EQ(bed.lease(), 0u);
  EXPECT_EQ(bed.store.oldest(1), base::Time{});
  bed.now += std::chrono::seconds(10);
  EXPECT_FALSE(bed.store.due(bed.now)) << "the delayed ones are gone";
  const Number fresh = bed.enqueue();
  bed.move(leased, State::kReady);
  bed.move(dead, State::kReady);
  EXPECT_THAT(bed.drain(), ElementsAre(leased, dead, fresh));
  bed.reap_all();
  EXPECT_EQ(bed.gone.size(), 7u);
}

TEST(Queue, WhatAKeyHasInFlightCountsAfterAPurge) {
  Bed bed(capped(1));
  const Number a = bed.enqueue({.key = "k"});
  bed.lease();
  bed.enqueue({.key = "k"});
  bed.store.purge(1);
  const Number b = bed.enqueue({.key = "k"});
  EXPECT_EQ(bed.lease(), 0u);
  bed.store.remove(a);
  EXPECT_EQ(bed.lease(), b);
}

TEST(Queue, PurgingAndDroppingAreNoWorkUntilTheyAreReaped) {
  Bed bed;
  for (int i = 0; i < 200'000; ++i) bed.enqueue();
  const uint64_t steps = bed.store.steps();
  const size_t memory = bed.store.memory_bytes();
  bed.store.purge(1);
  bed.enqueue();
  bed.store.drop_queue(1);
  EXPECT_EQ(bed.store.steps(), steps);
  EXPECT_EQ(bed.store.memory_bytes() / 1024, memory / 1024);
  EXPECT_TRUE(bed.gone.empty());
  EXPECT_EQ(bed.store.messages(), 0u);
  size_t slices = 0;
  for (bool more = true; more; ++slices) {
    const size_t before = bed.gone.size();
    more = bed.store.reap(bed.now, 1000);
    ASSERT_LE(bed.gone.size() - before, 1000u);
  }
  EXPECT_EQ(bed.gone.size(), 200'001u);
  EXPECT_LE(slices, 203u);
  EXPECT_LT(bed.store.memory_bytes(), memory / 8);
}

TEST(Queue, ADroppedQueueIsGoneWithAllItsMessagesAndItsNameIsFree) {
  Bed bed;
  const Number a = bed.enqueue(), b = bed.enqueue(), c = bed.enqueue();
  bed.lease();
  bed.move(b, State::kDead);
  bed.store.drop_queue(1);
  bed.store.set_queue(2, "q", {});
  for (const Number number : {a, b, c}) {
    EXPECT_FALSE(bed.store.find(number));
    EXPECT_FALSE(bed.move(number, State::kReady));
    EXPECT_FALSE(bed.store.remove(number));
  }
  EXPECT_EQ(bed.store.find("q")->id, 2u);
  EXPECT_FALSE(bed.store.find(QueueId{1}));
  EXPECT_EQ(bed.store.next_due(), base::Time::max());
  bed.reap_all();
  EXPECT_EQ(bed.gone.size(), 3u);
}

TEST(Queue, AParkedFlowIsLeftOutUntilItIsUnparked) {
  Bed bed;
  const Number a = bed.enqueue({.key = "a"}), b = bed.enqueue({.key = "b"});
  const FlowId flow = bed.store.find(a)->flow;
  bed.store.note(flow, 1) = 77;
  bed.store.park(flow);
  EXPECT_EQ(bed.lease(), b);
  EXPECT_EQ(bed.lease(), 0u);
  EXPECT_EQ(bed.store.flow(flow).head, a);
  EXPECT_EQ(bed.store.note(flow, 1), 77u);
  bed.store.unpark(flow);
  EXPECT_EQ(bed.lease(), a);
}

TEST(Queue, ParkedFlowsWhoseHeadChangesAreReportedOnce) {
  Bed bed;
  const Number a = bed.enqueue({.key = "a"}), b = bed.enqueue({.key = "b"});
  const FlowId flow_a = bed.store.find(a)->flow, flow_b = bed.store.find(b)->flow;
  bed.store.park(flow_a);
  bed.store.park(flow_b);
  bed.enqueue({.key = "a"});
  std::vector<FlowId> changed;
  bed.store.changed(changed);
  EXPECT_THAT(changed, ElementsAre()) << "one more behind the head changes nothing";
  bed.enqueue({.key = "a", .priority = 0});
  bed.store.remove(a);
  bed.store.changed(changed);
  EXPECT_THAT(changed, ElementsAre(flow_a));
  changed.clear();
  bed.store.purge(1);
  EXPECT_EQ(bed.store.flow(flow_b).head, 0u);
  bed.reap_all();
  bed.store.changed(changed);
  EXPECT_THAT(changed, UnorderedElementsAre(flow_a, flow_b));
  EXPECT_EQ(bed.store.flow(flow_b).messages, 0u) << "a parked flow does not vanish";
  bed.store.unpark(flow_b);
  bed.store.unpark(flow_a);
  changed.clear();
  bed.store.changed(changed);
  EXPECT_THAT(changed, ElementsAre());
}

TEST(Queue, AParkedFlowOutlivesItsDroppedQueueUntilItIsUnparked) {
  Bed bed;
  const FlowId flow = bed.store.find(bed.enqueue({.key = "a"}))->flow;
  bed.store.park(flow);
  bed.store.drop_queue(1);
  bed.reap_all();
  std::vector<FlowId> changed;
  bed.store.changed(changed);
  ASSERT_THAT(changed, ElementsAre(flow));
  EXPECT_EQ(bed.store.flow(flow).queue, 1u);
  EXPECT_EQ(bed.store.flow(flow).head, 0u);
  const size_t before = bed.store.memory_bytes();
  bed.store.unpark(flow);
  bed.reap_all();
  EXPECT_LT(bed.store.memory_bytes(), before);
}

TEST(Queue, DeadLettersComeInOrderOfDeathHoweverTheyAreRestored) {
  Bed bed;
  std::vector<Number> all;
  for (int i = 0; i < 5; ++i) all.push_back(bed.enqueue());
  const int64_t deaths[] = {3, 1, 4, 0, 2};
  for (size_t i = 0; i < 5; ++i) bed.move(all[i], State::kDead, deaths[i]);
  std::vector<Number> order;
  for (Number n = 0; (n = bed.store.next_dead(1, n)) != 0;) order.push_back(n);
  EXPECT_THAT(order, ElementsAre(all[3], all[1], all[4], all[0], all[2]));
}

TEST(Queue, DeadLettersAreKeptAsLongAsTheQueueSaysNow) {
  Bed bed;
  const Number a = bed.enqueue();
  bed.move(a, State::kDead);
  EXPECT_EQ(bed.store.next_due(), base::Time::max());
  Settings settings;
  settings.dead_keep = std::chrono::seconds(60);
  bed.store.set_queue(1, "q", settings);
  EXPECT_EQ(bed.store.next_due(), bed.now + std::chrono::seconds(60));
  const auto due = bed.store.due(bed.now + std::chrono::seconds(60));
  ASSERT_TRUE(due && due->what == Due::What::kKeepOver && due->number == a);
  bed.move(a, State::kReady);
  EXPECT_EQ(bed.store.next_due(), base::Time::max());
}

TEST(Queue, AWalkSeesEveryMessageOnceAndEachFlowFreshOnce) {
  Bed bed;
  for (int i = 0; i < 300; ++i) bed.enqueue({.key = i % 3 == 0 ? "a" : "b"});
  bed.store.set_queue(2, "purged", {});
  bed.enqueue({.queue = 2});
  bed.store.purge(2);
  for (int round = 0; round < 2; ++round) {
    std::vector<Number> seen;
    std::vector<std::string> fresh;
    uint64_t cursor = 0;
    do {
      const size_t before = seen.size();
      cursor = bed.store.walk(cursor, 7, [&](const View& view, const Store::Flow& flow, bool f) {
        seen.push_back(view.number);
        if (f) fresh.emplace_back(flow.key);
      });
      ASSERT_LE(seen.size() - before, 7u);
    } while (cursor != 0);
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen.size(), 300u);
    EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
    EXPECT_THAT(fresh, UnorderedElementsAre("a", "b"));
  }
}

TEST(Queue, AWalkOverFlowsSeesEachOnceInSlices) {
  Bed bed;
  for (int i = 0; i < 3000; ++i) {
    const std::string host = std::to_string(i % 1500);
    bed.enqueue({.key = i % 2 == 0 ? "a" : "b", .descriptors = host});
  }
  std::vector<FlowId> seen;
  uint64_t messages = 0;
  size_t slices = 0;
  uint64_t cursor = 0;
  do {
    const size_t before = seen.size();
    cursor = bed.store.walk_flows(cursor, 100, [&](FlowId id, const Store::Flow& flow) {
      seen.push_back(id);
      messages += flow.messages;
    });
    ASSERT_LE(seen.size() - before, 100u);
    ++slices;
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 1500u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(messages, 3000u);
  EXPECT_LE(slices, 17u);
}

TEST(Queue, RelocationChangesPlaceAndBytesAndTellsNobody) {
  Bed bed;
  const Number a = bed.enqueue();
  EXPECT_TRUE(bed.store.relocate(a, 5, 60));
  EXPECT_EQ(bed.store.find(a)->place, 5u);
  EXPECT_EQ(bed.depths().bytes, 60u);
  EXPECT_TRUE(bed.gone.empty());
  bed.store.purge(1);
  EXPECT_EQ(bed.depths().bytes, 0u);
  EXPECT_FALSE(bed.store.relocate(a, 6, 60));
}

TEST(Queue, QueuesAreListedByNameInSlices) {
  Bed bed;
  bed.store.set_queue(3, "b", {});
  bed.store.set_queue(2, "a", {});
  std::vector<std::string> names;
  bed.store.queues_after("a", 1, [&](const QueueView& q) { names.emplace_back(q.name); });
  EXPECT_THAT(names, ElementsAre("b"));
  names.clear();
  bed.store.each_queue([&](const QueueView& q) { names.emplace_back(q.name); });
  EXPECT_THAT(names, ElementsAre("a", "b", "q"));
}

TEST(Dedup, AnIdIsSeenUntilItsInstantWhateverTheOthersWindows) {
  Bed bed;
  bed.store.remember({1, 1}, 10, Bed::at(1050));
  bed.store.remember({2, 2}, 20, Bed::at(1010));
  bed.store.remember({1, 9}, 30, Bed::at(1020));
  EXPECT_EQ(bed.store.seen({1, 1}, bed.now), 10u);
  EXPECT_EQ(bed.store.seen({1, 9}, bed.now), 30u);
  EXPECT_EQ(bed.store.seen({2, 2}, Bed::at(1010)), std::nullopt);
  bed.store.remember({2, 2}, 21, Bed::at(1100));
  EXPECT_EQ(bed.store.seen({2, 2}, Bed::at(1010)), 21u);
  EXPECT_FALSE(bed.store.reap(Bed::at(1030), 10));
  EXPECT_EQ(bed.store.remembered(), 2u);
  std::vector<Number> all;
  uint64_t cursor = 0;
  do {
    bed.store.each_remembered(cursor, 1,
                              [&](base::Hash128, Number n, base::Time) { all.push_back(n); });
  } while (cursor != 0);
  EXPECT_THAT(all, UnorderedElementsAre(10, 21));
}

}  // namespace
}  // namespace queue
