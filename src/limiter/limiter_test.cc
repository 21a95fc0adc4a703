#include "limiter/limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "limiter/test_limits.h"

namespace limiter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr base::Duration kHour = std::chrono::hours(1);
const Path kAcme{{{"tenant", "acme"}}};
const Path kBob{{{"tenant", "bob"}}};

TEST(Limiter, ChargesWhatItMeetsAndAnswersItsNumbers) {
  TestLimiter t({node("tenant", "", {gcra(1, seconds(1), 3)})});
  const Answer& first = t.decide(kAcme, 2, at({}));
  EXPECT_TRUE(first.allowed && first.matched && first.known_domain);
  EXPECT_EQ(first.numbers.limit, 3);
  EXPECT_EQ(first.numbers.remaining, 1);
  EXPECT_EQ(first.nearest, "tenant");
  EXPECT_EQ(first.limited_by, "");
  const Answer& second = t.decide(kAcme, 2, at({}));
  EXPECT_FALSE(second.allowed);
  EXPECT_EQ(second.limited_by, "tenant");
  EXPECT_EQ(second.numbers.remaining, 1);
  EXPECT_EQ(second.numbers.retry_after, seconds(1));
  EXPECT_TRUE(t.decide(kAcme, 2, at(seconds(1))).allowed);
  EXPECT_TRUE(t.decide(kBob, 3, at({})).allowed);
}

TEST(Limiter, AnUnknownDomainAndAnUnmatchedAskAreToldApart) {
  TestLimiter t({node("tenant", "", {gcra(1, seconds(1), 3)})});
  EXPECT_FALSE(t.decide({.domain = "other", .descriptors = kAcme.get()}, at({})).known_domain);
  const Path other{{{"user", "u"}}};
  const Answer& unmatched = t.decide(other, 1, at({}));
  EXPECT_TRUE(unmatched.known_domain && unmatched.allowed);
  EXPECT_FALSE(unmatched.matched);
  EXPECT_TRUE(t.decide({.domain = "d"}, at({})).allowed);
}

TEST(Limiter, ARefusalChargesNoLimitOfTheAsk) {
  TestLimiter t({node("tenant", "", {window(10, kHour)}), node("user", "", {window(1, kHour)})});
  const Path both{{{"tenant", "acme"}}, {{"user", "u"}}};
  EXPECT_TRUE(t.decide(both, 1, at({})).allowed);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(t.decide(both, 1, at({})).limited_by, "user");
  EXPECT_EQ(t.remaining(kAcme, at({})), 9);
}

TEST(Limiter, ADescriptorNamedTwiceIsChargedTwiceOrNotAtAll) {
  TestLimiter t({node("tenant", "", {window(3, kHour)})});
  const Path twice{{{"tenant", "acme"}}, {{"tenant", "acme"}}};
  const Answer& first = t.decide(twice, 1, at({}));
  EXPECT_TRUE(first.allowed);
  EXPECT_EQ(first.limits.size(), 2u);
  EXPECT_EQ(first.numbers.remaining, 1);
  EXPECT_FALSE(t.decide(twice, 1, at({})).allowed);
  EXPECT_EQ(t.remaining(kAcme, at({})), 1);
}

TEST(Limiter, SummedCostsDoNotWrapAround) {
  TestLimiter t({node("tenant", "", {window(3, kHour)})});
  const Path twice{{{"tenant", "acme"}}, {{"tenant", "acme"}}};
  const Answer& answer = t.decide(twice, std::numeric_limits<int64_t>::max(), at({}));
  EXPECT_FALSE(answer.allowed);
  EXPECT_EQ(answer.numbers.retry_after, limit::kNever);
}

