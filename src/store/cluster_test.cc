// A real cluster: the states of one decision in one slot, or each in its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/ticket_bed.h"

namespace store {
namespace {

using limiter::concurrency;
using limiter::DecidedBy;
using limiter::gcra;
using limiter::named;
using limiter::node;
using limiter::window;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ClusterTest : public ::testing::TestWithParam<Placement> {
 protected:
  static void SetUpTestSuite() { cluster_ = std::make_unique<redis_bed::TestCluster>(3, 1); }
  static void TearDownTestSuite() { cluster_.reset(); }

  std::unique_ptr<Instance> instance(std::vector<limiter::NodeSpec> nodes) {
    Options options = test_options(cluster_->node(0).port());
    options.redis.layout = redis::Layout::kCluster;
    options.placement = GetParam();
    options.seed = ++seed_;
    options.prefix = "p" + std::to_string(seed_);
    auto made = std::make_unique<Instance>(options, std::move(nodes));
    made->wait_until_up();
    CHECK(redis_bed::wait_until([&] {
      return made->decide(Path{{{"warm", "x"}}}).by == DecidedBy::kStore;
    }));
    return made;
  }

  static std::unique_ptr<redis_bed::TestCluster> cluster_;
  static inline uint64_t seed_ = 100;
};
std::unique_ptr<redis_bed::TestCluster> ClusterTest::cluster_;

std::vector<limiter::NodeSpec> nodes() {
  return {node("k", "", {named("rate", gcra(1, hours(1), 40)), named("cap", concurrency(30))}),
          node("j", "", {window(5, hours(1))}), node("warm", "")};
}

TEST_P(ClusterTest, ADecisionOverManyStatesChargesAllOrNone) {
  const auto a = instance(nodes());
  for (int i = 0; i < 12; ++i) {
    const std::string x = "x" + std::to_string(i), y = "y" + std::to_string(i);
    const Path both{{{"k", x}}, {{"j", y}}}, k{{{"k", x}}}, j{{{"j", y}}};
    for (int n = 0; n < 5; ++n) ASSERT_TRUE(a->decide(both).allowed) << i;
    const Said refused = a->decide(both);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.by, DecidedBy::kStore);
    EXPECT_EQ(refused.limited_by, "j");
    // What one slot charged for the one that was refused comes back.
    EXPECT_TRUE(redis_bed::wait_until([&] { return a->decide(k, 0).rows[0].remaining == 35; }))
        << a->decide(k, 0).rows[0].remaining;
  }
}

TEST_P(ClusterTest, ReservationsHoldsAndBlocksWorkOverSlots) {
  const auto a = instance(nodes());
  const Path both{{{"k", "x"}}, {{"j", "y"}}}, k{{{"k", "x"}}}, j{{{"j", "y"}}};
  const auto reservation = a->reserve(both, 4);
  ASSERT_TRUE(reservation && !reservation->id.empty());
  EXPECT_EQ(a->commit(reservation->id, 1).value(), 1);
  EXPECT_EQ(a->decide(j, 0).numbers.remaining, 4);
  EXPECT_EQ(a->decide(k, 0).rows[0].remaining, 39);

  const auto hold = a->acquire(both, seconds(30));
  ASSERT_TRUE(hold && !hold->id.empty());
  EXPECT_LE(hold->id.size(), 48u);
  EXPECT_EQ(a->decide(k, 0).rows[1].remaining, 29);
  EXPECT_TRUE(a->renew(hold->id, seconds(20)));
  EXPECT_TRUE(a->release(hold->id));
  EXPECT_EQ(a->decide(k, 0).rows[1].remaining, 30);

  ASSERT_TRUE(a->block(k, seconds(9)));
  EXPECT_EQ(a->decide(both).limited_by, "blocked");
  EXPECT_TRUE(a->decide(j, 0).allowed);
  EXPECT_TRUE(redis_bed::wait_until([&] { return a->decide(j, 0).numbers.remaining == 3; }));
  ASSERT_TRUE(a->forget(k));
  EXPECT_TRUE(a->decide(both).allowed);
  EXPECT_EQ(a->why(both)->rows.size(), 3u);
}

TEST_P(ClusterTest, TwoDomainsAreChargedTogether) {
  const auto a = instance(nodes());
  std::vector<limiter::DomainSpec> specs;
  specs.push_back(limiter::domain({node("k", "", {window(9, hours(1))})}));
  specs.push_back(limiter::domain({node("host", "", {window(3, hours(1))})}, "outbound"));
  a->reload_domains(std::move(specs));
  const Path k{{{"k", "x"}}}, host{{{"host", "h"}}};
  const limiter::Ask ask{
      .domain = "d", .descriptors = k.get(), .also_domain = "outbound", .also = host.get()};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(a->decide(ask).allowed);
  EXPECT_EQ(a->decide(ask).limited_by, "host");
  EXPECT_TRUE(redis_bed::wait_until([&] { return a->decide(k, 0).numbers.remaining == 6; }));
}

TEST_P(ClusterTest, TicketsOfADeliveryAreTakenOverSlots) {
  const auto a = instance(nodes());
  TicketShard shard(*a, "n");
  const Path both{{{"k", "x"}}, {{"j", "y"}}}, k{{{"k", "x"}}};
  const limiter::Ask ask{.domain = "d", .descriptors = both.get()};
  const auto rate = [&] { return a->decide(k, 0).rows[0].remaining; };
  const auto held = [&] { return 30 - a->decide(k, 0).rows[1].remaining; };
  for (uint64_t id = 1; id <= 5; ++id) ASSERT_FALSE(shard.take(ask, TicketShard::hold(id)));
  const auto refused = shard.take(ask, TicketShard::hold(6));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limited_by, "j");
  EXPECT_TRUE(redis_bed::wait_until([&] { return rate() == 35 && held() == 5; }));

  shard.get().release(ask, 1, shard.now());
  ASSERT_TRUE(a->run([&] { return shard.common.owed.value() == 0; }));
  EXPECT_EQ(held(), 4);
  TicketShard again(*a, "n");  // As after a restart.
  again.get().restore(ask, 2, again.now() + seconds(60), again.now());
  ASSERT_TRUE(a->run([&] { return again.common.owed.value() == 0; }));
  EXPECT_EQ(held(), 4);

  // What nobody uses goes back to every slot.
  const limiter::Ask free{.domain = "d", .descriptors = k.get(), .cost = 3};
  ASSERT_TRUE(again.once(free, TicketShard::hold(9))->asking);
  ASSERT_TRUE(a->run([&] { return again.common.returned.value() == 1; }));
  EXPECT_TRUE(redis_bed::wait_until([&] { return rate() == 35 && held() == 4; }));
}

INSTANTIATE_TEST_SUITE_P(Placements, ClusterTest,
                         ::testing::Values(Placement::kDomain, Placement::kSpread),
                         [](const auto& value) {
                           return value.param == Placement::kDomain ? "Domain" : "Spread";
                         });

}  // namespace
}  // namespace store
