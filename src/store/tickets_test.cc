#include "store/tickets.h"

#include <gtest/gtest.h>

#include "store/ticket_bed.h"

namespace store {
namespace {

using namespace std::chrono_literals;
using limiter::Ask;
using limiter::concurrency;
using limiter::gcra;
using limiter::named;
using limiter::node;
using limiter::Obstacle;

struct TicketsTest : ::testing::Test {
  Options options() {
    Options options = test_options(server.port());
    options.breaker_min = 20ms;
    options.breaker_max = 50ms;
    return options;
  }
  Ask of(const Path& path, int64_t cost = 1) {
    return {.domain = "d", .descriptors = path.get(), .cost = cost};
  }
  static int64_t remaining(Instance& instance, const Path& path) {
    return instance
        .decide(Ask{.domain = "d", .descriptors = path.get(), .cost = 0, .dry_run = true})
        .numbers.remaining;
  }

  redis_bed::TestServer server;
  const Path a{{{"k", "a"}}}, b{{{"k", "b"}}}, both{{{"k", "a"}}, {{"k", "b"}}};
};

TEST_F(TicketsTest, ATicketIsChargedOnceAndUsedOnce) {
  Instance instance(options(), {node("k", "", {gcra(10, 1h, 10)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  const auto first = shard.once(of(a, 3));
  ASSERT_TRUE(first && first->asking);
  EXPECT_EQ(first->sent_for, 1u);
  EXPECT_EQ(shard.once(of(a, 3))->state, first->state) << "one is on its way";
  EXPECT_FALSE(shard.take(of(a, 3)));
  EXPECT_EQ(remaining(instance, a), 7);
  EXPECT_FALSE(shard.take(of(a, 3)));
  EXPECT_EQ(remaining(instance, a), 4);
  EXPECT_EQ(shard.common.asked.value(), 2u);
  EXPECT_EQ(shard.common.used.value(), 2u);
}

TEST_F(TicketsTest, ARefusalNamesItsLimitAndItsInstantAndIsAskedAnewThen) {
  Instance instance(options(), {node("k", "", {named("slow", gcra(10, 1s, 1))})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  ASSERT_FALSE(shard.take(of(a)));
  const auto refused = shard.take(of(a));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limited_by, "slow");
  EXPECT_GT(refused->retry_after, 0ms);
  EXPECT_LE(refused->retry_after, 100ms);
  const base::Time until = shard.now() + refused->retry_after;
  ASSERT_TRUE(instance.run([&] { return instance.clock.now() >= until; }));
  EXPECT_FALSE(shard.take(of(a))) << "P4: exactly then it may go";
}

TEST_F(TicketsTest, WhatNobodyUsesIsGivenBackOnceAndTold) {
  Instance instance(options(), {node("k", "", {gcra(10, 1h, 10)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  ASSERT_TRUE(shard.once(of(a, 4))->asking);
  ASSERT_TRUE(instance.run([&] { return shard.common.kept.value() == 1; }));
  EXPECT_EQ(remaining(instance, a), 6);
  const auto other = shard.take(of(a, 9));
  ASSERT_TRUE(other);
  shard.freed.clear();
  ASSERT_TRUE(instance.run([&] { return remaining(instance, a) == 10; }));
  EXPECT_EQ(shard.common.returned.value(), 1u);
  EXPECT_EQ(shard.common.kept.value(), 0);
  ASSERT_TRUE(instance.run([&] { return !shard.freed.empty(); }));
  EXPECT_EQ(shard.freed.front(), other->state);
}

TEST_F(TicketsTest, WhatWasTakenBackIsUsedByTheNext) {
  Instance instance(options(), {node("k", "", {gcra(10, 1h, 10)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  ASSERT_FALSE(shard.take(of(a)));
  shard.get().untake(of(a), TicketShard::rates(), shard.now());
  EXPECT_FALSE(shard.once(of(a))) << "no second call";
  EXPECT_EQ(remaining(instance, a), 9);
}

TEST_F(TicketsTest, AllLimitsAreChargedOrNone) {
  Instance instance(options(), {node("k", "a", {gcra(5, 1h, 5)}),
                                node("k", "b", {named("one", gcra(1, 1h, 1))})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  EXPECT_FALSE(shard.take(of(both)));
  const auto refused = shard.take(of(both));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limited_by, "one");
  EXPECT_EQ(remaining(instance, a), 4);
  EXPECT_FALSE(shard.take(of(a))) << "the free one is not held up";
}

TEST_F(TicketsTest, EqualAsksAreSentForTogetherOnceSomeWereAllowed) {
  Instance instance(options(), {node("k", "", {gcra(100, 1h, 20)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  limiter::TakeTerms terms = TicketShard::rates();
  terms.wanted = 100;
  uint64_t sent = 0, taken = 0;
  for (;;) {
    if (const auto obstacle = shard.take(of(a), terms)) {
      EXPECT_FALSE(obstacle->asking);
      break;
    }
    ++taken;
    sent = std::max(sent, shard.common.asked.value());
  }
  EXPECT_EQ(taken, 20u);
  EXPECT_LE(sent, 31u) << "1, 2, 4, 8, 16";
}

TEST_F(TicketsTest, WhoComesLaterStandsBehindWhoWaits) {
  Instance instance(options(), {node("k", "", {named("l", gcra(1, 1h, 1))})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  ASSERT_FALSE(shard.take(of(a)));
  const auto refused = shard.take(of(a));
  ASSERT_TRUE(refused);
  const std::function<bool(base::Hash128)> queued = [&](base::Hash128 s) {
    return s == refused->state;
  };
  limiter::TakeTerms terms = TicketShard::rates();
  terms.queued = &queued;
  const auto behind = shard.once(of(a, 2), terms);
  ASSERT_TRUE(behind);
  EXPECT_TRUE(behind->taken_turn);
  EXPECT_EQ(behind->state, refused->state);
  EXPECT_FALSE(shard.take(of(b), terms)) << "another key";
}

TEST_F(TicketsTest, WhoHasATurnAtALimitKeepsItWhileTheStoreIsAsked) {
  Instance instance(options(), {node("k", "", {gcra(10, 1h, 10)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  limiter::TakeTerms terms = TicketShard::rates();
  terms.waits_at = base::Hash128{1, 2};
  EXPECT_EQ(shard.once(of(a), terms)->state, *terms.waits_at);
  EXPECT_FALSE(shard.take(of(a), terms));
}

TEST_F(TicketsTest, WhatIsExpectedIsThereWhenItIsTaken) {
  Instance instance(options(), {node("k", "", {gcra(10, 1h, 10)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  EXPECT_EQ(shard.get().expect(of(a), TicketShard::rates(), shard.now()), 1u);
  EXPECT_EQ(shard.get().expect(of(a), TicketShard::rates(), shard.now()), 0u) << "once";
  limiter::TakeTerms terms = TicketShard::rates();
  terms.waits_at = base::Hash128{1, 2};
  EXPECT_EQ(shard.once(of(a), terms)->state, *terms.waits_at) << "told where it waits now";
  EXPECT_FALSE(shard.take(of(a), terms));
  EXPECT_EQ(shard.common.asked.value(), 1u);
  EXPECT_EQ(shard.get().expect(of(b), TicketShard::rates(), shard.now()), 1u);
  ASSERT_TRUE(instance.run([&] { return shard.common.kept.value() == 1; }));
  EXPECT_FALSE(shard.once(of(b)));
  EXPECT_EQ(remaining(instance, b), 9);
}

TEST_F(TicketsTest, AHoldIsFoundByItsIdByWhoeverIsTheSame) {
  Instance instance(options(), {node("k", "", {named("cap", concurrency(1))})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  ASSERT_FALSE(shard.take(of(a), TicketShard::hold(1)));
  const auto refused = shard.take(of(a), TicketShard::hold(2));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limited_by, "cap");
  EXPECT_LE(refused->retry_after, 200ms) << "who else releases does not tell";

  TicketShard stranger(instance, "m");
  stranger.get().release(of(a), 1, shard.now());
  ASSERT_TRUE(instance.run([&] { return stranger.common.owed.value() == 0; }));
  EXPECT_TRUE(shard.take(of(a), TicketShard::hold(2)));

  TicketShard again(instance, "n");  // As after a restart.
  again.get().restore(of(a), 1, again.now() + 1min, again.now());
  ASSERT_TRUE(instance.run([&] { return again.common.owed.value() == 0; }));
  EXPECT_TRUE(again.take(of(a), TicketShard::hold(3)));
  again.freed.clear();
  again.get().release(of(a), 1, again.now());
  ASSERT_TRUE(instance.run([&] { return !again.freed.empty(); })) << "who waits is told";
  EXPECT_EQ(again.freed.front(), refused->state);
  EXPECT_FALSE(again.take(of(a), TicketShard::hold(3)));
}

TEST_F(TicketsTest, ARestoreBeforeTheBeginIsMadeThen) {
  Instance instance(options(), {node("k", "", {concurrency(1)})});
  instance.wait_until_up();
  {
    TicketShard before(instance, "n");
    ASSERT_FALSE(before.take(of(a), TicketShard::hold(1, 300ms)));
  }
  TicketCommon common;
  Tickets tickets(instance.common, common, instance.limiter, {.name = "n"});
  const base::Time until = instance.clock.now() + 1h;
  tickets.restore(of(a), 1, until, instance.clock.now());
  tickets.begin(instance.loop, *instance.store);
  ASSERT_TRUE(instance.run([&] { return common.owed.value() == 0; }));
  const base::Time past = instance.clock.now() + 700ms;
  instance.run([&] { return instance.clock.now() > past; });
  TicketShard after(instance, "n");
  EXPECT_TRUE(after.take(of(a), TicketShard::hold(2))) << "it was to end before, and was renewed";
}

TEST_F(TicketsTest, AReleaseThatFailedIsMadeAgain) {
  Options quick = options();
  quick.deadline = 50ms;
  Instance instance(quick, {node("k", "", {concurrency(1)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  ASSERT_FALSE(shard.take(of(a), TicketShard::hold(1, 1h)));
  server.pause();
  shard.get().release(of(a), 1, shard.now());
  const base::Time later = shard.now() + 200ms;
  instance.run([&] { return shard.now() > later; });
  EXPECT_EQ(shard.common.owed.value(), 1);
  server.go_on();
  ASSERT_TRUE(instance.run([&] { return shard.common.owed.value() == 0; }));
  ASSERT_TRUE(instance.run([&] { return !shard.take(of(a), TicketShard::hold(2)); }));
}

TEST_F(TicketsTest, AHoldThatNobodyUsesIsReleased) {
  Instance instance(options(), {node("k", "", {concurrency(1)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  ASSERT_TRUE(shard.once(of(a), TicketShard::hold(1, 1h))->asking);
  ASSERT_TRUE(instance.run([&] { return shard.common.returned.value() == 1; }));
  ASSERT_TRUE(instance.run([&] { return shard.common.owed.value() == 0; }));
  EXPECT_FALSE(shard.take(of(a), TicketShard::hold(2)));
}

TEST_F(TicketsTest, WithTheStoreGoneEachLimitDoesAsItSaysAndHoldsWait) {
  auto limit = [](std::string name, limiter::LimitSpec spec, limiter::WhenGone gone) {
    spec = named(name, std::move(spec));
    spec.when_gone = gone;
    return node("k", name, {spec});
  };
  Options quick = options();
  quick.deadline = 50ms;
  Instance instance(quick, {limit("a", gcra(1, 1h, 1), limiter::WhenGone::kAllow),
                            limit("b", gcra(1, 1h, 1), limiter::WhenGone::kRefuse),
                            limit("c", concurrency(1), limiter::WhenGone::kLocal)});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  const Path c{{{"k", "c"}}};
  server.kill();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(shard.take(of(a)));
  const auto refused = shard.take(of(b));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limited_by, "store gone");
  EXPECT_GT(refused->retry_after, 0ms);
  const auto waits = shard.take(of(c), TicketShard::hold(1));
  ASSERT_TRUE(waits);
  EXPECT_EQ(waits->limited_by, "store gone");
  EXPECT_LE(waits->retry_after, 100ms);
  server.start();
  EXPECT_TRUE(instance.run([&] { return !shard.take(of(c), TicketShard::hold(1)); }));
}

TEST_F(TicketsTest, APushIsChargedHereAndInTheStoreOrNowhere) {
  Instance instance(options(), {});
  std::vector<limiter::DomainSpec> specs;
  specs.push_back(limiter::domain({node("k", "", {gcra(2, 1h, 2)})}));
  specs.push_back(limiter::domain({node("host", "", {named("h", concurrency(1))})}, "outbound"));
  for (auto& spec : specs)
    for (auto& each : spec.nodes)
      for (auto& limit : each.limits) limit.mode = limiter::Mode::kStrict;
  instance.reload_domains(std::move(specs));
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  const Path host{{{"host", "x"}}};
  Ask push = of(a);
  push.also_domain = "outbound";
  push.also = host.get();
  ASSERT_FALSE(shard.take(push, TicketShard::hold(1)));
  EXPECT_EQ(remaining(instance, a), 1);
  const auto refused = shard.take(push, TicketShard::hold(2));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limited_by, "h");
  EXPECT_EQ(shard.common.asked.value(), 1u) << "the store was not asked";
  shard.get().release(push, 1, shard.now());
  ASSERT_FALSE(shard.take(push, TicketShard::hold(2)));
  EXPECT_EQ(remaining(instance, a), 0);
  shard.get().release(push, 2, shard.now());
  EXPECT_TRUE(shard.take(push, TicketShard::hold(3)));
  Ask here{.also_domain = "outbound", .also = host.get()};
  EXPECT_FALSE(shard.once(here, TicketShard::hold(4))) << "nothing of the store's: at once";
}

TEST_F(TicketsTest, ABlockIsSeenAndAsksOfOtherKeysGo) {
  Instance instance(options(), {node("k", "", {gcra(100, 1h, 100)})});
  instance.wait_until_up();
  ASSERT_TRUE(instance.block(a, 1h));
  TicketShard shard(instance, "n");
  const auto blocked = shard.take(of(a));
  ASSERT_TRUE(blocked);
  EXPECT_EQ(blocked->limited_by, "blocked");
  EXPECT_LE(blocked->retry_after, 5s);
  EXPECT_FALSE(shard.take(of(b)));
}

TEST_F(TicketsTest, AfterAReloadEverythingIsAskedAnew) {
  Instance instance(options(), {node("k", "", {gcra(1, 1h, 1)})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  ASSERT_FALSE(shard.take(of(a)));
  ASSERT_TRUE(shard.take(of(a)));
  instance.reload({node("k", "", {gcra(10, 1h, 10)})});
  EXPECT_FALSE(shard.take(of(a)));
}

TEST_F(TicketsTest, ACheckIsToldWhatTheStoreSaid) {
  Instance instance(options(), {node("k", "", {named("l", gcra(1, 1h, 2))})});
  instance.wait_until_up();
  TicketShard shard(instance, "n");
  limiter::Answer answer;
  ASSERT_FALSE(shard.take(of(a)));
  ASSERT_TRUE(shard.once(of(a))->asking);
  ASSERT_TRUE(instance.run([&] { return shard.common.kept.value() == 1; }));
  ASSERT_FALSE(*shard.get().take(of(a), TicketShard::rates(), shard.now(), &answer));
  EXPECT_EQ(answer.nearest, "l");
  EXPECT_EQ(answer.numbers.limit, 2);
  EXPECT_EQ(answer.numbers.remaining, 0);
  ASSERT_EQ(answer.limits.size(), 1u);
  EXPECT_EQ(limiter::to_string(answer.limits[0].descriptor), "k=a");
  ASSERT_TRUE(shard.take(of(a)));
  const limiter::Answer looked = shard.get().look(of(a), shard.now());
  EXPECT_FALSE(looked.allowed);
  EXPECT_EQ(looked.limited_by, "l");
  EXPECT_GT(looked.numbers.retry_after, 59min);
}

TEST_F(TicketsTest, AnUnknownDomainIsAnError) {
  Instance instance(options(), {});
  TicketShard shard(instance, "n");
  Ask ask = of(a);
  ask.domain = "nowhere";
  EXPECT_EQ(shard.get().take(ask, TicketShard::rates(), shard.now()).error().code,
            base::Code::kNotFound);
}

}  // namespace
}  // namespace store