TEST(Limiter, RequestsAreCountedBesideCost) {
  LimitSpec requests = named("requests", window(2, kHour));
  requests.counts = Counts::kRequests;
  TestLimiter t({node("tenant", "", {requests, named("tokens", window(100, kHour))})});
  EXPECT_TRUE(t.decide(kAcme, 60, at({})).allowed);
  const Answer& tokens = t.decide(kAcme, 60, at({}));
  EXPECT_EQ(tokens.limited_by, "tokens");
  const Answer& second = t.decide(kAcme, 5, at({}));
  EXPECT_TRUE(second.allowed);
  ASSERT_EQ(second.limits.size(), 2u);
  EXPECT_EQ(second.limits[0].decision.remaining, 0);
  EXPECT_EQ(second.limits[1].decision.remaining, 35);
  EXPECT_EQ(t.decide(kAcme, 5, at({})).limited_by, "requests");
}

TEST(Limiter, LimitedByIsTheLimitThatFreesLast) {
  TestLimiter t({node("tenant", "",
                      {named("second", window(1, seconds(1))), named("hour", window(1, kHour)),
                       named("minute", window(1, seconds(60)))})});
  EXPECT_TRUE(t.decide(kAcme, 1, at({})).allowed);
  EXPECT_EQ(t.decide(kAcme, 1, at({})).limited_by, "hour");
  const Answer& never = t.decide(kAcme, 2, at({}));
  EXPECT_EQ(never.numbers.retry_after, limit::kNever);
}

TEST(Limiter, NumbersAreOfTheLimitWithTheLeastShareLeft) {
  TestLimiter t(
      {node("tenant", "", {named("big", window(100, kHour)), named("small", window(10, kHour))})});
  EXPECT_EQ(t.decide(kAcme, 1, at({})).nearest, "small");
  EXPECT_EQ(t.decide(kAcme, 1, at({})).numbers.remaining, 8);
}

TEST(Limiter, AnUnlimitedLimitMatchesAndCountsNothing) {
  TestLimiter t({node("tenant", "", {unlimited()}), node("user", "", {window(5, kHour)})});
  const Answer& alone = t.decide(kAcme, 1'000'000, at({}));
  EXPECT_TRUE(alone.allowed && alone.matched);
  EXPECT_EQ(alone.numbers.remaining, std::numeric_limits<int64_t>::max());
  const Path both{{{"tenant", "acme"}}, {{"user", "u"}}};
  EXPECT_EQ(t.decide(both, 1, at({})).numbers.remaining, 4);
}

TEST(Limiter, AShadowIsAskedButNeverRefuses) {
  LimitSpec shadow = named("shadow", window(1, kHour));
  shadow.shadow = true;
  TestLimiter t({node("tenant", "", {shadow, named("real", window(3, kHour))})});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(t.decide(kAcme, 1, at({})).allowed);
  const Answer& refused = t.decide(kAcme, 1, at({}));
  EXPECT_EQ(refused.limited_by, "real");
  ASSERT_EQ(refused.limits.size(), 2u);
  EXPECT_FALSE(refused.limits[0].decision.allowed);
  TestLimiter alone({node("tenant", "", {shadow})});
  EXPECT_TRUE(alone.decide(kAcme, 1, at({})).allowed);
  const Answer& over = alone.decide(kAcme, 1, at({}));
  EXPECT_TRUE(over.allowed && over.numbers.allowed);
  EXPECT_EQ(over.numbers.retry_after.count(), 0);
}

TEST(Limiter, AnOverrideDisplacesTheLimitItNames) {
  LimitSpec override = named("override", window(2, kHour));
  override.replaces = {"banned"};
  TestLimiter t(
      {node("user", "*", {}, {node("state", "banned", {named("banned", window(0, kHour))})}),
       node("source", "proxy", {override})});
  const Path banned{{{"user", "u"}, {"state", "banned"}}};
  const Path proxied{{{"user", "u"}, {"state", "banned"}}, {{"source", "proxy"}}};
  EXPECT_EQ(t.decide(banned, 1, at({})).limited_by, "banned");
  const Answer& first = t.decide(proxied, 1, at({}));
  EXPECT_TRUE(first.allowed);
  EXPECT_EQ(first.limits.size(), 1u);
  EXPECT_TRUE(t.decide(proxied, 1, at({})).allowed);
  EXPECT_EQ(t.decide(proxied, 1, at({})).limited_by, "override");
}

