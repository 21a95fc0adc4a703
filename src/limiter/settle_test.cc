// Reservations and holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "limiter/limiter.h"
#include "limiter/openings.h"
#include "limiter/test_limits.h"

namespace limiter {
namespace {

constexpr base::Duration kHour = std::chrono::hours(1);
const Path kAcme{{{"tenant", "acme"}}};

class Settling : public TestLimiter {
 public:
  using TestLimiter::TestLimiter;
  Limiter::Opened reserve(int64_t cost, base::Time now, base::Duration ttl = seconds(60)) {
    return limiter.reserve({.domain = "d", .descriptors = kAcme.get(), .cost = cost}, ttl, now)
        .value();
  }
  Limiter::Opened acquire(base::Time now, base::Duration ttl = seconds(60)) {
    return limiter.acquire({.domain = "d", .descriptors = kAcme.get()}, ttl, now).value();
  }
  int64_t left(base::Time now) { return remaining(kAcme, now); }
};

base::Code code_of(const auto& result) { return result.error().code; }

TEST(Reservation, IsChargedAtOnceAndGivesTheRestBack) {
  Settling t({node("tenant", "", {window(100, kHour)})});
  const auto opened = t.reserve(60, at({}));
  EXPECT_EQ(opened.numbers.remaining, 40);
  EXPECT_EQ(t.left(at({})), 40);
  EXPECT_EQ(t.limiter.commit(opened.id, 25, at({})).value(), 25);
  EXPECT_EQ(t.left(at({})), 75);
  EXPECT_EQ(code_of(t.limiter.commit(opened.id, 25, at({}))), base::Code::kNotFound);
  EXPECT_EQ(code_of(t.limiter.cancel(opened.id, at({}))), base::Code::kNotFound);
}

TEST(Reservation, CommittedWithoutACostKeepsWhatItReserved) {
  Settling t({node("tenant", "", {window(100, kHour)})});
  EXPECT_EQ(t.limiter.commit(t.reserve(60, at({})).id, {}, at({})).value(), 60);
  EXPECT_EQ(t.left(at({})), 40);
}

TEST(Reservation, ACommitAboveItChargesUpToTheOverdraft) {
  LimitSpec spec = window(100, kHour);
  spec.overdraft = 50;
  Settling t({node("tenant", "", {spec})});
  EXPECT_EQ(t.limiter.commit(t.reserve(60, at({})).id, 90, at({})).value(), 90);
  EXPECT_EQ(t.left(at({})), 10);
  EXPECT_EQ(t.limiter.commit(t.reserve(10, at({})).id, 1000, at({})).value(), 60);
  EXPECT_EQ(t.left(at({})), 0);
}

TEST(Reservation, EachLimitHasItsOwnOverdraftAndTheLeastIsAnswered) {
  LimitSpec deep = named("deep", window(100, kHour)), flat = named("flat", window(10, kHour));
  deep.overdraft = 1000;
  Settling t({node("tenant", "", {deep, flat})});
  EXPECT_EQ(t.limiter.commit(t.reserve(8, at({})).id, 50, at({})).value(), 10);
  const Answer& after = t.decide(kAcme, 0, at({}));
  EXPECT_EQ(after.limits[0].decision.remaining, 50);
  EXPECT_EQ(after.limits[1].decision.remaining, 0);
}

TEST(Reservation, ACancelGivesBackWhatHasNotLeakedBack) {
  Settling t({node("tenant", "", {gcra(1, seconds(1), 10)})});
  const auto opened = t.reserve(10, at({}));
  EXPECT_EQ(t.left(at(seconds(4))), 4);
  ASSERT_TRUE(t.limiter.cancel(opened.id, at(seconds(4))));
  EXPECT_EQ(t.left(at(seconds(4))), 10);
  const auto again = t.reserve(10, at(seconds(4)));
  EXPECT_EQ(t.reserve(1, at(seconds(4))).id, "");
  ASSERT_TRUE(t.limiter.cancel(again.id, at(seconds(4))));
}

// The same in P2's terms: a unit that leaked back once must not come back a second time.
TEST(Reservation, ACancelGivesNothingBackThatLeakedBackAlready) {
  Settling t({node("tenant", "", {gcra(1, seconds(1), 10)})});
  const auto opened = t.reserve(5, at({}));
  EXPECT_TRUE(t.decide(kAcme, 5, at({})).allowed);
  EXPECT_EQ(t.left(at(seconds(4))), 4);
  ASSERT_TRUE(t.limiter.cancel(opened.id, at(seconds(4))));
  EXPECT_EQ(t.left(at(seconds(4))), 5);
}

TEST(Reservation, LimitsThatCountRequestsKeepOneAtACommit) {
  LimitSpec requests = named("requests", window(10, kHour));
  requests.counts = Counts::kRequests;
  Settling t({node("tenant", "", {requests, named("tokens", window(100, kHour))})});
  EXPECT_EQ(t.limiter.commit(t.reserve(60, at({})).id, 0, at({})).value(), 0);
  EXPECT_EQ(t.decide(kAcme, 0, at({})).limits[1].decision.remaining, 100);
  EXPECT_EQ(t.decide(kAcme, 0, at({})).limits[0].decision.remaining, 7);
  ASSERT_TRUE(t.limiter.cancel(t.reserve(60, at({})).id, at({})));
  EXPECT_EQ(t.decide(kAcme, 0, at({})).limits[0].decision.remaining, 6);
}

TEST(Reservation, OfADescriptorNamedTwiceSettlesBoth) {
  Settling t({node("tenant", "", {window(100, kHour)})});
  const Path twice{{{"tenant", "acme"}}, {{"tenant", "acme"}}};
  const Ask ask{.domain = "d", .descriptors = twice.get(), .cost = 20};
  EXPECT_EQ(t.limiter.commit(t.limiter.reserve(ask, seconds(1), at({}))->id, 5, at({})).value(), 5);
  EXPECT_EQ(t.left(at({})), 90);
  EXPECT_EQ(t.limiter.commit(t.limiter.reserve(ask, seconds(1), at({}))->id, 45, at({})).value(),
            45);
  EXPECT_EQ(t.left(at({})), 0);
}

TEST(Reservation, ARefusalNamesTheLimitAndOpensNothing) {
  Settling t({node("tenant", "", {named("day", window(10, kHour))})}, {.open_max = 1});
  for (int i = 0; i < 3; ++i) {
    const auto refused = t.reserve(11, at({}));
    EXPECT_EQ(refused.id, "");
    EXPECT_EQ(refused.limited_by, "day");
    EXPECT_EQ(refused.numbers.retry_after, limit::kNever);
  }
  EXPECT_NE(t.reserve(1, at({})).id, "");
}

TEST(Reservation, CommitsByItselfWhenItsTimeIsOver) {
  Settling t({node("tenant", "", {window(100, kHour)})});
  const auto early = t.reserve(10, at({}), seconds(5));
  const auto late = t.reserve(10, at({}), seconds(9));
  t.limiter.tick(at(seconds(5)));
  EXPECT_EQ(code_of(t.limiter.cancel(early.id, at(seconds(5)))), base::Code::kNotFound);
  EXPECT_TRUE(t.limiter.cancel(late.id, at(seconds(8))));
  const auto unticked = t.reserve(10, at({}), seconds(5));
  EXPECT_EQ(code_of(t.limiter.commit(unticked.id, 1, at(seconds(5)))), base::Code::kNotFound);
  EXPECT_EQ(t.left(at(seconds(9))), 80);
}

TEST(Reservation, TheNumberOfOpenOnesIsBounded) {
  Settling t({node("tenant", "", {window(100, kHour)})}, {.open_max = 2});
  t.reserve(1, at({}), seconds(5));
  const auto second = t.reserve(1, at({}), seconds(50));
  const Ask ask{.domain = "d", .descriptors = kAcme.get()};
  EXPECT_EQ(code_of(t.limiter.reserve(ask, seconds(1), at({}))), base::Code::kFull);
  EXPECT_EQ(code_of(t.limiter.acquire(ask, seconds(1), at({}))), base::Code::kFull);
  EXPECT_EQ(t.left(at({})), 98);
  t.limiter.tick(at(seconds(5)));
  EXPECT_NE(t.reserve(1, at(seconds(5))).id, "");
  ASSERT_TRUE(t.limiter.cancel(second.id, at(seconds(5))));
  EXPECT_NE(t.reserve(1, at(seconds(5))).id, "");
}

TEST(Reservation, ACommitAfterAReloadSettlesWithTheNewLaw) {
  Settling t({node("tenant", "", {window(100, kHour)})});
  const auto opened = t.reserve(10, at({}));
  t.reload({node("tenant", "", {window(200, kHour)})});
  EXPECT_EQ(t.limiter.commit(opened.id, 60, at({})).value(), 60);
  EXPECT_EQ(t.left(at({})), 140);
  const auto removed = t.reserve(60, at({}));
  t.reload({node("other", "", {window(200, kHour)})});
  EXPECT_EQ(t.limiter.commit(removed.id, 100, at({})).value(), 100);
  t.reload({node("tenant", "", {window(200, kHour)})});
  EXPECT_EQ(t.left(at({})), 80);
}

// Half of the charge leaked back under the old law; by the slower new one all of it would be there.
TEST(Reservation, GivesNothingBackToALimitWhoseLawChanged) {
  Settling t({node("tenant", "", {gcra(1, seconds(1), 10)})});
  const auto cancelled = t.reserve(5, at({})), committed = t.reserve(5, at({}));
  t.reload({node("tenant", "", {gcra(1, kHour, 10)})});
  const base::Time later = at(seconds(5));
  EXPECT_EQ(t.left(later), 5);
  ASSERT_TRUE(t.limiter.cancel(cancelled.id, later));
  EXPECT_EQ(t.limiter.commit(committed.id, 0, later).value(), 0);
  EXPECT_EQ(t.left(later), 5);
}

TEST(Reservation, ThatWasLetThroughUncountedGivesNothingBack) {
  const TableOptions small{.memory_bytes_max = size_t{1} << 20, .when_full = WhenFull::kAllow};
  Settling t({node("tenant", "", {window(100, kHour)})}, {.table = small, .seed = 7});
  const auto each_other = [](auto&& use) {
    for (int i = 0; i < 40'000; ++i) use(Path{{{"tenant", std::to_string(i)}}});
  };
  each_other([&](const Path& path) { t.decide(path, 1, at({})); });
  const auto uncounted = t.reserve(60, at({}));
  EXPECT_EQ(t.left(at({})), 100);
  each_other([&](const Path& path) { ASSERT_TRUE(t.limiter.forget("d", path.first())); });
  t.decide(kAcme, 60, at({}));
  ASSERT_TRUE(t.limiter.cancel(uncounted.id, at({})));
  EXPECT_EQ(t.left(at({})), 40);
}

TEST(Reservation, AShadowThatRefusedIsNotSettled) {
  LimitSpec shadow = named("shadow", window(10, kHour));
  shadow.shadow = true;
  Settling t({node("tenant", "", {named("real", window(100, kHour)), shadow})});
  t.decide(kAcme, 8, at({}));
  ASSERT_TRUE(t.limiter.cancel(t.reserve(5, at({})).id, at({})));
  const Answer& after =
      t.decide({.domain = "d", .descriptors = kAcme.get(), .dry_run = true}, at({}));
  EXPECT_EQ(after.limits[0].decision.remaining, 92);
  EXPECT_EQ(after.limits[1].decision.remaining, 2);
}

TEST(Reservation, OnlyTestsConcurrencyLimits) {
  Settling t({node("tenant", "", {concurrency(1), window(10, kHour)})});
  EXPECT_NE(t.reserve(1, at({})).id, "");
  const auto held = t.acquire(at({}));
  EXPECT_NE(held.id, "");
  EXPECT_EQ(t.reserve(1, at({})).limited_by, "tenant");
}

TEST(Hold, IsTakenUntilItIsReleased) {
  Settling t({node("tenant", "", {concurrency(2)})});
  const auto first = t.acquire(at({})), second = t.acquire(at({}));
  EXPECT_EQ(t.acquire(at({})).limited_by, "tenant");
  ASSERT_TRUE(t.limiter.release(first.id, at({})));
  EXPECT_EQ(code_of(t.limiter.release(first.id, at({}))), base::Code::kNotFound);
  EXPECT_NE(t.acquire(at({})).id, "");
  EXPECT_EQ(t.acquire(at({})).id, "");
  EXPECT_NE(first.id, second.id);
}

TEST(Hold, EndsByItselfUnlessItIsRenewed) {
  Settling t({node("tenant", "", {concurrency(1)})});
  const auto first = t.acquire(at({}), seconds(10));
  ASSERT_TRUE(t.limiter.renew(first.id, seconds(10), at(seconds(5))));
  EXPECT_EQ(t.acquire(at(seconds(14))).id, "");
  EXPECT_EQ(code_of(t.limiter.renew(first.id, seconds(10), at(seconds(15)))),
            base::Code::kNotFound);
  EXPECT_NE(t.acquire(at(seconds(15))).id, "");
}

TEST(Hold, IsCutToTheShortestOfItsLimits) {
  Settling t({node("tenant", "", {concurrency(1, seconds(5)), concurrency(1, seconds(50))})});
  const auto first = t.acquire(at({}), seconds(60));
  ASSERT_TRUE(t.limiter.renew(first.id, seconds(60), at(seconds(4))));
  EXPECT_EQ(t.acquire(at(seconds(8))).id, "");
  EXPECT_NE(t.acquire(at(seconds(9))).id, "");
}

TEST(Hold, IsTakenFromAllLimitsOrNoneTogetherWithRates) {
  Settling t(
      {node("tenant", "", {named("rate", window(10, kHour)), named("slots", concurrency(1))})});
  const auto held = t.acquire(at({}));
  EXPECT_EQ(t.acquire(at({})).limited_by, "slots");
  ASSERT_TRUE(t.limiter.release(held.id, at({})));
  EXPECT_EQ(t.decide(kAcme, 0, at({})).limits[0].decision.remaining, 9);
}

TEST(Hold, OfADescriptorNamedTwiceIsOne) {
  Settling t({node("tenant", "", {concurrency(2)})});
  const Path twice{{{"tenant", "acme"}}, {{"tenant", "acme"}}};
  const Ask ask{.domain = "d", .descriptors = twice.get()};
  EXPECT_NE(t.limiter.acquire(ask, seconds(1), at({}))->id, "");
  EXPECT_NE(t.limiter.acquire(ask, seconds(1), at({}))->id, "");
  EXPECT_EQ(t.limiter.acquire(ask, seconds(1), at({}))->id, "");
}

TEST(Hold, ThatWasForgottenCannotBeRenewed) {
  Settling t({node("tenant", "", {concurrency(1)}), node("user", "", {concurrency(1)})});
  const Path both{{{"tenant", "acme"}}, {{"user", "u"}}};
  const Path user{{{"user", "u"}}};
  const auto held =
      t.limiter.acquire({.domain = "d", .descriptors = both.get()}, seconds(60), at({})).value();
  ASSERT_TRUE(t.limiter.forget("d", kAcme.first()));
  EXPECT_EQ(code_of(t.limiter.renew(held.id, seconds(60), at({}))), base::Code::kNotFound);
  EXPECT_TRUE(t.decide(user, 1, at({})).allowed);
}

TEST(Opening, FaultsNameTheirField) {
  Settling t({node("tenant", "", {window(10, kHour)})}, {.ttl_max = seconds(100)});
  const Ask ask{.domain = "d", .descriptors = kAcme.get()};
  for (const base::Duration ttl : {seconds(0), seconds(-1), seconds(101)}) {
    EXPECT_EQ(t.limiter.reserve(ask, ttl, at({})).error().field, "ttl_ms");
    EXPECT_EQ(t.limiter.acquire(ask, ttl, at({})).error().field, "ttl_ms");
    EXPECT_EQ(t.limiter.renew("h", ttl, at({})).error().field, "ttl_ms");
  }
  EXPECT_EQ(t.limiter.commit("r", -1, at({})).error().field, "cost");
  EXPECT_EQ(t.limiter.reserve({.domain = "d"}, seconds(1), at({})).error().field, "descriptors");
  EXPECT_EQ(
      code_of(t.limiter.reserve({.domain = "x", .descriptors = kAcme.get()}, seconds(1), at({}))),
      base::Code::kNotFound);
}

TEST(Opening, TextThatIsKeptWhileItIsOpenIsBounded) {
  Settling t({node("tenant", "", {window(10, kHour)})});
  for (const size_t over : {size_t{0}, size_t{1}}) {
    const std::string key = "tenant", value(Limiter::kOpeningBytesMax - 3 - key.size() + over, 'v');
    const Path path{{{key, value}}, {{"a", "bc"}}};
    const Ask ask{.domain = "d", .descriptors = path.get()};
    const auto reserved = t.limiter.reserve(ask, seconds(1), at({}));
    const auto acquired = t.limiter.acquire(ask, seconds(1), at({}));
    EXPECT_EQ(reserved.has_value() && acquired.has_value(), over == 0);
    if (over == 0) continue;
    EXPECT_EQ(reserved.error().code, base::Code::kInvalid);
    EXPECT_EQ(reserved.error().field, "descriptors");
    EXPECT_THAT(reserved.error().what, ::testing::HasSubstr("4096"));
    EXPECT_EQ(acquired.error().field, "descriptors");
  }
}

TEST(Opening, IdsOfAnotherKindOrOfNothingAreNotFound) {
  Settling t({node("tenant", "", {concurrency(5)})});
  const auto reserved = t.reserve(1, at({}));
  const auto held = t.acquire(at({}));
  EXPECT_EQ(code_of(t.limiter.release(reserved.id, at({}))), base::Code::kNotFound);
  EXPECT_EQ(code_of(t.limiter.commit(held.id, {}, at({}))), base::Code::kNotFound);
  for (const char* id : {"", "r", "h", "x", "r0123"}) {
    EXPECT_EQ(code_of(t.limiter.commit(id, {}, at({}))), base::Code::kNotFound);
    EXPECT_EQ(code_of(t.limiter.renew(id, seconds(1), at({}))), base::Code::kNotFound);
  }
  EXPECT_TRUE(t.limiter.release(held.id, at({})));
}

TEST(Ids, AreShortLettersFirstAndDifferInEveryLife) {
  Ids one(1), two(2);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    for (Ids* ids : {&one, &two}) {
      const auto id = ids->next(OpenKind::kHold);
      EXPECT_EQ(id.text.front(), 'h');
      EXPECT_LE(id.text.size(), 48u);
      EXPECT_TRUE(seen.insert(id.text.substr(1, 16)).second);
    }
  }
}

TEST(SipHash, AgreesWithItsAuthorsVector) {
  const SipKey key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  EXPECT_EQ(siphash(key, 0x0706050403020100u), 0x93f5f5799a932462u);
}

}  // namespace
}  // namespace limiter
