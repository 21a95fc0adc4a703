#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>

#include "store/test_store.h"

namespace store {
namespace {

using limiter::concurrency;
using limiter::DecidedBy;
using limiter::gcra;
using limiter::LimitSpec;
using limiter::named;
using limiter::node;
using limiter::window;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

LimitSpec log(int64_t count, base::Duration period) {
  LimitSpec spec;
  spec.algorithm = "sliding_window";
  spec.rate = {count, period};
  spec.law = limit::SlidingLog::make(spec.rate).value();
  return spec;
}

LimitSpec counter(int64_t count, base::Duration period) {
  LimitSpec spec;
  spec.algorithm = "sliding_counter";
  spec.rate = {count, period};
  spec.law = limit::SlidingCounter::make(spec.rate).value();
  return spec;
}

class StoreTest : public ::testing::Test {
 protected:
  int64_t script_calls() {
    std::istringstream lines(server.command({"INFO", "commandstats"}));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("cmdstat_evalsha:calls=")) return std::stol(line.substr(22));
    }
    return 0;
  }
  std::vector<std::string> keys() {
    std::vector<std::string> out;
    std::istringstream lines(server.command({"KEYS", "rl{d}*"}));
    for (std::string line; std::getline(lines, line);) out.push_back(line);
    return out;
  }

  redis_bed::TestServer server;
};

TEST_F(StoreTest, AsksOfOneRoundGoInOneCall) {
  Instance a(test_options(server.port()), {node("k", "", {gcra(10, seconds(1), 10)})});
  a.wait_until_up();
  ASSERT_TRUE(a.decide(Path{{{"k", "warm"}}}).allowed);
  const int64_t before = script_calls();
  const Path x{{{"k", "x"}}}, y{{{"k", "y"}}};
  std::vector<limiter::Ask> asks;
  for (int i = 0; i < 12; ++i) {
    asks.push_back({.domain = "d", .descriptors = x.get()});
    asks.push_back({.domain = "d", .descriptors = y.get(), .cost = 6});
  }
  const std::vector<Said> got = a.decide(asks);
  EXPECT_EQ(script_calls(), before + 1);
  int x_allowed = 0, y_allowed = 0;
  for (size_t i = 0; i < got.size(); i += 2) {
    x_allowed += got[i].allowed;
    y_allowed += got[i + 1].allowed;
  }
  EXPECT_EQ(x_allowed, 10);
  EXPECT_EQ(y_allowed, 1);
  EXPECT_EQ(got[0].numbers.remaining, 9);
  EXPECT_EQ(got[2].numbers.remaining, 8);
}

TEST_F(StoreTest, ARefusalChargesNothing) {
  Instance a(test_options(server.port()),
             {node("k", "", {gcra(1, hours(1), 5)}), node("scarce", "", {window(1, hours(1))})});
  a.wait_until_up();
  const Path both{{{"k", "x"}}, {{"scarce", "y"}}};
  EXPECT_TRUE(a.decide(both).allowed);
  for (int i = 0; i < 5; ++i) {
    const Said refused = a.decide(both);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.limited_by, "scarce");
  }
  EXPECT_EQ(a.decide(Path{{{"k", "x"}}}, 0).numbers.remaining, 4);
}

TEST_F(StoreTest, UnknownDomainsAndAsksThatMeetNothingAreTold) {
  Instance a(test_options(server.port()), {node("k", "", {gcra(1, seconds(1), 1)})});
  a.wait_until_up();
  const Path path{{{"other", "x"}}};
  EXPECT_FALSE(a.decide(limiter::Ask{.domain = "no", .descriptors = path.get()}).known_domain);
  const Said none = a.decide(path);
  EXPECT_TRUE(none.allowed && !none.matched);
}

