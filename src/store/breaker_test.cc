#include "store/breaker.h"

#include <gtest/gtest.h>

namespace store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Breaker::Options kOptions{
    .failures = 3, .pause_min = milliseconds(100), .pause_max = seconds(1), .seed = 7};

base::Time at(base::Duration since) { return base::time_from(1'000'000'000) + since; }

void fail(Breaker& breaker, int times, base::Time now) {
  for (int i = 0; i < times; ++i) {
    ASSERT_TRUE(breaker.enter(now));
    breaker.failed(now);
  }
}

TEST(Breaker, OpensAfterSoManyFailuresInARow) {
  Breaker breaker(kOptions);
  fail(breaker, 2, at({}));
  breaker.succeeded();
  fail(breaker, 2, at({}));
  EXPECT_TRUE(breaker.closed());
  fail(breaker, 1, at({}));
  EXPECT_FALSE(breaker.closed());
  EXPECT_FALSE(breaker.enter(at(milliseconds(74))));
  EXPECT_EQ(breaker.opened(), 1u);
}

TEST(Breaker, OneCallAtATimeTries) {
  Breaker breaker(kOptions);
  fail(breaker, 3, at({}));
  EXPECT_TRUE(breaker.would_enter(at(milliseconds(101))));
  EXPECT_TRUE(breaker.enter(at(milliseconds(101))));
  EXPECT_FALSE(breaker.enter(at(milliseconds(101))));
  EXPECT_FALSE(breaker.would_enter(at(milliseconds(200))));
  EXPECT_TRUE(breaker.would_enter(at(milliseconds(201))));  // Whoever tried has vanished.
  breaker.succeeded();
  EXPECT_TRUE(breaker.closed());
  EXPECT_TRUE(breaker.enter(at(milliseconds(102))));
}

TEST(Breaker, PausesDoubleUpToTheirBoundWithJitter) {
  Breaker breaker(kOptions);
  fail(breaker, 3, at({}));
  base::Time now = at({});
  base::Duration pause = kOptions.pause_min;
  for (int i = 0; i < 8; ++i) {
    const base::Duration wait = breaker.opens_at() - now;
    EXPECT_LE(wait, pause);
    EXPECT_GE(wait, pause * 3 / 4 - milliseconds(1));
    now = breaker.opens_at();
    ASSERT_TRUE(breaker.enter(now));
    breaker.failed(now);
    pause = std::min<base::Duration>(2 * pause, kOptions.pause_max);
  }
  breaker.succeeded();  // Of a call made before it opened: says nothing about now.
  EXPECT_FALSE(breaker.closed());
}

TEST(Breaker, CallsThatFailTogetherOpenItOnce) {
  Breaker breaker(kOptions);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(breaker.enter(at({})));
  for (int i = 0; i < 10; ++i) breaker.failed(at({}));
  EXPECT_EQ(breaker.opened(), 1u);
}

}  // namespace
}  // namespace store
