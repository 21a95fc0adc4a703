#include "history/testing.h"

namespace history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A whole life: enqueued at 1, delivered at 5, acked at 9.
const std::string kDone = put(1, "a") + deliver(5, "a") + ack(9, "a.1");

TEST(HistoryLaws, WhatIsEnqueuedDeliveredAndAckedIsFine) {
  EXPECT_THAT(violated(kDone + "drained " + ms(20) + "\n"), IsEmpty());
}

TEST(HistoryLaws, TheEarliestViolationIsToldWithItsLines) {
  const Verdict verdict = verdict_of(kDone + deliver(30, "a", 2) + put(2, "b") + deliver(4, "c"));
  ASSERT_NE(verdict.findings.first(), nullptr);
  EXPECT_EQ(verdict.findings.first()->law, "unexpected");
  ASSERT_EQ(verdict.findings.first()->lines.size(), 1u);
  EXPECT_EQ(verdict.findings.first()->lines[0].line, 7u);
  EXPECT_EQ(verdict.deliveries, 3u);
}

TEST(HistoryLaws, WhatNobodyEnqueuedIsUnexpected) {
  EXPECT_THAT(violated(deliver(5, "a")), ElementsAre("unexpected"));
}

TEST(HistoryLaws, WhatWasRefusedIsUnexpected) {
  EXPECT_THAT(violated("enqueue" + around(1) + " fail q a\n" + deliver(5, "a")),
              ElementsAre("unexpected"));
}

TEST(HistoryLaws, AReceiptThatNobodyWasGivenIsUnexpected) {
  EXPECT_THAT(violated(put(1, "a") + ack(9, "other")), ElementsAre("unexpected"));
  EXPECT_THAT(violated(put(1, "a") + ack(9, "other", "fail")), IsEmpty());
}

TEST(HistoryLaws, AnEnqueueWithoutAnAnswerMayAppearOrNot) {
  const std::string open = "enqueue" + around(1) + " info q a\n";
  EXPECT_THAT(violated(open + "drained " + ms(20) + "\n"), IsEmpty());
  EXPECT_THAT(violated(open + deliver(5, "a") + ack(6, "a.1")), IsEmpty());
}

TEST(HistoryLaws, AnotherKeyQueueOrPriorityIsAltered) {
  EXPECT_THAT(violated(put(1, "a", "key=k") + deliver(5, "a", 1, 9, "key=k")), IsEmpty());
  EXPECT_THAT(violated(put(1, "a", "key=k") + deliver(5, "a", 1, 9, "key=j")),
              ElementsAre("altered"));
  EXPECT_THAT(violated(put(1, "a", "priority=7") + deliver(5, "a", 1, 9, "priority=8")),
              ElementsAre("altered"));
  EXPECT_THAT(violated("enqueue" + around(1) + " ok other a id=ma\n" + deliver(5, "a")),
              ElementsAre("altered"));
}

TEST(HistoryLaws, OneEnqueueIsOneMessage) {
  EXPECT_THAT(violated("enqueue" + around(1) + " info q a\n" + deliver(5, "a") + "deliver" +
                       around(6) + " q mb b.1 a attempt=1\n"),
              ElementsAre("altered"));
}

TEST(HistoryLaws, IdsAndReceiptsAreNeverGivenTwice) {
  EXPECT_THAT(violated(put(1, "a") + "enqueue" + around(2) + " ok q b id=ma\n"),
              ElementsAre("unique"));
  EXPECT_THAT(violated(put(1, "a") + put(1, "b") + deliver(5, "a") + "deliver" + around(6) +
                       " q mb a.1 b attempt=1\n"),
              ElementsAre("unique"));
}

TEST(HistoryLaws, AnAcceptedMessageThatNeverCameIsLost) {
  EXPECT_THAT(violated(put(1, "a")), IsEmpty());  // Nobody said that the queue was drained.
  EXPECT_THAT(violated(put(1, "a") + "drained " + ms(20) + "\n"), ElementsAre("lost"));
  EXPECT_THAT(violated(put(1, "a") + "drained " + ms(20) + " q\n"), ElementsAre("lost"));
  EXPECT_THAT(violated(put(1, "a") + "drained " + ms(20) + " other\n"), IsEmpty());
  EXPECT_THAT(violated(put(30, "a") + "drained " + ms(20) + "\n"), IsEmpty());
}

