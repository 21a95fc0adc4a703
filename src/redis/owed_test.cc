#include "redis/owed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

namespace redis {
namespace {

using testing::ElementsAre;

constexpr size_t kPlenty = size_t{1} << 20;
base::Duration at(int64_t n) { return base::Duration(n); }

CallPtr call(const std::string& bytes, int64_t until, bool asking = false) {
  auto out = std::make_unique<Call>();
  out->bytes = bytes;
  out->until = at(until);
  out->asking = asking;
  return out;
}

std::string give(Owed& owed, size_t bytes_max = kPlenty) {
  std::string out;
  owed.give(out, bytes_max, at(0));
  return out;
}

std::string answered(Owed& owed) {
  const CallPtr got = owed.answered();
  return got ? got->bytes : "nobody";
}

std::vector<std::string> names(const std::vector<Owed::Ended>& ended) {
  std::vector<std::string> out;
  for (const Owed::Ended& each : ended) out.push_back(each.call->bytes + (each.given ? "!" : ""));
  return out;
}

TEST(RedisOwed, RepliesGoToTheCallsInTheirOrder) {
  Owed owed;
  owed.add(call("a", 10));
  owed.add(call("b", 5));
  EXPECT_FALSE(owed.awaits()) << "nothing has been given";
  EXPECT_EQ(give(owed), "ab");
  owed.add(call("c", 7));
  EXPECT_EQ(give(owed), "c");
  EXPECT_EQ(give(owed), "");
  EXPECT_EQ(answered(owed), "a");
  EXPECT_EQ(answered(owed), "b");
  EXPECT_EQ(answered(owed), "c");
  EXPECT_FALSE(owed.awaits());
  EXPECT_EQ(owed.size(), 0u);
}

TEST(RedisOwed, ALateReplyFindsItsPlaceEmptyAndHoldsUpNobody) {
  Owed owed;
  owed.add(call("a", 5));
  owed.add(call("b", 9));
  give(owed);
  EXPECT_THAT(names(owed.expire(at(5))), ElementsAre("a!"));
  EXPECT_EQ(owed.size(), 2u) << "its place is still owed";
  EXPECT_EQ(answered(owed), "nobody");
  EXPECT_EQ(answered(owed), "b");
}

TEST(RedisOwed, WhatEndsBeforeItIsGivenIsNeverGiven) {
  Owed owed;
  owed.add(call("a", 9));
  owed.add(call("b", 5));
  owed.add(call("c", 9));
  EXPECT_THAT(names(owed.expire(at(6))), ElementsAre("b"));
  EXPECT_EQ(owed.size(), 2u);
  EXPECT_EQ(give(owed), "ac");
  EXPECT_EQ(answered(owed), "a");
  EXPECT_EQ(answered(owed), "c");
}

TEST(RedisOwed, OnlySoManyBytesAreGivenAtOnce) {
  Owed owed;
  for (const char* each : {"aaaa", "bbbb", "cccc"}) owed.add(call(each, 9));
  EXPECT_EQ(give(owed, 5), "aaaabbbb");
  EXPECT_THAT(names(owed.abandon()), ElementsAre("aaaa!", "bbbb!", "cccc"));
  EXPECT_EQ(owed.size(), 0u);
  EXPECT_FALSE(owed.awaits());
  EXPECT_EQ(owed.next_deadline(), base::Duration::max());
}

TEST(RedisOwed, AskingGoesBeforeItsCallAndItsReplyIsNobodys) {
  Owed owed;
  owed.add(call("a", 9, true));
  owed.add(call("b", 9));
  EXPECT_EQ(give(owed), "*1\r\n$6\r\nASKING\r\nab");
  EXPECT_EQ(answered(owed), "nobody");
  EXPECT_EQ(answered(owed), "a");
  EXPECT_EQ(answered(owed), "b");
}

TEST(RedisOwed, TheHeapOfDeadlinesStaysAsSmallAsWhatIsOwed) {
  Owed owed;
  owed.add(call("first", 1'000'000));
  for (int i = 0; i < 100'000; ++i) {
    owed.add(call("x", 1'000'000));
    give(owed);
    answered(owed);
  }
  EXPECT_LT(owed.deadlines(), 2'000u);
  EXPECT_THAT(names(owed.expire(at(2'000'000))), ElementsAre("x!"));
}

// Whatever happens, every call ends once, in the right way, and none after its deadline was looked
// at.
RC_GTEST_PROP(RedisOwed, EveryCallEndsOnce, ()) {
  Owed owed;
  std::vector<int> ends(300, 0);
  std::vector<std::string> wire;  // Given and not answered yet.
  int64_t now = 0;
  size_t made = 0;
  const auto end = [&](const Call& each) { ++ends[std::stoul(each.bytes)]; };
  for (int step = 0; step < 300; ++step) {
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
      case 1:
        owed.add(call(std::to_string(made++) + " ", now + *rc::gen::inRange(1, 30)));
        break;
      case 2: {
        std::string out;
        owed.give(out, *rc::gen::inRange<size_t>(1, 20), at(now));
        for (size_t from = 0; from < out.size();) {
          const size_t to = out.find(' ', from) + 1;
          wire.push_back(out.substr(from, to - from));
          from = to;
        }
        break;
      }
      case 3:
        if (wire.empty()) break;
        RC_ASSERT(owed.awaits());
        if (const CallPtr got = owed.answered()) {
          RC_ASSERT(got->bytes == wire.front());
          end(*got);
        }
        wire.erase(wire.begin());
        break;
      default:
        now += *rc::gen::inRange(0, 10);
        for (const Owed::Ended& each : owed.expire(at(now))) {
          RC_ASSERT(each.call->until <= at(now));
          RC_ASSERT(each.given == (std::ranges::count(wire, each.call->bytes) == 1));
          end(*each.call);
        }
        RC_ASSERT(owed.next_deadline() > at(now));
    }
  }
  for (const Owed::Ended& each : owed.abandon()) end(*each.call);
  for (size_t i = 0; i < made; ++i) RC_ASSERT(ends[i] == 1);
}

}  // namespace
}  // namespace redis