TEST_F(StoreTest, EveryKeyExpiresByItselfAndNoneEarly) {
  Instance a(
      test_options(server.port()),
      {node("k", "",
            {named("a", gcra(10, seconds(1), 10)), named("b", window(50, milliseconds(1900))),
             named("c", counter(50, milliseconds(900))), named("d", log(50, milliseconds(1000))),
             named("e", concurrency(5))}),
       node("g", "", {gcra(10, seconds(1), 10)})});
  a.wait_until_up();
  const Path path{{{"k", "x"}}};
  ASSERT_TRUE(a.decide(path, 10).allowed);
  ASSERT_TRUE(a.acquire(Path{{{"k", "y"}}}, milliseconds(1000)));
  ASSERT_TRUE(a.reserve(Path{{{"k", "z"}}}, 2, milliseconds(1000)));
  ASSERT_TRUE(a.block(Path{{{"k", "w"}}}, milliseconds(1000)));
  const std::vector<std::string> all = keys();
  EXPECT_GE(all.size(), 8u);
  for (const std::string& key : all) {
    const long left = std::stol(server.command({"PTTL", key}));
    EXPECT_NE(left, -1) << key;  // Lives for ever. (-2: it is gone already.)
    EXPECT_LE(left, 2000) << key;
  }
  // A key that vanished before it is idle would let its burst go again.
  int64_t admitted = 0;
  const base::Time start = a.clock.now();
  while (a.clock.now() - start < milliseconds(900))
    admitted += a.decide(Path{{{"g", "x"}}}).allowed;
  const double span = std::chrono::duration<double>(a.clock.now() - start).count();
  EXPECT_LE(static_cast<double>(admitted), 10 + 10 * span);
  EXPECT_TRUE(redis_bed::wait_until([&] { return keys().empty(); }, seconds(5)));
}

TEST_F(StoreTest, WhatWasUsedStaysUsedWhenALimitChanges) {
  Instance a(test_options(server.port()), {node("k", "", {named("n", gcra(10, hours(1), 10))})});
  a.wait_until_up();
  const Path path{{{"k", "x"}}};
  const auto left = [&] {
    return a.decide({.domain = "d", .descriptors = path.get(), .cost = 0, .dry_run = true})
        .numbers.remaining;
  };
  ASSERT_TRUE(a.decide(path, 4).allowed);
  a.reload({node("k", "", {named("n", gcra(100, hours(1), 50))})});
  EXPECT_EQ(left(), 46);
  ASSERT_TRUE(a.decide(path, 6).allowed);
  a.reload({node("k", "", {named("n", window(20, hours(1)))})});
  EXPECT_EQ(left(), 10);
  ASSERT_TRUE(a.decide(path, 5).allowed);
  a.reload({node("k", "", {named("n", log(30, hours(2)))})});
  EXPECT_EQ(left(), 15);
  ASSERT_TRUE(a.decide(path, 1).allowed);
  a.reload({node("k", "", {named("n", log(30, hours(3)))})});
  EXPECT_EQ(left(), 14);
  ASSERT_TRUE(a.decide(path, 1).allowed);
  a.reload({node("k", "", {named("n", counter(40, hours(1000)))})});
  EXPECT_EQ(left(), 23);
  ASSERT_TRUE(a.decide(path, 1).allowed);
  a.reload({node("k", "", {named("n", counter(40, hours(1)))})});
  EXPECT_EQ(left(), 22);
  ASSERT_TRUE(a.decide(path, 2).allowed);
  a.reload({node("k", "", {named("n", gcra(60, hours(1), 60))})});
  EXPECT_EQ(left(), 40);
}

TEST_F(StoreTest, ARefusalIsRememberedUntilItsUnitsMayBeFree) {
  Instance a(test_options(server.port()), {node("k", "", {gcra(1, milliseconds(300), 2)})});
  a.wait_until_up();
  const Path path{{{"k", "x"}}};
  const base::Time charged = a.clock.now();
  ASSERT_TRUE(a.decide(path, 2).allowed);
  ASSERT_FALSE(a.decide(path).allowed);
  const int64_t before = script_calls();
  Said last;
  while (!(last = a.decide(path)).allowed) {
    EXPECT_EQ(last.by, DecidedBy::kStore);
    EXPECT_GT(last.numbers.retry_after.count(), 0);
    EXPECT_LE(last.numbers.retry_after, milliseconds(300));
    if (a.clock.now() - charged < milliseconds(200)) {
      EXPECT_EQ(script_calls(), before);
      EXPECT_FALSE(a.decide(path, 2).allowed);  // As much, or more.
      EXPECT_EQ(script_calls(), before);
      EXPECT_EQ(a.decide(path, 3).numbers.retry_after, limit::kNever);
    }
    ASSERT_LT(a.clock.now() - charged, seconds(3));
  }
  EXPECT_GE(a.clock.now() - charged, milliseconds(299));
}