TEST(HistoryLaws, ADeliveredMessageThatNobodyFinishedIsLostToo) {
  const std::string half = put(1, "a") + deliver(5, "a") + "drained " + ms(20) + "\n";
  EXPECT_THAT(violated(half), ElementsAre("lost"));
  EXPECT_THAT(violated(half + ack(9, "a.1", "fail")), ElementsAre("lost"));
  EXPECT_THAT(violated(half + ack(9, "a.1", "info")), IsEmpty());
  EXPECT_THAT(violated(half + "nack" + around(9) + " ok a.1 dead=1\n"), ElementsAre("lost"));
}

TEST(HistoryLaws, WhatIsPresentRemovedPurgedOrExpiredIsNotLost) {
  const std::string drained = "drained " + ms(20) + "\n";
  EXPECT_THAT(violated(put(1, "a") + drained + "present " + ms(21) + " q ma dead\n"), IsEmpty());
  EXPECT_THAT(violated(put(1, "a") + drained + "remove" + around(7) + " info ma\n"), IsEmpty());
  EXPECT_THAT(violated(put(1, "a") + drained + "purge" + around(7) + " ok q\n"), IsEmpty());
  EXPECT_THAT(violated(put(9, "a") + drained + "purge" + around(7) + " ok q\n"),
              ElementsAre("lost"));
  EXPECT_THAT(violated(put(1, "a", "ttl=10") + drained), IsEmpty());
  EXPECT_THAT(violated(put(1, "a", "ttl=30") + drained), ElementsAre("lost"));
}

TEST(HistoryLaws, AnUnknownFirstOfADeduplicatedOneMayHaveExpired) {
  const auto first = [](const std::string& more) {
    return "enqueue" + around(1) + " info q z dedup=d" + more + "\n" + put(2, "a", "dedup=d") +
           "drained " + ms(20) + "\n";
  };
  EXPECT_THAT(violated(first(" ttl=5")), IsEmpty());
  EXPECT_THAT(violated(first("")), ElementsAre("lost"));
}

TEST(HistoryLaws, OnlyAQueueInMemoryMayForgetAtAKill) {
  const std::string killed = put(1, "a") + "kill " + ms(5) + "\ndrained " + ms(20) + "\n";
  EXPECT_THAT(violated(killed), ElementsAre("lost"));
  EXPECT_THAT(violated(killed + "queue 0 q durability=memory\n"), IsEmpty());
  EXPECT_THAT(violated(killed + "queue 0 q durability=os\n"), ElementsAre("lost"));
}

TEST(HistoryLaws, WhatWasAckedOrRemovedDoesNotComeBack) {
  EXPECT_THAT(violated(kDone + deliver(2000, "a", 2)), ElementsAre("resurrected"));
  EXPECT_THAT(violated(put(1, "a") + "remove" + around(3) + " ok ma\n" + deliver(5, "a")),
              ElementsAre("resurrected"));
  EXPECT_THAT(
      violated(put(1, "a") + deliver(5, "a") + ack(9, "a.1", "info") + deliver(2000, "a", 2)),
      IsEmpty());
}

TEST(HistoryLaws, OneMessageHasOneLeaseAtATime) {
  const std::string first = put(1, "a") + deliver(5, "a", 1, 100);
  EXPECT_THAT(violated(first + deliver(50, "a", 2)), ElementsAre("exclusive"));
  EXPECT_THAT(violated(first + deliver(105, "a", 2)), IsEmpty());  // Over.
  EXPECT_THAT(violated(first + deliver(104, "a", 2)), ElementsAre("exclusive"));
  EXPECT_THAT(violated(first + deliver(104, "a", 2), kMillisecond), IsEmpty());
}

