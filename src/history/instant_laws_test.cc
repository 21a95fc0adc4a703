#include "history/testing.h"

namespace history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string stamped(int64_t enqueued) { return "enqueued=" + std::to_string(kEpochMs + enqueued); }

TEST(HistoryInstants, NothingIsDeliveredBeforeItsDelay) {
  EXPECT_THAT(violated(put(1, "a", "delay=50") + deliver(52, "a", 1, 1000, stamped(1))), IsEmpty());
  EXPECT_THAT(violated(put(1, "a", "delay=50") + deliver(49, "a")), ElementsAre("delay"));
  // The clients cannot tell, the server's own stamps do.
  EXPECT_THAT(violated("enqueue 1000000 90000000 ok q a id=ma delay=50\n" +
                       deliver(95, "a", 1, 1000, stamped(50))),
              ElementsAre("delay"));
}

TEST(HistoryInstants, TheDelayOfANackIsKept) {
  const std::string nacked =
      put(1, "a") + deliver(5, "a") + "nack" + around(10) + " ok a.1 delay=100\n";
  EXPECT_THAT(violated(nacked + deliver(111, "a", 2)), IsEmpty());
  EXPECT_THAT(violated(nacked + deliver(60, "a", 2)), ElementsAre("delay"));
}

TEST(HistoryInstants, NothingIsDeliveredAfterItExpired) {
  EXPECT_THAT(violated(put(1, "a", "ttl=50") + deliver(49, "a", 1, 1000, stamped(1))), IsEmpty());
  EXPECT_THAT(violated(put(1, "a", "ttl=50") + deliver(55, "a")), ElementsAre("ttl"));
  EXPECT_THAT(violated("enqueue 1000000 90000000 ok q a id=ma ttl=50\n" +
                       deliver(95, "a", 1, 1000, stamped(20))),
              ElementsAre("ttl"));
}

TEST(HistoryInstants, APromiseOfAQuickDeliveryIsKept) {
  EXPECT_THAT(violated(put(1, "a", "within=20") + deliver(20, "a")), IsEmpty());
  EXPECT_THAT(violated(put(1, "a", "within=20 delay=20") + deliver(40, "a")), IsEmpty());
  EXPECT_THAT(violated(put(1, "a", "within=20") + deliver(30, "a")), ElementsAre("late"));
  EXPECT_THAT(violated(put(1, "a", "within=20")), ElementsAre("late"));
}

TEST(HistoryInstants, AStampThatCannotBeTrueIsAFault) {
  const std::string good = put(1, "a") + put(1, "b") + deliver(5, "a");
  EXPECT_THAT(violated(good + deliver(10, "b")), IsEmpty());
  const std::string ahead = "deliver" + around(10) + " q mb b.1 b attempt=1 lease=1000 until=" +
                            std::to_string(kEpochMs + 1020) + "\n";
  EXPECT_THAT(violated(good + ahead), ElementsAre("clock"));
  EXPECT_THAT(violated(good + ahead, 20 * kMillisecond), IsEmpty());
}

TEST(HistoryInstants, EachLifeOfTheServerHasItsOwnDistance) {
  const std::string after =
      "kill " + ms(6) + "\nstart " + ms(7) + " " + ms(8) + "\ndeliver" + around(10) +
      " q mb b.1 b attempt=1 lease=1000 until=" + std::to_string(kEpochMs + 1020) + "\n";
  EXPECT_THAT(violated(put(1, "a") + put(1, "b") + deliver(5, "a") + after), IsEmpty());
}

std::string with(int64_t t, const std::string& payload, const std::string& id) {
  return "enqueue" + around(t) + " ok q " + payload + " id=" + id + " dedup=d\n";
}

TEST(HistoryDedup, InsideTheWindowTheIdIsTheFirsts) {
  const std::string rule = "queue 0 q dedup_window=100\n";
  EXPECT_THAT(violated(rule + with(1, "a", "m1") + with(50, "b", "m1")), IsEmpty());
  EXPECT_THAT(violated(rule + with(1, "a", "m1") + with(50, "b", "m2")), ElementsAre("dedup"));
  EXPECT_THAT(violated(rule + with(1, "a", "m1") + with(102, "b", "m2")), IsEmpty());
  EXPECT_THAT(violated(rule + with(1, "a", "m1") + with(50, "b", "m1") + with(120, "c", "m2")),
              IsEmpty());
}

TEST(HistoryDedup, TheWindowMayHaveBegunWithoutAnAnswer) {
  const std::string rule = "queue 0 q dedup_window=100\n";
  const std::string unknown = "enqueue" + around(1) + " info q z dedup=d\n";
  EXPECT_THAT(violated(rule + unknown + with(50, "a", "m1") + with(110, "b", "m2")), IsEmpty());
  EXPECT_THAT(violated(rule + with(50, "a", "m1") + with(110, "b", "m2")), ElementsAre("dedup"));
  EXPECT_THAT(violated(rule + unknown + with(50, "a", "m1") + with(90, "b", "m2")),
              ElementsAre("dedup"));
}

TEST(HistoryDedup, BehindTheWindowItIsAMessageOfItsOwn) {
  EXPECT_THAT(violated("queue 0 q dedup_window=100\n" + with(1, "a", "m1") + with(150, "b", "m1")),
              ElementsAre("dedup"));
}

TEST(HistoryDedup, OneIdHasOneBody) {
  const std::string two = with(1, "a", "m1") + with(2, "b", "m1");
  const auto body = [](int64_t t, const std::string& payload, int attempt) {
    return "deliver" + around(t) + " q m1 r" + std::to_string(attempt) + " " + payload +
           " attempt=" + std::to_string(attempt) +
           " lease=1 until=" + std::to_string(kEpochMs + t + 1) + "\n";
  };
  EXPECT_THAT(violated(two + body(5, "a", 1) + body(9, "a", 2)), IsEmpty());
  EXPECT_THAT(violated(two + body(5, "a", 1) + body(9, "b", 2)), ElementsAre("dedup"));
}

TEST(HistoryCounts, EveryMessageIsInOneState) {
  const auto counts = [](int enqueued, int ready, int gone) {
    return "counts" + around(50) + " q enqueued=" + std::to_string(enqueued) +
           " ready=" + std::to_string(ready) + " gone=" + std::to_string(gone) + "\n";
  };
  const std::string three = put(1, "a") + put(2, "b") + "enqueue" + around(3) + " info q c\n";
  EXPECT_THAT(violated(three + counts(2, 1, 1)), IsEmpty());
  EXPECT_THAT(violated(three + counts(3, 2, 1)), IsEmpty());
  EXPECT_THAT(violated(three + counts(3, 2, 0)), ElementsAre("conservation"));
  EXPECT_THAT(violated(three + counts(1, 1, 0)), ElementsAre("conservation"));
  EXPECT_THAT(violated(three + counts(4, 4, 0)), ElementsAre("conservation"));
  const std::string done = put(1, "a") + deliver(5, "a") + ack(10, "a.1");
  EXPECT_THAT(violated(done + counts(1, 0, 1)), IsEmpty());
  EXPECT_THAT(violated(done + counts(1, 1, 0)), ElementsAre("conservation"));
}

}  // namespace
}  // namespace history