TEST_F(StoreTest, ARememberedRefusalIsForgottenWhenUnitsComeFree) {
  Instance a(test_options(server.port()), {node("k", "", {window(3, hours(1))})});
  a.wait_until_up();
  const Path path{{{"k", "x"}}};
  const auto reservation = a.reserve(path, 3);
  ASSERT_TRUE(reservation);
  EXPECT_FALSE(a.decide(path).allowed);
  ASSERT_TRUE(a.commit(reservation->id, 1));
  EXPECT_TRUE(a.decide(path, 2).allowed);
  EXPECT_FALSE(a.decide(path).allowed);
  ASSERT_TRUE(a.forget(path));
  EXPECT_TRUE(a.decide(path, 3).allowed);
  EXPECT_FALSE(a.decide(path).allowed);
  a.reload({node("k", "", {window(4, hours(1))})});
  EXPECT_TRUE(a.decide(path).allowed);
}

TEST_F(StoreTest, ABlockHoldsAtEveryInstanceUntilItEnds) {
  Instance a(test_options(server.port()), {node("k", "", {gcra(10, seconds(1), 10)})});
  Instance b(test_options(server.port()), {node("k", "", {gcra(10, seconds(1), 10)})});
  a.wait_until_up();
  b.wait_until_up();
  const Path path{{{"k", "x"}}}, nobody{{{"unlimited", "y"}}};
  ASSERT_TRUE(b.decide(path).allowed);
  const base::Time blocked = a.clock.now();
  ASSERT_TRUE(a.block(path, milliseconds(400)));
  const Said refused = b.decide(path);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.limited_by, "blocked");
  EXPECT_GT(refused.numbers.retry_after, milliseconds(200));
  EXPECT_LE(refused.numbers.retry_after, milliseconds(400));
  EXPECT_TRUE(b.decide(Path{{{"k", "other"}}}).allowed);  // Of the same domain.
  ASSERT_TRUE(a.block(nobody, seconds(9)));
  EXPECT_FALSE(b.decide(nobody).allowed);
  EXPECT_TRUE(b.decide(Path{{{"unlimited", "z"}}}).allowed);
  EXPECT_TRUE(redis_bed::wait_until([&] { return b.decide(path).allowed; }));
  EXPECT_GE(a.clock.now() - blocked, milliseconds(399));
  ASSERT_TRUE(b.block(nobody, {}));
  EXPECT_TRUE(a.decide(nobody).allowed);
}

TEST_F(StoreTest, WhyShowsEachLimitAndBlock) {
  Instance a(test_options(server.port()),
             {node("k", "", {named("rate", gcra(1, hours(1), 3)), named("cap", concurrency(2))})});
  a.wait_until_up();
  const Path path{{{"k", "x"}}}, both{{{"k", "x"}}, {{"nothing", "y"}}};
  ASSERT_TRUE(a.decide(path, 3).allowed);
  ASSERT_TRUE(a.block(both, seconds(5)));
  const auto why = a.why(both);
  ASSERT_TRUE(why);
  ASSERT_EQ(why->rows.size(), 2u);
  EXPECT_EQ(why->rows[0].limit->name, "rate");
  EXPECT_EQ(why->rows[0].descriptor, "k=x");
  EXPECT_EQ(why->rows[0].decision.remaining, 0);
  EXPECT_GT(why->rows[0].decision.retry_after, seconds(1000));
  EXPECT_EQ(why->rows[1].limit->name, "cap");
  EXPECT_FALSE(why->rows[1].decision.allowed);  // Blocked.
  EXPECT_GT(why->rows[1].blocked_until, a.clock.now() + seconds(3));
  EXPECT_EQ(a.why(Path{{{"k", "x"}}})->rows.size(), 2u);
  ASSERT_TRUE(a.forget(path));
  EXPECT_TRUE(a.why(path)->rows[0].decision.allowed);
  EXPECT_EQ(a.why(path)->rows[0].decision.remaining, 3);
}

TEST_F(StoreTest, InstancesAreCountedWhileTheyAreThere) {
  Options options = test_options(server.port());
  options.presence = milliseconds(60);
  Instance a(options, {});
  options.seed = 12;
  auto b = std::make_unique<Instance>(options, std::vector<limiter::NodeSpec>{});
  EXPECT_EQ(a.common.instances(), 1u);
  b->wait_until_up();
  EXPECT_TRUE(a.run([&] {
    b->turn();
    return a.common.instances() == 2;
  }));
  b.reset();
  EXPECT_TRUE(a.run([&] { return a.common.instances() == 1; }));
}

