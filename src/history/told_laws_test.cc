// Histories in which the server tells of its limits.
#include "base/random.h"
#include "history/tally.h"
#include "history/testing.h"

namespace history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string told(const std::string& verb, int64_t t, int64_t number) {
  return verb + around(t) + " l * " + std::to_string(number) + "\n";
}

TEST(HistoryAccounting, AHoldThatIsOverIsNotToldAnyMore) {
  const std::string lines = "limit 0 0 l concurrency=5 queues=q\n" + put(1, "a") + put(2, "b") +
                            deliver(10, "a", 1, 50) + deliver(11, "b", 1, 500);
  EXPECT_THAT(violated(lines + told("held", 30, 2) + told("held", 70, 1)), IsEmpty());
  EXPECT_THAT(violated(lines + told("held", 30, 1)), ElementsAre("accounting"));
  EXPECT_THAT(violated(lines + told("held", 70, 2)), ElementsAre("accounting"));  // It leaked.
}

TEST(HistoryAccounting, AckNackAndALostConnectionFreeTheirSlots) {
  const std::string lines = "limit 0 0 l concurrency=5 queues=q\n" + put(1, "a") + put(2, "b") +
                            deliver(10, "a", 1, 500) + deliver(11, "b", 1, 500);
  const std::string ended = ack(20, "a.1") + "nack" + around(20) + " ok b.1 delay=400\n";
  EXPECT_THAT(violated(lines + ended + told("held", 30, 0)), IsEmpty());
  EXPECT_THAT(violated(lines + ended + told("held", 30, 1)), ElementsAre("accounting"));
  EXPECT_THAT(violated(lines + ack(20, "a.1", "info") + told("held", 30, 2)), IsEmpty());
  EXPECT_THAT(violated(lines + ack(20, "a.1", "info") + told("held", 30, 1)), IsEmpty());
}

TEST(HistoryAccounting, AHoldOutlivesAKillButNotThatOfAQueueInMemory) {
  const std::string lines = "limit 0 0 l concurrency=5 queues=q\n" + put(1, "a") +
                            deliver(10, "a", 1, 500) + "kill " + ms(20) + "\nstart " + ms(21) +
                            " " + ms(22) + "\nclock" + around(23) + " " + ms(23 + kEpochMs) + "\n";
  EXPECT_THAT(violated(lines + told("held", 30, 1)), IsEmpty());
  EXPECT_THAT(violated(lines + told("held", 30, 0)), ElementsAre("accounting"));
  const std::string memory = "queue 0 q durability=memory\n";
  EXPECT_THAT(violated(memory + lines + told("held", 30, 0)), IsEmpty());
}

TEST(HistoryAccounting, WhatNobodySawMayBeHeld) {
  const std::string lines = "limit 0 0 l concurrency=5 queues=q\n" + put(1, "a");
  EXPECT_THAT(violated(lines + told("held", 30, 1)), ElementsAre("accounting"));
  EXPECT_THAT(violated(lines + "dequeue" + around(20) + " info q\n" + told("held", 30, 1)),
              IsEmpty());
}

TEST(HistoryAccounting, ANackGivesNoUnitsBack) {
  const std::string lines = "limit 0 0 l gcra=1/100000000 burst=4 queues=q\n" + put(1, "a") +
                            deliver(10, "a") + "nack" + around(12) + " ok a.1 delay=0\n";
  EXPECT_THAT(violated(lines + told("left", 20, 3) + told("left", 115, 4)), IsEmpty());
  EXPECT_THAT(violated(lines + told("left", 20, 4)), ElementsAre("accounting"));
}

TEST(HistoryAccounting, WhatWasNeverDeliveredIsNotCharged) {
  const std::string lines =
      "limit 0 0 l gcra=1/100000000 burst=4 queues=q\n" + put(1, "a") + put(2, "b", "ttl=5");
  EXPECT_THAT(violated(lines + deliver(10, "a") + told("left", 20, 3)), IsEmpty());
  EXPECT_THAT(violated(lines + deliver(10, "a") + told("left", 20, 2)), ElementsAre("accounting"));
}

TEST(HistoryAccounting, AFixedWindowTellsOfItselfOnly) {
  const std::string lines = "limit 0 0 l fixed=4/100000000 queues=q\n" + put(1, "a") + put(2, "b") +
                            deliver(90, "a") + deliver(110, "b");
  EXPECT_THAT(violated(lines + told("left", 95, 3) + told("left", 120, 3)), IsEmpty());
  EXPECT_THAT(violated(lines + told("left", 120, 4)), ElementsAre("accounting"));
  EXPECT_THAT(violated(lines + told("left", 120, 2)), ElementsAre("accounting"));
}

// The bounds of a told level hold for every choice of instants within the intervals, and are
// tight where the instants are known.
TEST(HistoryAccounting, BoundsHoldWhateverTheInstantsWere) {
  base::Random random(11);
  int wrong = 0;
  for (int round = 0; round < 300; ++round) {
    std::string lines = "limit 0 0 l gcra=1/10 burst=1000\n";
    std::vector<Instant> at;
    const int64_t width = round % 2 == 0 ? 1 : 30;
    for (int i = 0; i < 10; ++i) {
      const auto from = static_cast<Instant>(random.below(100));
      const auto to = from + static_cast<Instant>(random.below(static_cast<uint64_t>(width)));
      const auto span = static_cast<uint64_t>(to - from + 1);
      at.push_back(from + static_cast<Instant>(random.below(span)));
      lines += "check " + std::to_string(from) + " " + std::to_string(to) + " ok l *\n";
    }
    std::sort(at.begin(), at.end());
    const auto now = static_cast<Instant>(random.below(150));
    int64_t level = 0;  // In tenths.
    Instant before = 0;
    for (const Instant one : at) {
      if (one > now) break;
      level = std::max<int64_t>(0, level - (one - before)) + 10;
      before = one;
    }
    level = std::max<int64_t>(0, level - (now - before));
    const int64_t left = (10'000 - level) / 10;
    const std::string sample = "left " + std::to_string(now) + " " + std::to_string(now) + " l * ";
    EXPECT_THAT(violated(lines + sample + std::to_string(left) + "\n"), IsEmpty())
        << lines << sample << left;
    wrong += !violated(lines + sample + std::to_string(left + 1) + "\n").empty();
    wrong += !violated(lines + sample + std::to_string(left - 1) + "\n").empty();
  }
  EXPECT_GT(wrong, 250);
}

TEST(HistoryTally, BoundsWhatHappenedAndWhatIsOpen) {
  Tally tally;
  tally.add({10, 20}, 2);
  tally.add({15, 16}, 3);
  tally.add({40, 50}, 5);
  tally.sort();
  EXPECT_EQ(tally.most(0, 9), 0);
  EXPECT_EQ(tally.most(0, 10), 2);
  EXPECT_EQ(tally.most(17, 45), 7);
  EXPECT_EQ(tally.least(10, 20), 5);
  EXPECT_EQ(tally.least(14, 17), 1) << "2 may have happened before: no more than a bound";
  EXPECT_EQ(tally.least(0, 60), 10);
  EXPECT_EQ(tally.open_least(15, 16), 5);
  EXPECT_EQ(tally.open_least(15, 17), 2);
  EXPECT_EQ(tally.open_most(21, 39), 0);
}

}  // namespace
}  // namespace history