TEST(Limiter, QuotaLimitsRefuseOnlyAllTogether) {
  LimitSpec small = named("small", window(1, kHour)), large = named("large", window(3, kHour));
  small.quota = large.quota = true;
  TestLimiter t({node("tenant", "", {small, large}), node("user", "", {window(100, kHour)})});
  const Path both{{{"tenant", "acme"}}, {{"user", "u"}}};
  const Path user{{{"user", "u"}}};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(t.decide(both, 1, at({})).allowed);
  const Answer& refused = t.decide(both, 1, at({}));
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.limited_by, "small");
  EXPECT_EQ(t.remaining(user, at({})), 97);
}

TEST(Limiter, AnOrdinaryLimitRefusesBesideQuotaLimitsWithRoom) {
  LimitSpec quota = named("quota", window(5, kHour)), empty = named("empty", window(0, seconds(1)));
  quota.quota = empty.quota = true;
  TestLimiter t({node("tenant", "", {quota, empty}), node("user", "", {window(1, kHour)})});
  const Path both{{{"tenant", "acme"}}, {{"user", "u"}}};
  EXPECT_TRUE(t.decide(both, 1, at({})).allowed);
  EXPECT_EQ(t.decide(both, 1, at({})).limited_by, "user");
  EXPECT_EQ(t.decide(kAcme, 1, at({})).limits[0].decision.remaining, 3);
}

TEST(Limiter, ABlockRefusesWhetherOrNotALimitMatches) {
  TestLimiter t({node("tenant", "", {window(5, kHour)})});
  const Path host{{{"host", "h"}}};
  ASSERT_TRUE(t.limiter.block("d", kAcme.first(), at(seconds(10)), at({})));
  ASSERT_TRUE(t.limiter.block("d", host.first(), at(seconds(20)), at({})));
  const Path both{{{"tenant", "acme"}}, {{"host", "h"}}};
  const Answer& answer = t.decide(both, 1, at(seconds(1)));
  EXPECT_FALSE(answer.allowed);
  EXPECT_TRUE(answer.matched);
  EXPECT_EQ(answer.limited_by, "blocked");
  EXPECT_EQ(answer.numbers.retry_after, seconds(19));
  EXPECT_EQ(t.decide(kAcme, 1, at(seconds(1))).numbers.retry_after, seconds(9));
  EXPECT_TRUE(t.decide(kBob, 1, at(seconds(1))).allowed);
  EXPECT_EQ(t.decide(kAcme, 1, at(seconds(10))).numbers.remaining, 4);
  EXPECT_EQ(t.limiter.block("x", kAcme.first(), at({}), at({})).error().code,
            base::Code::kNotFound);
}

TEST(Limiter, ABlockThatFindsNoRoomIsAnError) {
  TestLimiter t({node("tenant", "", {window(5, kHour)})},
                {.table = {.memory_bytes_max = 1}, .seed = 7});
  base::Status status;
  int blocks = 0;
  for (; status && blocks < 200'000; ++blocks) {
    const std::string name = std::to_string(blocks);
    const Path host{{{"host", name}}};
    status = t.limiter.block("d", host.first(), at(seconds(10)), at({}));
    EXPECT_EQ(t.decide(host, 1, at({})).allowed, !status);
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::Code::kFull);
  EXPECT_EQ(status.error().what, "the table is full");
}