TEST_F(StoreTest, FourInstancesTogetherKeepTheBoundAndUseIt) {
  std::vector<std::unique_ptr<Instance>> all;
  for (uint64_t i = 0; i < 4; ++i) {
    Options options = test_options(server.port());
    options.seed = 20 + i;
    all.push_back(std::make_unique<Instance>(
        options, std::vector{node("k", "", {gcra(1000, seconds(1), 20)})}));
    all.back()->wait_until_up();
  }
  const Path path{{{"k", "x"}}};
  const base::Clock& clock = all.front()->clock;
  int64_t admitted = 0, asked = 0;
  const base::Time start = clock.now();
  while (clock.now() - start < milliseconds(600)) {
    for (const auto& each : all) admitted += each->decide(path).allowed;
    asked += static_cast<int64_t>(all.size());
  }
  const double span = std::chrono::duration<double>(clock.now() - start).count();
  EXPECT_LE(static_cast<double>(admitted), 20 + 1000 * span + 1);
  // The loops take turns here; a slow machine asks for less than there is.
  EXPECT_GE(static_cast<double>(admitted), std::min(0.9 * 1000 * span, static_cast<double>(asked)));
}

TEST_F(StoreTest, ThreadsShareOneCommonAndOneBound) {
  io::SystemClock clock;
  limiter::Limiter limits({.seed = 7});
  std::vector<limiter::DomainSpec> specs;
  specs.push_back(limiter::domain({node("k", "", {window(500, hours(1))})}));
  set_mode(specs.front().nodes, limiter::Mode::kStrict);
  ASSERT_TRUE(limits.reload(std::move(specs)).empty());
  Options options = test_options(server.port());
  options.presence = milliseconds(5);
  Common common(options, limits, clock);
  std::atomic<int64_t> admitted{0}, elsewhere{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      io::Loop loop;
      Store store(loop, common);
      const Path path{{{"k", "x"}}};
      int left = 400;
      while (!common.up()) loop.poll().dispatch();
      std::function<void()> next = [&] {
        const limiter::Ask ask{.domain = "d", .descriptors = path.get()};
        store.decide({&ask, 1}, [&](std::span<const limiter::Answer> answers) {
          admitted += answers[0].allowed;
          elsewhere += answers[0].decided_by != DecidedBy::kStore;
          if (--left > 0) next();
        });
      };
      next();
      loop.every(milliseconds(5), [] {});
      while (left > 0) loop.poll().wait();
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_LE(admitted, 500 + elsewhere);
  EXPECT_GE(admitted, 500);
  EXPECT_LE(elsewhere, 3);  // A store that was not connected yet when another was.
  EXPECT_FALSE(common.up());
  metric::Families families;
  common.collect(families);
  EXPECT_THAT(families.text(), ::testing::HasSubstr("ratelimmq_store_calls_total"));
}

TEST(StoreLimits, NumbersThatDoNotFitAreRefusedByName) {
  EXPECT_TRUE(check(gcra(100, seconds(1), 1000)));
  EXPECT_TRUE(check(gcra(1'000'000, hours(24), 100'000'000)));
  const auto field = [](const LimitSpec& spec) {
    const base::Status status = check(spec);
    return status ? std::string("fits") : status.error().field;
  };
  EXPECT_EQ(field(gcra(7, hours(24), 104'000)), "fits");  // 8.99e15 of 9.01e15 us.
  EXPECT_EQ(field(gcra(7, hours(24), 105'000)), "burst");
  EXPECT_EQ(field(gcra(1, base::Duration(1500), 1)), "rate");
  EXPECT_EQ(field(counter(110'000, hours(24))), "rate");
  EXPECT_EQ(field(window(110'000, hours(24))), "fits");
  EXPECT_EQ(field(log(1, base::Duration(1))), "rate");
  LimitSpec over = gcra(7, hours(24), 100'000);
  over.overdraft = 10'000;
  EXPECT_EQ(field(over), "burst");
}

TEST_F(StoreTest, ALimitThatDoesNotFitIsDecidedHere) {
  Instance a(test_options(server.port()), {node("k", "", {gcra(1, base::Duration(1500), 1)})});
  a.wait_until_up();
  EXPECT_EQ(a.decide(Path{{{"k", "x"}}}).by, DecidedBy::kLocal);
}

TEST_F(StoreTest, LongAndOddNamesHaveStatesOfTheirOwn) {
  Instance a(test_options(server.port()), {node("k", "", {window(1, hours(1))})});
  a.wait_until_up();
  const std::string stem(200, 'x');
  for (const std::string& value : {stem, stem + "y", std::string("a\0b", 3), std::string("a{b}c"),
                                   std::string("a\r\nb"), std::string("{")}) {
    EXPECT_TRUE(a.decide(Path{{{"k", value}}}).allowed) << value;
    EXPECT_FALSE(a.decide(Path{{{"k", value}}}).allowed) << value;
  }
}

}  // namespace
}  // namespace store
