#include "history/testing.h"

namespace history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HistoryOrder, OneKeyGoesInTheOrderOfItsEnqueues) {
  const std::string two = put(1, "a", "key=k") + put(3, "b", "key=k");
  const auto seen = [](int64_t a, int64_t b) {
    return deliver(a, "a", 1, 1000, "key=k") + deliver(b, "b", 1, 1000, "key=k");
  };
  EXPECT_THAT(violated(two + seen(10, 20)), IsEmpty());
  EXPECT_THAT(violated(two + seen(20, 10)), ElementsAre("order"));
}

TEST(HistoryOrder, EnqueuesThatOverlapMayGoEitherWay) {
  EXPECT_THAT(violated("enqueue 1000000 5000000 ok q a id=ma\nenqueue 2000000 4000000 ok q b "
                       "id=mb\n" +
                       deliver(20, "a") + deliver(10, "b")),
              IsEmpty());
}

TEST(HistoryOrder, KeysTagsPrioritiesAndDelaysAreApart) {
  const auto swapped = [](const std::string& first, const std::string& second) {
    return put(1, "a", first) + put(3, "b", second) +
           deliver(20, "a", 1, 1000, first.starts_with("key") ? first : "") +
           deliver(10, "b", 1, 1000, second.starts_with("key") ? second : "");
  };
  EXPECT_THAT(violated(swapped("key=k", "key=j")), IsEmpty());
  EXPECT_THAT(violated(swapped("tag=k", "tag=j")), IsEmpty());
  EXPECT_THAT(violated(swapped("priority=5", "priority=1")), IsEmpty());
  EXPECT_THAT(violated(swapped("delay=2", "priority=1024")), IsEmpty());
  EXPECT_THAT(violated(swapped("priority=5", "priority=5")), ElementsAre("order"));
}

TEST(HistoryOrder, ARedeliveryHasNoOrder) {
  EXPECT_THAT(violated(put(1, "a") + put(3, "b") + deliver(5, "a", 1, 10) + deliver(10, "b") +
                       deliver(20, "a", 2)),
              IsEmpty());
}

TEST(HistoryOrder, ASwapFarApartIsFound) {
  std::string lines;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "n" + std::to_string(i);
    lines += put(1 + 2 * i, name) + deliver(i == 7 ? 900 : 500 + i, name);
  }
  EXPECT_THAT(violated(lines), ElementsAre("order"));
}

// Two of a key, the first in flight from 10 to 20.
std::string strict(int64_t second, int in_flight) {
  return "queue 0 q in_flight_per_key=" + std::to_string(in_flight) + "\n" + put(1, "a", "key=k") +
         put(3, "b", "key=k") + deliver(10, "a", 1, 1000, "key=k") + ack(20, "a.1") +
         deliver(second, "b", 1, 1000, "key=k");
}

TEST(HistoryStrict, OneInFlightMeansTheFirstIsFinishedFirst) {
  EXPECT_THAT(violated(strict(25, 1)), IsEmpty());
  EXPECT_THAT(violated(strict(15, 1)), ElementsAre("strict"));
  EXPECT_THAT(violated(strict(15, 2)), IsEmpty());
}

TEST(HistoryStrict, ANackedMessageKeepsItsPlace) {
  const std::string lines = "queue 0 q in_flight_per_key=1\n" + put(1, "a", "key=k") +
                            put(3, "b", "key=k") + deliver(10, "a", 1, 1000, "key=k") + "nack" +
                            around(12) + " ok a.1 delay=5\n";
  EXPECT_THAT(violated(lines + deliver(18, "a", 2, 1000, "key=k") + ack(19, "a.2") +
                       deliver(20, "b", 1, 1000, "key=k")),
              IsEmpty());
  EXPECT_THAT(violated(lines + deliver(14, "b", 1, 1000, "key=k") + ack(15, "b.1") +
                       deliver(18, "a", 2, 1000, "key=k")),
              ElementsAre("strict"));
}

TEST(HistoryStrict, MoreOfAKeyThanItsCapIsFound) {
  std::string lines = "queue 0 q in_flight_per_key=2\n";
  for (const char* name : {"a", "b", "c"}) lines += put(1, name, "key=k");
  for (const char* name : {"a", "b"}) lines += deliver(5, name, 1, 1000, "key=k");
  EXPECT_THAT(violated(lines), IsEmpty());
  EXPECT_THAT(violated(lines + deliver(7, "c", 1, 1000, "key=k")), ElementsAre("strict"));
  EXPECT_THAT(violated(lines + deliver(7, "c", 1, 1000, "key=k") + ack(6, "a.1")), IsEmpty());
}

}  // namespace
}  // namespace history