TEST(Limiter, ABlockedAskWaitsForItsLimitsToo) {
  TestLimiter t({node("tenant", "", {gcra(1, seconds(30), 1)})});
  EXPECT_TRUE(t.decide(kAcme, 1, at({})).allowed);
  ASSERT_TRUE(t.limiter.block("d", kAcme.first(), at(seconds(10)), at({})));
  const Answer& answer = t.decide(kAcme, 1, at({}));
  EXPECT_EQ(answer.limited_by, "tenant");
  EXPECT_EQ(answer.numbers.retry_after, seconds(30));
  EXPECT_TRUE(t.decide(kAcme, 1, at(seconds(30))).allowed);
}

TEST(Limiter, ForgetRemovesStatesAndBlock) {
  TestLimiter t({node("tenant", "", {window(1, kHour), gcra(1, kHour, 1)})});
  EXPECT_TRUE(t.decide(kAcme, 1, at({})).allowed);
  ASSERT_TRUE(t.limiter.block("d", kAcme.first(), at(kHour), at({})));
  EXPECT_FALSE(t.decide(kAcme, 1, at({})).allowed);
  ASSERT_TRUE(t.limiter.forget("d", kAcme.first()));
  EXPECT_TRUE(t.decide(kAcme, 1, at({})).allowed);
}

TEST(Limiter, ADryRunChargesNothing) {
  TestLimiter t({node("tenant", "", {window(1, kHour)})});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(t.remaining(kAcme, at({})), 1);
}

TEST(Limiter, AsksOfOneBatchSeeEachOthersCharges) {
  TestLimiter t({node("tenant", "", {window(2, kHour)})});
  Batch batch;
  for (int round = 0; round < 2; ++round) {
    batch.clear();
    for (int i = 0; i < 100; ++i)
      batch.add({.domain = "d", .descriptors = i % 2 ? kAcme.get() : kBob.get()});
    batch.add({.domain = "unknown", .descriptors = kBob.get()});
    t.limiter.decide(batch, at(round * kHour));
    int allowed = 0;
    for (size_t i = 0; i < 100; ++i) allowed += batch.answer(i).allowed;
    EXPECT_EQ(allowed, 4);
    EXPECT_FALSE(batch.answer(100).known_domain);
    EXPECT_EQ(batch.answer(99).limited_by, "tenant");
  }
}

TEST(Limiter, AThrottleKeyBringsItsOwnLaw) {
  TestLimiter t({node("tenant", "", {window(1, kHour)})});
  const auto law = limit::Gcra::make({1, seconds(1)}, 2).value();
  Batch batch;
  for (int i = 0; i < 3; ++i) batch.add_throttle("key", law, 1);
  batch.add_throttle("other", law, 1);
  batch.add_throttle("key", law, 0);
  t.limiter.decide(batch, at({}));
  EXPECT_TRUE(batch.answer(0).allowed && batch.answer(1).allowed && batch.answer(3).allowed);
  EXPECT_FALSE(batch.answer(2).allowed);
  EXPECT_EQ(batch.answer(2).limited_by, "");
  EXPECT_EQ(batch.answer(2).numbers.limit, 2);
  EXPECT_EQ(batch.answer(2).numbers.retry_after, seconds(1));
  EXPECT_EQ(batch.answer(4).numbers.remaining, 0);
}

TEST(Limiter, AChangedLimitKeepsWhatWasUsed) {
  TestLimiter t({node("tenant", "", {window(10, kHour)})});
  EXPECT_TRUE(t.decide(kAcme, 6, at({})).allowed);
  t.reload({node("tenant", "", {window(20, kHour)})});
  EXPECT_EQ(t.remaining(kAcme, at({})), 14);
  t.reload({node("tenant", "", {window(5, kHour)})});
  EXPECT_EQ(t.decide(kAcme, 1, at({})).limited_by, "tenant");
  t.reload({node("tenant", "", {gcra(20, kHour, 20)})});
  EXPECT_EQ(t.remaining(kAcme, at({})), 14);
}

