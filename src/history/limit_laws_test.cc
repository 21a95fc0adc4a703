#include <gmock/gmock.h>

#include "base/random.h"
#include "history/testing.h"

namespace history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Deliveries of one queue at these instants.
std::string delivered(const std::vector<int64_t>& instants, const std::string& more = "") {
  std::string lines;
  for (size_t i = 0; i < instants.size(); ++i) {
    const std::string name = "n" + std::to_string(i);
    lines += put(1, name, more) +
             deliver(instants[i], name, 1, 60'000, more.starts_with("key=") ? more : "");
  }
  return lines;
}

std::string checks(const std::vector<int64_t>& instants, const std::string& more = "") {
  std::string lines;
  for (const int64_t t : instants) lines += line("check" + around(t) + " ok l * " + more);
  return lines;
}

const std::string kGcra = "limit 0 0 l gcra=1/100000000 burst=2 queues=q\n";  // One in 100 ms.

TEST(HistoryRate, GcraHoldsOverEveryInterval) {
  EXPECT_THAT(violated(kGcra + delivered({10, 10, 110, 210})), IsEmpty());
  EXPECT_THAT(violated(kGcra + delivered({10, 10, 109})), ElementsAre("rate"));
  EXPECT_THAT(violated(kGcra + delivered({10, 150, 300, 450, 600, 600, 601})), ElementsAre("rate"));
  EXPECT_THAT(violated(kGcra + delivered({10, 11}, "cost=2")), ElementsAre("rate"));
  EXPECT_THAT(violated("limit 0 0 l gcra=1/100000000 burst=2 queues=q counts=requests\n" +
                       delivered({10, 11}, "cost=2")),
              IsEmpty());
}

TEST(HistoryRate, EachKeyQueueOrTagHasACountOfItsOwn) {
  const std::string by_key = "limit 0 0 l gcra=1/100000000 burst=1 by=key queues=q\n";
  const auto at = [](int64_t t, const std::string& name, const std::string& key) {
    return put(1, name, "key=" + key) + deliver(t, name, 1, 1000, "key=" + key);
  };
  EXPECT_THAT(violated(by_key + at(10, "a", "k") + at(10, "b", "j")), IsEmpty());
  EXPECT_THAT(violated(by_key + at(10, "a", "k") + at(10, "b", "k")), ElementsAre("rate"));
  EXPECT_THAT(violated(by_key + delivered({10, 10})), IsEmpty());  // No key: not limited.
  const std::string by_tag = "limit 0 0 l gcra=1/100000000 burst=1 by=tag queues=q\n";
  EXPECT_THAT(violated(by_tag + delivered({10, 10}, "tag=t")), ElementsAre("rate"));
  EXPECT_THAT(violated("limit 0 0 l gcra=1/100000000 burst=1 by=queue queues=other\n" +
                       delivered({10, 10})),
              IsEmpty());
}

TEST(HistoryRate, OnlyADurableLimitCountsOverAKill) {
  const std::string lives =
      delivered({10, 20, 60, 70}) + "kill " + ms(30) + "\nstart " + ms(31) + " " + ms(50) + "\n";
  EXPECT_THAT(violated(kGcra + lives), IsEmpty());
  EXPECT_THAT(violated("limit 0 0 l gcra=1/100000000 burst=2 queues=q durable=1\n" + lives),
              ElementsAre("rate"));
}

TEST(HistoryRate, AChangedLimitCountsFromItsChangeOn) {
  const std::string changed =
      kGcra + "limit 300000000 301000000 l gcra=1/10000000 burst=9 queues=q\n";
  EXPECT_THAT(violated(changed + delivered({10, 10, 400, 400, 400, 400, 410})), IsEmpty());
  EXPECT_THAT(violated(changed + delivered({10, 10, 10})), ElementsAre("rate"));
}

TEST(HistoryRate, ChecksAndDeliveriesShareALimit) {
  EXPECT_THAT(violated(kGcra + delivered({10, 110}) + checks({210})), IsEmpty());
  EXPECT_THAT(violated(kGcra + delivered({10, 12}) + checks({20})), ElementsAre("rate"));
  EXPECT_THAT(violated(kGcra + delivered({10}) + checks({20}, "cost=2")), ElementsAre("rate"));
}

TEST(HistoryRate, ARefusedCheckAndOneWithoutAnAnswerCountNothing) {
  const std::string limit = "limit 0 0 l gcra=1/100000000 burst=1\n";
  EXPECT_THAT(violated(limit + checks({10}) + "check" + around(11) + " fail l *\ncheck" +
                       around(12) + " info l *\n"),
              IsEmpty());
  EXPECT_THAT(violated(limit + checks({10, 12})), ElementsAre("rate"));
}

TEST(HistoryRate, ALongCheckMayHaveHappenedAtAnyTimeOfIt) {
  const std::string limit = "limit 0 0 l gcra=1/100000000 burst=1\n";
  const std::string slow = "check 1000000 300000000 ok l *\n";  // Around all of those below.
  EXPECT_THAT(violated(limit + slow + checks({100, 200})), IsEmpty());
  EXPECT_THAT(violated(limit + slow + checks({100, 200, 290})), ElementsAre("rate"));
  EXPECT_THAT(violated(limit + slow + checks({100, 200, 250})), ElementsAre("rate"));
}

// The nested and the ordered judgement, and a plain one over all pairs, agree.
TEST(HistoryRate, NestedIntervalsAreJudgedAsAllPairsAre) {
  base::Random random(7);
  int broken = 0;
  for (int round = 0; round < 400; ++round) {
    std::string lines = "limit 0 0 l gcra=1/10 burst=3\n";
    std::vector<Span> spans;
    for (int i = 0; i < 12; ++i) {
      const auto from = static_cast<Instant>(random.below(90));
      const auto to = from + static_cast<Instant>(random.below(round % 2 == 0 ? 1 : 40));
      spans.push_back({from, to});
      lines += "check " + std::to_string(from) + " " + std::to_string(to) + " ok l *\n";
    }
    bool over = false;
    for (const Span& a : spans) {
      for (const Span& b : spans) {
        int64_t inside = 0;
        for (const Span& one : spans) inside += one.from >= a.from && one.to <= b.to;
        over |= inside > 0 && (inside - 3) * 10 > b.to - a.from;
      }
    }
    broken += over;
    EXPECT_EQ(violated(lines).empty(), !over) << lines;
  }
  EXPECT_GT(broken, 50);
  EXPECT_LT(broken, 350);
}

TEST(HistoryRate, ASlidingWindowHoldsNeverMore) {
  const std::string limit = "limit 0 0 l sliding=2/100000000 queues=q\n";
  EXPECT_THAT(violated(limit + delivered({10, 20, 110, 120})), IsEmpty());
  EXPECT_THAT(violated(limit + delivered({10, 20, 109})), ElementsAre("rate"));
}

TEST(HistoryRate, AFixedWindowBeginsAtWholeMultiples) {
  const std::string limit = "limit 0 0 l fixed=2/100000000 queues=q\n";
  EXPECT_THAT(violated(limit + delivered({90, 95, 105, 110})), IsEmpty());
  EXPECT_THAT(violated(limit + delivered({105, 110, 190})), ElementsAre("rate"));
}

TEST(HistoryConcurrency, NoMoreAreHeldThanTheCap) {
  const std::string limit = "limit 0 0 l concurrency=2 queues=q\n";
  EXPECT_THAT(violated(limit + delivered({10, 20})), IsEmpty());
  EXPECT_THAT(violated(limit + delivered({10, 20, 30})), ElementsAre("concurrency"));
  EXPECT_THAT(violated(limit + delivered({10, 20, 30}) + ack(25, "n0.1")), IsEmpty());
  EXPECT_THAT(violated(limit + delivered({10, 20, 30}) + "remove" + around(25) + " ok mn0\n"),
              IsEmpty());
  EXPECT_THAT(violated(limit + delivered({10, 20, 30}) + ack(25, "n0.1", "fail")),
              ElementsAre("concurrency"));
}

TEST(HistoryConcurrency, AHoldEndsWithItsLeaseAndOutlivesAKill) {
  const std::string limit = "limit 0 0 l concurrency=1 queues=q\n" + put(1, "a") + put(2, "b");
  EXPECT_THAT(violated(limit + deliver(10, "a", 1, 50) + deliver(61, "b")), IsEmpty());
  const std::string kill = "kill " + ms(20) + "\nstart " + ms(21) + " " + ms(22) + "\n";
  EXPECT_THAT(violated(limit + deliver(10, "a", 1, 50) + kill + deliver(40, "b")),
              ElementsAre("concurrency"));
}

TEST(HistoryConcurrency, ALoweredCapCountsForTheNextDelivery) {
  const std::string limit =
      "limit 0 0 l concurrency=3 queues=q\nlimit 50000000 51000000 l concurrency=1 queues=q\n";
  EXPECT_THAT(violated(limit + delivered({10, 20, 30})), IsEmpty());
  EXPECT_THAT(violated(limit + delivered({10, 60})), ElementsAre("concurrency"));
}

TEST(HistoryUtilisation, ABusyLimitGivesWhatItMay) {
  std::string lines = "limit 0 0 l gcra=100/1000000000 burst=1 queues=q\n";
  std::vector<int64_t> all, fewer;
  for (int64_t t = 10; t <= 3010; t += 10) {
    all.push_back(t);
    if (t % 150 != 0) fewer.push_back(t);
  }
  lines += "busy 10000000 3010000000 l *\n";
  EXPECT_THAT(violated(lines + delivered(all)), IsEmpty());
  EXPECT_THAT(violated(lines + delivered(fewer)), ElementsAre("utilisation"));
}

// Keys served in this order, 10 ms apart, all of them with work from 0 to 1000.
std::string served(const std::string& order, int weight_of_a) {
  std::string lines = "backlog 0 1000000000 q a weight=" + std::to_string(weight_of_a) +
                      "\nbacklog 0 1000000000 q b\n";
  int64_t t = 0;
  for (const char key : order) {
    t += 10;
    const std::string name = "n" + std::to_string(t);
    const std::string of_key = std::string("key=") + key;
    lines += put(1, name, of_key) + deliver(t, name, 1, 1000, of_key);
  }
  return lines;
}

TEST(HistoryFairness, KeysWithWorkTakeTurnsByWeight) {
  EXPECT_THAT(violated(served("abababab", 1)), IsEmpty());
  EXPECT_THAT(violated(served("aabbab", 1)), IsEmpty());
  EXPECT_THAT(violated(served("aaaabbbb", 1)), ElementsAre("fairness"));
  EXPECT_THAT(violated(served("aaabaaab", 3)), IsEmpty());
  EXPECT_THAT(violated(served("abababab", 3)), ElementsAre("fairness"));
}

TEST(HistoryRate, SeveralNodesMayBeOverByTheirExcessAndNoMore) {
  const std::string gcra = "limit 0 0 l gcra=1/100000000 burst=2 excess=2\n";
  EXPECT_THAT(violated(gcra + checks({10, 11, 12, 13})), IsEmpty());
  EXPECT_THAT(violated(gcra + checks({10, 11, 12, 13, 14})), ElementsAre("rate"));
  const std::string sliding = "limit 0 0 l sliding=2/100000000 excess=1\n";
  EXPECT_THAT(violated(sliding + checks({10, 11, 12})), IsEmpty());
  EXPECT_THAT(violated(sliding + checks({10, 11, 12, 13})), ElementsAre("rate"));
  const std::string fixed = "limit 0 0 l fixed=2/100000000 excess=1 queues=q\n";
  EXPECT_THAT(violated(fixed + delivered({5, 6, 7})), IsEmpty());
  EXPECT_THAT(violated(fixed + delivered({5, 6, 7, 8})), ElementsAre("rate"));
}

TEST(HistoryRate, AMessageMustBeLetGoByAllItsLimits) {
  const std::string wide = "limit 0 0 wide gcra=1/1000 burst=100 queues=q\n";
  EXPECT_THAT(violated(wide + delivered({10, 11, 12})), IsEmpty());
  EXPECT_THAT(violated(wide + kGcra + delivered({10, 11, 12, 13})), ElementsAre("rate"));
}

// A nack gives no units back: a redelivery is charged as a delivery.
TEST(HistoryRate, ARedeliveryIsChargedToo) {
  const std::string lines = "limit 0 0 l gcra=1/100000000 burst=1 queues=q\n" + put(1, "a");
  const std::string nack = "nack" + around(12) + " ok a.1 delay=0\n";
  EXPECT_THAT(violated(lines + deliver(10, "a") + nack + deliver(115, "a", 2)), IsEmpty());
  EXPECT_THAT(violated(lines + deliver(10, "a") + nack + deliver(50, "a", 2)), ElementsAre("rate"));
}

}  // namespace
}  // namespace history
