// Asks of two domains: one decision, all or none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "limiter/test_limits.h"

namespace limiter {
namespace {

const Path kAcme{{{"tenant", "acme"}}};
const Path kHost{{{"host", "h"}}, {{"dispatch", "global"}}};

std::vector<DomainSpec> two(std::vector<NodeSpec> first, std::vector<NodeSpec> also) {
  std::vector<DomainSpec> specs;
  specs.push_back(domain(std::move(first), "d"));
  specs.push_back(domain(std::move(also), "outbound"));
  return specs;
}

class Also : public testing::Test {
 protected:
  void limits(std::vector<NodeSpec> first, std::vector<NodeSpec> also) {
    ASSERT_TRUE(limiter.reload(two(std::move(first), std::move(also))).empty());
  }
  static Ask ask(const Path& first = kAcme, const Path& also = kHost, int64_t cost = 1) {
    return {.domain = "d",
            .descriptors = first.get(),
            .also_domain = "outbound",
            .also = also.get(),
            .cost = cost};
  }
  static Ask only_also() { return {.also_domain = "outbound", .also = kHost.get()}; }
  std::optional<Obstacle> take(const Ask& ask, uint64_t id, base::Time now = at({})) {
    return limiter.take(ask, {.hold_id = id, .ttl = seconds(30)}, now).value();
  }
  int64_t remaining(std::string_view name, const Path& path) {
    batch.clear();
    batch.add({.domain = name, .descriptors = path.get(), .cost = 0, .dry_run = true});
    limiter.decide(batch, at({}));
    return batch.answer(0).numbers.remaining;
  }
  Limiter limiter{{.seed = 7}};
  Batch batch;
};

TEST_F(Also, BothDomainsAreChargedOrNone) {
  limits({node("tenant", "acme", {named("rate", window(10, seconds(60)))})},
         {node("host", "", {named("host", concurrency(2))}),
          node("dispatch", "global", {named("all", window(5, seconds(60)))})});
  EXPECT_FALSE(take(ask(), 1));
  EXPECT_FALSE(take(ask(), 2));
  const auto refused = take(ask(), 3);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limited_by, "host");
  EXPECT_EQ(remaining("d", kAcme), 8);
  limiter.untake(ask(), {.hold_id = 2, .ttl = seconds(30)}, at({}));
  EXPECT_EQ(remaining("d", kAcme), 9);
  EXPECT_FALSE(take(ask(), 3));
  limiter.release(ask(), 1, at({}));
  EXPECT_FALSE(take(ask(), 4));
  limiter.renew(ask(), 4, at(seconds(90)), at({}));
  EXPECT_EQ(take(ask(), 5)->retry_after, seconds(30)) << "of the third's";
  limiter.release(ask(), 3, at({}));
  limiter.restore(ask(), 6, at(seconds(50)), at({}));
  EXPECT_EQ(take(ask(), 5)->retry_after, seconds(50));
}

TEST_F(Also, DecideAsksBothDomains) {
  limits({node("tenant", "acme", {named("rate", window(10, seconds(60)))})},
         {node("host", "", {named("host", window(2, seconds(60)))})});
  for (int i = 0; i < 3; ++i) batch.add(ask());
  limiter.decide(batch, at({}));
  EXPECT_TRUE(batch.answer(1).allowed);
  EXPECT_EQ(batch.answer(1).limits.size(), 2u);
  EXPECT_FALSE(batch.answer(2).allowed);
  EXPECT_EQ(batch.answer(2).limited_by, "host");
  EXPECT_EQ(remaining("d", kAcme), 8);
}

TEST_F(Also, ABlockInEitherDomainRefuses) {
  limits({node("tenant", "acme", {window(10, seconds(60))})}, {});
  ASSERT_TRUE(limiter.block("outbound", kHost.first(), at(seconds(9)), at({})));
  EXPECT_EQ(take(ask(), 1)->retry_after, seconds(9));
  EXPECT_EQ(remaining("d", kAcme), 10);
  EXPECT_EQ(limiter.promise(ask(), 1, at({})).value(), at(seconds(9)));
}

TEST_F(Also, CostsThatMeetInOneStateAreSummed) {
  limits({node("tenant", "acme", {named("rate", window(10, seconds(60)))})}, {});
  const Ask same{.domain = "d",
                 .descriptors = kAcme.get(),
                 .also_domain = "d",
                 .also = kAcme.get(),
                 .cost = 3};
  EXPECT_FALSE(take(same, 1));
  EXPECT_EQ(remaining("d", kAcme), 4);
  EXPECT_TRUE(take(same, 2));
}

TEST_F(Also, ReplacesWorksWithinADomain) {
  LimitSpec vip = named("vip", window(10, seconds(60)));
  vip.replaces = {"base"};
  limits({node("tenant", "acme", {vip})},
         {node("host", "", {named("base", window(1, seconds(60)))})});
  EXPECT_FALSE(take(ask(), 1));
  EXPECT_EQ(take(ask(), 2)->limited_by, "base");

  limits({node("tenant", "acme", {window(10, seconds(60))})},
         {node("host", "", {named("base", window(1, seconds(60)))}),
          node("dispatch", "global", {vip})});
  EXPECT_FALSE(take(ask(kAcme, kHost), 3));
}

TEST_F(Also, AnUnknownSecondDomainMatchesNothing) {
  TestLimiter t({node("tenant", "acme", {window(1, seconds(60))})});
  EXPECT_FALSE(t.limiter.take(ask(), {.hold_id = 1, .ttl = seconds(1)}, at({})).value());
  EXPECT_EQ(t.limiter.take(ask(), {.hold_id = 2, .ttl = seconds(1)}, at({})).value()->retry_after,
            seconds(60) - at({}).time_since_epoch() % seconds(60));
  const Answer& answer = t.decide(only_also(), at({}));
  EXPECT_TRUE(answer.known_domain);
  EXPECT_TRUE(answer.allowed);
  EXPECT_FALSE(answer.matched);
  EXPECT_FALSE(t.limiter.take(only_also(), {.hold_id = 3, .ttl = seconds(1)}, at({})).value());
  const Ask unknown_first{.domain = "x", .also_domain = "d", .also = kAcme.get()};
  EXPECT_FALSE(t.decide(unknown_first, at({})).known_domain);
  EXPECT_FALSE(t.limiter.take(unknown_first, {.hold_id = 4, .ttl = seconds(1)}, at({})));
}

TEST_F(Also, ASecondDomainAloneIsEnough) {
  limits({}, {node("host", "", {named("host", concurrency(1))}),
              node("dispatch", "global", {named("all", window(5, seconds(60)))})});
  EXPECT_FALSE(take(only_also(), 1));
  EXPECT_EQ(take(only_also(), 2)->limited_by, "host");
  limiter.release(only_also(), 1, at({}));
  EXPECT_FALSE(take(only_also(), 2));
  EXPECT_TRUE(limiter.promise(only_also(), 1, at({})));
}

TEST_F(Also, DecisionsAreCountedInTheNameOfTheFirstDomain) {
  limits({node("tenant", "acme", {window(1, seconds(60))})},
         {node("host", "", {window(9, seconds(60))})});
  ASSERT_FALSE(take(ask(), 1));
  ASSERT_TRUE(take(ask(), 2));
  ASSERT_FALSE(take(only_also(), 3));
  metric::Families families;
  limiter.collect(families);
  const std::string text = families.text();
  using testing::HasSubstr;
  EXPECT_THAT(text, HasSubstr("decisions_total{domain=\"d\",outcome=\"allowed\"} 1"));
  EXPECT_THAT(text, HasSubstr("decisions_total{domain=\"d\",outcome=\"limited\"} 1"));
  EXPECT_THAT(text, HasSubstr("decisions_total{domain=\"outbound\",outcome=\"allowed\"} 1"));
}

TEST_F(Also, BothDomainsMustBeWithinBounds) {
  const auto field_of = [](const Ask& ask) { return validate(ask).error().field; };
  EXPECT_TRUE(validate(ask()));
  EXPECT_TRUE(validate(only_also()));
  EXPECT_EQ(field_of({}), "descriptors");
  EXPECT_EQ(field_of({.domain = "d", .also_domain = "outbound", .also = kHost.get()}),
            "descriptors");
  EXPECT_EQ(field_of({.domain = "d", .descriptors = kAcme.get(), .also_domain = "outbound"}),
            "descriptors");
  const Path bad{{{"", "x"}}};
  EXPECT_EQ(field_of(ask(kAcme, bad)), "descriptors");
  EXPECT_EQ(limiter.reserve(ask(), seconds(1), at({})).error().field, "also_domain");
}

}  // namespace
}  // namespace limiter