TEST(Limiter, AnOverrideForOneValueTakesOverItsState) {
  TestLimiter t({node("tenant", "", {window(10, kHour)})});
  EXPECT_TRUE(t.decide(kAcme, 6, at({})).allowed);
  t.reload({node("tenant", "", {window(10, kHour)}), node("tenant", "acme", {window(7, kHour)})});
  EXPECT_EQ(t.remaining(kAcme, at({})), 1);
  EXPECT_EQ(t.remaining(kBob, at({})), 10);
}

TEST(Limiter, AFaultyReloadKeepsTheOldLimitsAndReportsAllErrors) {
  TestLimiter t({node("tenant", "", {window(1, kHour)})});
  std::vector<DomainSpec> faulty;
  faulty.push_back(domain({node("", ""), node("k", ""), node("k", "")}));
  EXPECT_EQ(t.limiter.reload(std::move(faulty)).size(), 2u);
  EXPECT_TRUE(t.decide(kAcme, 1, at({})).matched);
  EXPECT_THAT(t.limiter.limits()->domains(), ElementsAre("d"));
}

TEST(Limiter, NamesInAnswersOutliveAReload) {
  TestLimiter t({node("tenant", "", {named("first", window(0, kHour))})});
  const Answer& answer = t.decide(kAcme, 1, at({}));
  t.reload({node("tenant", "", {named("second", window(0, kHour))})});
  EXPECT_EQ(answer.limited_by, "first");
  EXPECT_EQ(t.decide(kAcme, 1, at({})).limited_by, "second");
}

TEST(Limiter, WhyTellsOfEachLimitAndOfABlockWithoutOne) {
  LimitSpec shadow = named("shadow", window(0, kHour));
  shadow.shadow = true;
  TestLimiter t({node("tenant", "", {named("real", window(1, kHour)), shadow})});
  EXPECT_TRUE(t.decide(kAcme, 1, at({})).allowed);
  const Path asked{{{"tenant", "acme"}}, {{"host", "a b"}}, {{"other", "x"}}};
  ASSERT_TRUE(t.limiter.block("d", asked.get()[1], at(seconds(5)), at({})));
  const auto why = t.limiter.why("d", asked.get(), at({})).value();
  ASSERT_EQ(why.rows.size(), 3u);
  EXPECT_EQ(why.rows[0].limit->name, "real");
  EXPECT_EQ(why.rows[0].descriptor, "tenant=acme");
  EXPECT_FALSE(why.rows[0].decision.allowed);
  EXPECT_EQ(why.rows[0].blocked_until, base::Time{});
  EXPECT_EQ(why.rows[1].limit->name, "shadow");
  EXPECT_EQ(why.rows[2].limit, nullptr);
  EXPECT_EQ(why.rows[2].descriptor, "host=a%20b");
  EXPECT_EQ(why.rows[2].blocked_until, at(seconds(5)));
  EXPECT_EQ(t.limiter.why("x", asked.get(), at({})).error().code, base::Code::kNotFound);
}

TEST(Limiter, WhyOfABlockedLimitRefusesUntilTheBlockEnds) {
  TestLimiter t({node("tenant", "", {window(9, kHour)})});
  ASSERT_TRUE(t.limiter.block("d", kAcme.get()[0], at(seconds(5)), at({})));
  const auto why = t.limiter.why("d", kAcme.get(), at({})).value();
  ASSERT_EQ(why.rows.size(), 1u);
  EXPECT_FALSE(why.rows[0].decision.allowed);
  EXPECT_EQ(why.rows[0].decision.retry_after, seconds(5));
}

TEST(Limiter, AConcurrencyLimitIsOnlyTested) {
  TestLimiter t({node("tenant", "", {concurrency(1)})});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(t.decide(kAcme, 5, at({})).allowed);
  const auto held =
      t.limiter.acquire({.domain = "d", .descriptors = kAcme.get()}, seconds(5), at({}));
  ASSERT_FALSE(held->id.empty());
  EXPECT_FALSE(t.decide(kAcme, 5, at({})).allowed);
}

