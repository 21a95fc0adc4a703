#include "metric/metric.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <memory>
#include <thread>

namespace metric {
namespace {

using testing::HasSubstr;

void run_threads(unsigned n, auto&& body) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < n; ++i) threads.emplace_back(body);
  for (auto& thread : threads) thread.join();
}

TEST(Counter, LosesNothingBetweenThreads) {
  Counter counter;
  run_threads(4, [&] {
    for (int i = 0; i < 10'000; ++i) counter.add();
  });
  EXPECT_EQ(counter.value(), 40'000u);
}

TEST(Counter, ThreadsBeyondTheSlotsStillCount) {
  Counter counter;
  run_threads(kSlots + 5, [&] { counter.add(3); });
  EXPECT_EQ(counter.value(), 3u * (kSlots + 5));
}

TEST(Counter, NeighboursInAPageDoNotMix) {
  std::vector<std::unique_ptr<Counter>> counters;
  for (size_t i = 0; i < 20; ++i) {
    counters.push_back(std::make_unique<Counter>());
    counters.back()->add(i);
  }
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(counters[i]->value(), i);
}

TEST(Counter, ACellThatIsUsedAgainBeginsAtZero) {
  for (int life = 0; life < 100; ++life) {
    Counter counter;
    EXPECT_EQ(counter.value(), 0u);
    counter.add(7);
  }
}

TEST(Counter, CountersComeAndGoInManyThreads) {
  run_threads(4, [] {
    for (int i = 0; i < 1'000; ++i) {
      Counter counter;
      counter.add(2);
      EXPECT_EQ(counter.value(), 2u);
    }
  });
}

TEST(Gauge, IsSetAndMoved) {
  Gauge gauge;
  gauge.set(5);
  gauge.add(-7);
  EXPECT_EQ(gauge.value(), -2);
}

RC_GTEST_PROP(Histogram, AValueIsKnownToAnEighth, ()) {
  const auto shift = *rc::gen::inRange(0, 41);
  const auto value = *rc::gen::inRange<int64_t>(0, INT64_MAX) >> (63 - shift);
  const size_t bucket = Histogram::bucket_of(value);
  const int64_t top = Histogram::bucket_top(bucket);
  RC_ASSERT(bucket + 1 < Histogram::kBuckets);
  RC_ASSERT(top >= value);
  RC_ASSERT((top - value) * 8 <= value);
}

TEST(Histogram, BucketsMeetWithoutAGap) {
  for (size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    const int64_t top = Histogram::bucket_top(i);
    EXPECT_EQ(Histogram::bucket_of(top), i);
    EXPECT_EQ(Histogram::bucket_of(top + 1), i + 1);
  }
}

TEST(Histogram, TheEndsOfTheNumbersHaveTheirBuckets) {
  EXPECT_EQ(Histogram::bucket_of(INT64_MIN), 0u);
  EXPECT_EQ(Histogram::bucket_of(0), 0u);
  EXPECT_EQ(Histogram::bucket_of(INT64_MAX), Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::bucket_top(Histogram::kBuckets - 1), INT64_MAX);
}

TEST(Histogram, SnapshotHasWhatAllThreadsRecorded) {
  Histogram histogram;
  run_threads(4, [&] {
    for (int64_t i = 1; i <= 1'000; ++i) histogram.record(i);
  });
  histogram.record(-5);
  const Histogram::Snapshot shot = histogram.snapshot();
  EXPECT_EQ(shot.count, 4'001u);
  EXPECT_EQ(shot.sum, 4u * 500'500u);
  EXPECT_EQ(shot.at_most(0), 1u);
  EXPECT_EQ(shot.at_most(15), 61u);
  EXPECT_EQ(shot.at_most(INT64_MAX), 4'001u);
}

TEST(Histogram, QuantilesAreWithinAnEighthAbove) {
  Histogram histogram;
  EXPECT_EQ(histogram.snapshot().quantile(0.5), 0);
  for (int64_t i = 1; i <= 1'000; ++i) histogram.record(i);
  const Histogram::Snapshot shot = histogram.snapshot();
  EXPECT_EQ(shot.quantile(0), 1);
  EXPECT_GE(shot.quantile(0.5), 500);
  EXPECT_LE(shot.quantile(0.5), 563);
  EXPECT_GE(shot.quantile(1), 1'000);
  EXPECT_LE(shot.quantile(1), 1'125);
}

TEST(Families, RenderAsPrometheusText) {
  Families families;
  families.counter("ratelimmq_test_events_total", "Events.", {{"kind", "a\"b"}}, 3);
  families.gauge("ratelimmq_test_open", "Open now.", {}, 1.5);
  families.counter("ratelimmq_test_events_total", "Events.", {{"kind", "c"}}, 4);
  EXPECT_EQ(families.text(),
            "# HELP ratelimmq_test_events_total Events.\n"
            "# TYPE ratelimmq_test_events_total counter\n"
            "ratelimmq_test_events_total{kind=\"a\\\"b\"} 3\n"
            "ratelimmq_test_events_total{kind=\"c\"} 4\n"
            "# HELP ratelimmq_test_open Open now.\n"
            "# TYPE ratelimmq_test_open gauge\n"
            "ratelimmq_test_open 1.5\n");
}

TEST(Families, ALatencyHasBoundsFromAMicrosecondToTenSeconds) {
  Histogram histogram;
  for (const int64_t nanoseconds : {800, 2'000, 2'000, 3'000'000}) histogram.record(nanoseconds);
  histogram.record(20'000'000'000);
  Families families;
  families.histogram("ratelimmq_test_seconds", "Time.", {{"verb", "PING"}}, histogram, 1e9);
  const std::string text = families.text();
  EXPECT_THAT(text, HasSubstr("# TYPE ratelimmq_test_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{verb=\"PING\",le=\"1e-06\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{verb=\"PING\",le=\"2.5e-06\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{verb=\"PING\",le=\"0.0025\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{verb=\"PING\",le=\"0.005\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{verb=\"PING\",le=\"10\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{verb=\"PING\",le=\"+Inf\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("ratelimmq_test_seconds_count{verb=\"PING\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("ratelimmq_test_seconds_sum{verb=\"PING\"} 20.0030048\n"));
}

TEST(Families, OtherUnitsBeginAtOne) {
  Histogram histogram;
  for (const int64_t size : {1, 2, 3}) histogram.record(size);
  Families families;
  families.histogram("ratelimmq_test_batch_size", "Size.", {}, histogram, 1);
  const std::string text = families.text();
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"2.5\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"5\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"10000000\"} 3\n"));
}

}  // namespace
}  // namespace metric
