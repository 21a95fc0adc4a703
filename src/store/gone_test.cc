// The store gone or slow: who decides, how long that takes, and how it comes back.
#include "store/gone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/test_store.h"

namespace store {
namespace {

using limiter::DecidedBy;
using limiter::gcra;
using limiter::LimitSpec;
using limiter::named;
using limiter::node;
using limiter::WhenGone;
using limiter::window;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

LimitSpec gone(WhenGone when, LimitSpec spec) {
  spec.when_gone = when;
  return spec;
}

Options short_options(uint16_t port) {
  Options options = test_options(port);
  options.deadline = milliseconds(25);
  options.breaker_failures = 3;
  options.breaker_min = milliseconds(50);
  options.breaker_max = milliseconds(200);
  return options;
}

std::vector<limiter::NodeSpec> three_ways() {
  return {node("refuse", "", {gone(WhenGone::kRefuse, gcra(100, seconds(1), 100))}),
          node("allow", "", {gone(WhenGone::kAllow, gcra(1, hours(1), 1))}),
          node("local", "", {gone(WhenGone::kLocal, window(8, hours(1)))})};
}

TEST(Gone, EachLimitSaysWhatHappensAndNobodyWaitsLonger) {
  redis_bed::TestServer server;
  Options options = short_options(server.port());
  options.instances = 4;
  options.presence = hours(1);
  Instance a(options, three_ways());
  a.wait_until_up();
  const Path refuse{{{"refuse", "x"}}}, allow{{{"allow", "x"}}}, local{{{"local", "x"}}};
  const Path mixed{{{"allow", "x"}}, {{"local", "y"}}};
  ASSERT_TRUE(redis_bed::wait_until([&] { return a.decide(refuse).by == DecidedBy::kStore; }));
  server.pause();
  int64_t local_allowed = 0;
  for (int i = 0; i < 12; ++i) {
    const base::Time asked = a.clock.now();
    const Said refused = a.decide(refuse);
    const Said let = a.decide(allow);
    const Said here = a.decide(local);
    EXPECT_LT(a.clock.now() - asked, milliseconds(3 * 25 + 60));
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.by, DecidedBy::kRefuse);
    EXPECT_EQ(refused.limited_by, "refuse");
    EXPECT_GT(refused.numbers.retry_after.count(), 0);
    EXPECT_TRUE(let.allowed);
    EXPECT_EQ(let.by, DecidedBy::kAllow);
    EXPECT_EQ(here.by, DecidedBy::kLocal);
    local_allowed += here.allowed;
  }
  EXPECT_EQ(local_allowed, 8 / a.common.instances());
  EXPECT_EQ(a.decide(mixed).by, DecidedBy::kLocal);
  EXPECT_FALSE(a.common.up());
  EXPECT_EQ(a.reserve(refuse, 1).error().code, base::Code::kIo);
  server.go_on();
  EXPECT_TRUE(redis_bed::wait_until([&] { return a.decide(refuse).by == DecidedBy::kStore; }));
  EXPECT_TRUE(a.common.up());
}

TEST(Gone, WhileTheBreakerIsOpenAnAnswerTakesNoTime) {
  redis_bed::TestServer server;
  Options options = short_options(server.port());
  options.breaker_min = options.breaker_max = seconds(30);
  Instance a(options, three_ways());
  a.wait_until_up();
  const Path path{{{"local", "x"}}};
  server.pause();
  while (a.common.up()) ASSERT_EQ(a.decide(path).by, DecidedBy::kLocal);
  const base::Time start = a.clock.now();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(a.decide(path).by, DecidedBy::kLocal);
  EXPECT_LT(a.clock.now() - start, milliseconds(25 * 10));
  server.go_on();
}

TEST(Gone, AStoreThatIsNotThereYetIsFound) {
  redis_bed::TestServer server;
  server.kill();
  Instance a(short_options(server.port()), three_ways());
  const Path path{{{"local", "x"}}};
  EXPECT_EQ(a.decide(path).by, DecidedBy::kLocal);
  EXPECT_FALSE(a.common.up());
  server.start();
  EXPECT_TRUE(redis_bed::wait_until([&] { return a.decide(path).by == DecidedBy::kStore; }));
  server.kill();
  EXPECT_TRUE(redis_bed::wait_until([&] { return a.decide(path).by == DecidedBy::kLocal; }));
  server.start();
  EXPECT_TRUE(redis_bed::wait_until([&] { return a.decide(path).by == DecidedBy::kStore; }));
}

TEST(Gone, AStoreThatAnswersWithErrorsIsGone) {
  redis_bed::TestServer server({"--maxmemory", "1", "--maxmemory-policy", "noeviction"});
  Instance a(short_options(server.port()), three_ways());
  a.wait_until_up();
  for (int i = 0; i < 9; ++i) EXPECT_EQ(a.decide(Path{{{"local", "x"}}}).by, DecidedBy::kLocal);
  EXPECT_FALSE(a.common.up());
  server.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(redis_bed::wait_until([&] {
    return a.decide(Path{{{"local", "x"}}}).by == DecidedBy::kStore;
  }));
}

TEST(Gone, SharesKeepRatesTogether) {
  const limiter::Law gcra_law = limit::Gcra::make({7, seconds(1)}, 10).value();
  const auto share = std::get<limit::Gcra>(share_of(gcra_law, 3));
  EXPECT_EQ(share.burst(), 3);
  EXPECT_EQ(share.rate().count * 3 * base::Duration(seconds(1)).count(),
            7 * share.rate().period.count());  // A third of the rate, exactly.
  const limiter::Law small = limit::FixedWindow::make({2, seconds(1)}).value();
  EXPECT_EQ(std::get<limit::FixedWindow>(share_of(small, 5)).count(), 1);
  const limiter::Law none = limit::FixedWindow::make({0, seconds(1)}).value();
  EXPECT_EQ(std::get<limit::FixedWindow>(share_of(none, 5)).count(), 0);
  const limiter::Law cap = limit::Concurrency::make(9, seconds(1)).value();
  EXPECT_EQ(std::get<limit::Concurrency>(share_of(cap, 2)).cap(), 4);
}

}  // namespace
}  // namespace store