TEST(Limiter, CountsDecisionsByDomainAndOutcomeAcrossReloads) {
  TestLimiter t({node("tenant", "", {window(1, kHour)})});
  t.decide(kAcme, 1, at({}));
  t.decide(kAcme, 1, at({}));
  t.reload({node("tenant", "", {window(1, kHour)})});
  t.decide(kAcme, 1, at({}));
  t.remaining(kAcme, at({}));
  t.decide({.domain = "other", .descriptors = kAcme.get()}, at({}));
  metric::Families families;
  t.limiter.collect(families);
  const std::string text = families.text();
  const std::string name = "ratelimmq_limiter_decisions_total{domain=\"d\",outcome=";
  EXPECT_THAT(text, HasSubstr(name + "\"allowed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "\"limited\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("ratelimmq_limiter_unknown_domains_total 1\n"));
  EXPECT_THAT(text, HasSubstr("ratelimmq_limiter_table_keys 1\n"));
}

TEST(Limiter, BoundsAreCheckedAndNameTheField) {
  const auto field_of = [](const Ask& ask) { return validate(ask).error().field; };
  const std::vector<Entry> entries(kEntriesMax + 1, Entry{"k", "v"});
  const std::vector<Descriptor> many(kDescriptorsMax + 1, Descriptor(entries).first(1));
  const std::vector<Descriptor> deep{entries};
  const Path no_key{{{"", "v"}}};
  EXPECT_TRUE(validate({.domain = "d", .descriptors = kAcme.get(), .cost = 0}));
  EXPECT_EQ(field_of({.domain = "d"}), "descriptors");
  EXPECT_EQ(field_of({.domain = "d", .descriptors = many}), "descriptors");
  EXPECT_EQ(field_of({.domain = "d", .descriptors = deep}), "descriptors");
  EXPECT_EQ(field_of({.domain = "d", .descriptors = no_key.get()}), "descriptors");
  EXPECT_EQ(field_of({.domain = "d", .descriptors = kAcme.get(), .cost = -1}), "cost");
}

// P1 against its definition: with all windows of one hour and a standing clock, a state is a sum.
RC_GTEST_PROP(Limiter, ChargesAllOrNoneWithSummedCosts, ()) {
  constexpr int64_t kTenant = 12, kRequests = 5, kUser = 7;
  LimitSpec requests = named("requests", window(kRequests, kHour));
  requests.counts = Counts::kRequests;
  TestLimiter t({node("tenant", "", {window(kTenant, kHour), requests}),
                 node("user", "", {window(kUser, kHour)})});
  const std::vector<Entry> entries{{"tenant", "a"}, {"tenant", "b"}, {"user", "u"}, {"none", "n"}};
  std::map<std::string, int64_t> used;
  const int asks = *rc::gen::inRange(1, 20);
  for (int i = 0; i < asks; ++i) {
    const auto picks = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, 4));
    const int64_t cost = *rc::gen::inRange<int64_t>(0, 6);
    std::vector<Descriptor> descriptors;
    std::map<std::string, int64_t> after = used;
    for (size_t pick : std::span(picks).first(std::min<size_t>(picks.size(), 6))) {
      descriptors.push_back({&entries[pick], 1});
      const std::string value(entries[pick].value);
      if (pick < 3) after[value] += cost;
      if (pick < 2) after["requests " + value] += 1;
    }
    const bool fits = after["a"] <= kTenant && after["b"] <= kTenant && after["u"] <= kUser &&
                      after["requests a"] <= kRequests && after["requests b"] <= kRequests;
    RC_ASSERT(t.decide({.domain = "d", .descriptors = descriptors, .cost = cost}, at({})).allowed ==
              fits);
    if (fits) used = after;
  }
  const Path user{{{"user", "u"}}};
  RC_ASSERT(t.remaining(user, at({})) == kUser - used["u"]);
}

}  // namespace
}  // namespace limiter
