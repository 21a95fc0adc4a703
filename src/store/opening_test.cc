// Reservations and holds: what one instance opens any other can end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/record.h"
#include "store/test_store.h"

namespace store {
namespace {

using limiter::concurrency;
using limiter::gcra;
using limiter::LimitSpec;
using limiter::named;
using limiter::node;
using limiter::window;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class OpeningTest : public ::testing::Test {
 protected:
  std::unique_ptr<Instance> instance(std::vector<limiter::NodeSpec> nodes, uint64_t seed) {
    Options options = test_options(server.port());
    options.seed = seed;
    auto made = std::make_unique<Instance>(options, std::move(nodes));
    made->wait_until_up();
    return made;
  }

  redis_bed::TestServer server;
};

TEST_F(OpeningTest, AReservationOfOneInstanceIsCommittedByAnother) {
  LimitSpec law = gcra(1, hours(1), 20);
  law.overdraft = 3;
  const auto a = instance({node("k", "", {law})}, 1);
  const auto b = instance({node("k", "", {law})}, 2);
  const Path path{{{"k", "x"}}};
  const auto opened = a->reserve(path, 8);
  ASSERT_TRUE(opened);
  EXPECT_LE(opened->id.size(), 48u);
  EXPECT_EQ(opened->id.front(), 'r');
  EXPECT_EQ(opened->numbers.remaining, 12);
  EXPECT_EQ(b->commit(opened->id, 3).value(), 3);
  EXPECT_EQ(b->decide(path, 0).numbers.remaining, 17);
  EXPECT_EQ(a->commit(opened->id, 3).error().code, base::Code::kNotFound);

  const auto more = b->reserve(path, 10);
  ASSERT_TRUE(more);
  EXPECT_EQ(a->commit(more->id, 25).value(), 20);  // 7 that were left, and 3 beyond.
  EXPECT_FALSE(a->decide(path).allowed);

  const auto third = a->reserve(Path{{{"k", "y"}}}, 20);
  ASSERT_TRUE(third);
  EXPECT_TRUE(b->cancel(third->id));
  EXPECT_EQ(b->decide(Path{{{"k", "y"}}}, 0).numbers.remaining, 20);
  EXPECT_EQ(a->cancel(third->id).error().code, base::Code::kNotFound);
}

TEST_F(OpeningTest, HoldsEndWhereverTheyAreEnded) {
  const auto a = instance({node("k", "", {concurrency(2, seconds(60))})}, 1);
  const auto b = instance({node("k", "", {concurrency(2, seconds(60))})}, 2);
  const Path path{{{"k", "x"}}};
  const auto one = a->acquire(path, seconds(30)), two = b->acquire(path, milliseconds(300));
  ASSERT_TRUE(one && two);
  const auto refused = a->acquire(path, seconds(1));
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->id.empty());
  EXPECT_EQ(refused->limited_by, "k");
  EXPECT_LE(refused->numbers.retry_after, milliseconds(300));
  EXPECT_FALSE(b->decide(path).allowed);  // Tested, not taken.
  EXPECT_TRUE(a->renew(two->id, seconds(20)));
  EXPECT_TRUE(b->release(one->id));
  EXPECT_EQ(a->release(one->id).error().code, base::Code::kNotFound);
  EXPECT_TRUE(b->decide(path).allowed);
  EXPECT_TRUE(b->acquire(path, seconds(1)).value().limited_by.empty());
  EXPECT_TRUE(a->acquire(path, seconds(1)).value().id.empty());
  EXPECT_TRUE(a->release(two->id));
}

TEST_F(OpeningTest, AHoldOfAHolderThatVanishedEndsByItself) {
  const auto a = instance({node("k", "", {concurrency(1)})}, 1);
  const Path path{{{"k", "x"}}};
  const base::Time taken = a->clock.now();
  const auto hold = a->acquire(path, milliseconds(200));
  ASSERT_TRUE(hold);
  EXPECT_TRUE(a->acquire(path, seconds(1)).value().id.empty());
  EXPECT_TRUE(
      redis_bed::wait_until([&] { return !a->acquire(path, seconds(9)).value().id.empty(); }));
  EXPECT_GE(a->clock.now() - taken, milliseconds(199));
  EXPECT_EQ(a->renew(hold->id, seconds(1)).error().code, base::Code::kNotFound);
}

TEST_F(OpeningTest, AHoldThatWasForgottenEndsAsAWhole) {
  const auto a = instance({node("k", "", {concurrency(1)}), node("j", "", {concurrency(1)})}, 1);
  const Path both{{{"k", "x"}}, {{"j", "y"}}}, k{{{"k", "x"}}}, j{{{"j", "y"}}};
  const auto hold = a->acquire(both, seconds(30));
  ASSERT_TRUE(hold && !hold->id.empty());
  ASSERT_TRUE(a->forget(k));
  EXPECT_EQ(a->renew(hold->id, seconds(30)).error().code, base::Code::kNotFound);
  EXPECT_TRUE(a->decide(j).allowed);
  EXPECT_EQ(a->release(hold->id).error().code, base::Code::kNotFound);
}

TEST_F(OpeningTest, AReleaseGivesBackHoldsAndNotRates) {
  const auto a = instance(
      {node("k", "", {named("cap", concurrency(3)), named("rate", window(2, hours(1)))})}, 1);
  const Path path{{{"k", "x"}}};
  for (int i = 0; i < 2; ++i) {
    const auto hold = a->acquire(path, seconds(30));
    ASSERT_TRUE(hold && !hold->id.empty());
    ASSERT_TRUE(a->release(hold->id));
  }
  EXPECT_EQ(a->acquire(path, seconds(30))->limited_by, "rate");
}

TEST_F(OpeningTest, ACancelAfterAReloadGivesBackNothing) {
  const auto a = instance({node("k", "", {named("n", gcra(1, hours(1), 10))})}, 1);
  const Path path{{{"k", "x"}}};
  const auto opened = a->reserve(path, 4);
  ASSERT_TRUE(opened);
  a->reload({node("k", "", {named("n", gcra(2, hours(1), 10))})});
  EXPECT_TRUE(a->cancel(opened->id));
  EXPECT_EQ(a->decide(path, 0).numbers.remaining, 6);
}

TEST_F(OpeningTest, IdsOfNothingAreNotFound) {
  const auto a = instance({node("k", "", {gcra(1, hours(1), 10)})}, 1);
  const std::string good = a->reserve(Path{{{"k", "x"}}}, 1)->id;
  for (const std::string& id :
       {std::string(), std::string("r"), std::string(200, 'r'), "h" + good.substr(1), good + "x",
        "r" + std::string(32, '0') + ".d", std::string("r*{}\r\n")}) {
    EXPECT_EQ(a->commit(id, 1).error().code, base::Code::kNotFound) << id;
    EXPECT_EQ(a->release(id).error().code, base::Code::kNotFound) << id;
  }
  EXPECT_EQ(a->renew("h", {}).error().field, "ttl_ms");
  EXPECT_EQ(a->commit(good, -1).error().field, "cost");
  EXPECT_TRUE(a->commit(good, std::nullopt));
}

TEST(Record, IsReadAsItWasWrittenAndNothingElseIs) {
  Record record{
      .domain = "api", .descriptors = {{{"k", "v"}, {"", "x"}}, {}}, .cost = 7, .charges = {}};
  record.charges.push_back({.name = "rl{api}s",
                            .law = "law",
                            .at = 1,
                            .cost = 2,
                            .times = 3,
                            .counts_cost = false,
                            .hold = true});
  const std::string bytes = record.encode();
  const auto read = Record::decode(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->encode(), bytes);
  EXPECT_TRUE(read->charges.front().hold);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Record::decode(std::string_view(bytes).substr(0, size))) << size;
  }
  std::string huge = bytes;
  for (size_t i = 1; i < huge.size(); ++i) {
    const char was = std::exchange(huge[i], static_cast<char>(0x7f));
    Record::decode(huge);  // Reads nothing beyond, and asks for no more memory than there is.
    huge[i] = was;
  }
}

}  // namespace
}  // namespace store