TEST(HistoryLaws, NackAndRequeueGiveALeaseUp) {
  const std::string twice = put(1, "a") + deliver(5, "a", 1, 100) + deliver(50, "a", 2);
  EXPECT_THAT(violated(twice + "nack" + around(20) + " ok a.1\n"), IsEmpty());
  EXPECT_THAT(violated(twice + "requeue" + around(20) + " info a.1\n"), IsEmpty());
  EXPECT_THAT(violated(twice + "nack" + around(20) + " fail a.1\n"), ElementsAre("exclusive"));
  EXPECT_THAT(violated(twice + "nack" + around(60) + " fail a.1\n"), ElementsAre("exclusive"));
  EXPECT_THAT(violated(twice + "nack" + around(20) + " ok a.1 dead=1\n"), ElementsAre("exclusive"));
  EXPECT_THAT(
      violated(twice + "nack" + around(20) + " ok a.1 dead=1\nredrive" + around(30) + " ok q\n"),
      IsEmpty());
}

TEST(HistoryLaws, AKillEndsNoLeaseButATiedOne) {
  const auto tied = [](const std::string& what) {
    return put(1, "a") + deliver(5, "a", 1, 0, "conn=c") + deliver(50, "a", 2) + what;
  };
  const std::string kill = "kill " + ms(20) + "\nstart " + ms(21) + " " + ms(22) + "\n";
  EXPECT_THAT(violated(put(1, "a") + deliver(5, "a", 1, 100) + kill + deliver(50, "a", 2)),
              ElementsAre("exclusive"));
  EXPECT_THAT(violated(tied("")), ElementsAre("exclusive"));
  EXPECT_THAT(violated(tied(kill)), IsEmpty());
  EXPECT_THAT(violated(tied("close" + around(20) + " c\n")), IsEmpty());
  EXPECT_THAT(violated(tied("close" + around(60) + " c\n")), ElementsAre("exclusive"));
}

TEST(HistoryLaws, AnExtensionMovesTheEndOfALease) {
  const std::string longer = put(1, "a") + deliver(5, "a", 1, 100) + "extend" + around(50) +
                             " ok a.1 until=" + std::to_string(kEpochMs + 500) + "\n";
  EXPECT_THAT(violated(longer + deliver(200, "a", 2)), ElementsAre("exclusive"));
  EXPECT_THAT(violated(longer + deliver(500, "a", 2)), IsEmpty());
}

TEST(HistoryLaws, AttemptsCountWhatWasSeen) {
  const std::string first = put(1, "a") + deliver(5, "a", 1, 10);
  EXPECT_THAT(violated(first + deliver(50, "a", 3)), ElementsAre("attempt"));
  EXPECT_THAT(violated(first + deliver(50, "a", 3) + "dequeue" + around(30) + " info q\n"),
              IsEmpty());
  EXPECT_THAT(violated(first + deliver(50, "a", 4) + "dequeue" + around(30) + " info q\n"),
              ElementsAre("attempt"));
  EXPECT_THAT(violated(first + deliver(50, "a", 3) + "dequeue" + around(60) + " info q\n"),
              ElementsAre("attempt"));
  EXPECT_THAT(violated(put(1, "a") + deliver(5, "a", 2)), ElementsAre("attempt"));
  EXPECT_THAT(
      violated(put(1, "a") + deliver(5, "a", 1, 10) + "deliver" + around(50) +
               " q ma other a attempt=1 lease=10 until=" + std::to_string(kEpochMs + 60) + "\n"),
      ElementsAre("attempt"));
}

TEST(HistoryLaws, AfterItsLastAttemptItIsNotDelivered) {
  const auto failing = [](int attempts) {
    return put(1, "a", "attempts=" + std::to_string(attempts)) + deliver(5, "a") + "nack" +
           around(9) + " ok a.1\n" + deliver(15, "a", 2);
  };
  EXPECT_THAT(violated(failing(2)), IsEmpty());
  EXPECT_THAT(violated(failing(1)), ElementsAre("attempt"));
}

TEST(HistoryLaws, AReceiptThatHasEndedIsRefused) {
  EXPECT_THAT(violated(kDone + ack(12, "a.1")), ElementsAre("stale"));
  EXPECT_THAT(violated(kDone + ack(12, "a.1", "fail")), IsEmpty());
  EXPECT_THAT(violated(put(1, "a") + deliver(5, "a", 1, 10) + deliver(20, "a", 2) + "extend" +
                       around(30) + " ok a.1 until=" + std::to_string(kEpochMs + 90) + "\n"),
              testing::Contains("stale"));
}

}  // namespace
}  // namespace history
