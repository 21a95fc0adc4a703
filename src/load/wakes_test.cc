#include "load/wakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace load {
namespace {

using testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;
const Law kLaw{.count = 100, .burst = 1, .period = std::chrono::seconds(1)};

base::Time ms(int64_t value) { return base::time_from(value * kMs); }

Admitted passed(int64_t from, int64_t to, int64_t there, uint64_t queue = 0) {
  return {queue, ms(from), ms(to), true, ms(there)};
}

Work work() {
  Work work;
  work.spelling.queue = "q";
  return work;
}

std::string lines_of(const std::vector<Admitted>& all, const std::vector<InVain>& in_vain = {}) {
  return wake_lines(work(), kLaw, all, in_vain);
}

// Ten milliseconds behind the delivery before it; a burst of the law beside the five seconds.
TEST(Wakes, ADeliveryThatTheLimitHeldUpWasPromisedAtTheInstantItWasFree) {
  EXPECT_EQ(lines_of({passed(100, 101, 50), passed(102, 113, 50)}),
            "wake 111000000 q within=5010\n");
}

TEST(Wakes, ABurstIsLeftBeforeAnybodyWaits) {
  const Law law{.count = 100, .burst = 3, .period = std::chrono::seconds(1)};
  const std::vector<Admitted> all = {passed(100, 100, 50), passed(100, 100, 50),
                                     passed(100, 100, 50), passed(100, 111, 50)};
  EXPECT_EQ(wake_lines(work(), law, all, {}), "wake 110000000 q within=5030\n");
}

TEST(Wakes, WithoutAMessageThatWasThereNothingIsPromised) {
  EXPECT_EQ(lines_of({passed(100, 101, 50), passed(102, 113, 112)}), "");
  const Admitted unknown{0, ms(102), ms(113), true};
  EXPECT_EQ(lines_of({passed(100, 101, 50), unknown}), "");
}

TEST(Wakes, WithoutAConsumerNothingIsPromised) {
  EXPECT_EQ(lines_of({passed(100, 101, 50), passed(112, 113, 50)}), "");
}

// Whoever got it came too late to be woken, but another one had waited and was told of nothing.
TEST(Wakes, AConsumerThatWaitedInVainWasToBeWokenToo) {
  const std::vector<Admitted> all = {passed(100, 101, 50), passed(9000, 9001, 50)};
  EXPECT_EQ(lines_of(all, {{0, ms(105), ms(8000)}}), "wake 111000000 q within=5010\n");
  EXPECT_EQ(lines_of(all, {{0, ms(105), ms(8000)}, {0, ms(106), ms(107)}}),
            "wake 111000000 q within=5010\n");
  EXPECT_EQ(lines_of(all, {{0, ms(112), ms(8000)}}), "");
  EXPECT_EQ(lines_of(all, {{0, ms(105), ms(110)}}), "");
  EXPECT_EQ(lines_of(all, {{1, ms(105), ms(8000)}}), "");
}

TEST(Wakes, EachQueueHasALimitOfItsOwn) {
  Work two = work();
  two.spelling.queues = 2;
  const std::string lines = wake_lines(two, kLaw,
                                       {passed(100, 101, 50, 0), passed(100, 113, 50, 0),
                                        passed(100, 102, 50, 1), passed(100, 114, 50, 1)},
                                       {});
  EXPECT_THAT(lines, HasSubstr("wake 111000000 " + two.spelling.queue_name(0) + ' '));
  EXPECT_THAT(lines, HasSubstr("wake 112000000 " + two.spelling.queue_name(1) + ' '));
}

TEST(Wakes, HowLongAMessageWaitedIsReadFromTheServersOwnStamps) {
  const Message one{.attempt = 1, .enqueued_ms = 1000, .until_ms = 31'050};
  EXPECT_EQ(surely_there(one, 30'000, ms(500)), ms(500 - 49));
  EXPECT_EQ(surely_there(one, 0, ms(500)), base::Time::max());
  Message again = one;
  again.attempt = 2;  // Since when it could be had again is not said.
  EXPECT_EQ(surely_there(again, 30'000, ms(500)), base::Time::max());
}

}  // namespace
}  // namespace load
