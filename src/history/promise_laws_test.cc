// Histories with promises of a quick delivery.
#include "history/testing.h"

namespace history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HistoryRecovery, TheFirstDeliveryBehindAStartIsInTime) {
  const std::string start = "start " + ms(20) + " " + ms(25) + " within=50\n";
  const std::string lines = put(1, "a") + "kill " + ms(10) + "\n" + start;
  EXPECT_THAT(violated(lines + deliver(60, "a")), IsEmpty());
  EXPECT_THAT(violated(lines + deliver(80, "a")), ElementsAre("recovery"));
  EXPECT_THAT(violated(lines), ElementsAre("recovery"));
}

TEST(HistoryWake, ARaisedLimitWakesWhoeverWaits) {
  const std::string raised =
      "limit 0 0 l gcra=1/1000000000 burst=1 queues=q\n"
      "limit 30000000 31000000 l gcra=1/1000000 burst=9 queues=q\nwake 31000000 q within=20\n";
  const std::string lines = raised + put(1, "a") + put(2, "b") + deliver(10, "a");
  EXPECT_THAT(violated(lines + deliver(40, "b")), IsEmpty());
  EXPECT_THAT(violated(lines + deliver(60, "b")), ElementsAre("wake"));
  const std::string other = "wake 31000000 other within=20\n";
  EXPECT_THAT(violated(lines + other + deliver(40, "b")), ElementsAre("wake"));
}

// An eligible message of a key that no limit holds up passes those of keys that one does.
TEST(HistoryInstants, BlockedMessagesThatAreOlderHoldNobodyUp) {
  std::string lines = "limit 0 0 l gcra=1/1000000000 burst=1 by=key queues=q\n";
  for (int i = 0; i < 20; ++i) lines += put(1 + i, "n" + std::to_string(i), "key=blocked");
  lines += deliver(30, "n0", 1, 1000, "key=blocked") + put(40, "free", "key=free within=50");
  EXPECT_THAT(violated(lines + deliver(60, "free", 1, 1000, "key=free")), IsEmpty());
  EXPECT_THAT(violated(lines + deliver(95, "free", 1, 1000, "key=free")), ElementsAre("late"));
}

}  // namespace
}  // namespace history
