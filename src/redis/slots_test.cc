#include "redis/slots.h"

#include <gtest/gtest.h>

namespace redis {
namespace {

constexpr Reply::Kind kList = Reply::Kind::kList;
Reply text(std::string words) { return {.kind = Reply::Kind::kText, .text = std::move(words)}; }
Reply integer(int64_t n) { return {.kind = Reply::Kind::kInteger, .integer = n}; }
Reply list(std::vector<Reply> of) { return {.kind = kList, .list = std::move(of)}; }
const Node kAsked{"10.0.0.9", 7000};

TEST(RedisSlots, AreThoseOfTheServer) {  // As CLUSTER KEYSLOT says.
  EXPECT_EQ(slot_of("123456789"), 0x31c3u);
  EXPECT_EQ(slot_of(""), 0u);
  EXPECT_EQ(slot_of("foo"), 12182u);
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("{user1000}.followers"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar")) << "an empty tag is none";
}

TEST(RedisSlots, ARedirectNamesSlotAndNode) {
  const std::optional<Redirect> moved = parse_redirect("MOVED 3999 127.0.0.1:6381", kAsked);
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->ask);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->to, (Node{"127.0.0.1", 6381}));
  const std::optional<Redirect> ask = parse_redirect("ASK 1 ::1:7", kAsked);
  ASSERT_TRUE(ask);
  EXPECT_TRUE(ask->ask);
  EXPECT_EQ(ask->to, (Node{"::1", 7}));
  EXPECT_EQ(parse_redirect("MOVED 1 :6381", kAsked)->to, (Node{"10.0.0.9", 6381}));
  EXPECT_EQ(parse_redirect("MOVED 1 redis-1.test:6381", kAsked)->to, (Node{"redis-1.test", 6381}));
}

TEST(RedisSlots, WhatIsNoRedirectIsNone) {
  for (const char* error : {"", "ERR no", "MOVED", "MOVED 1", "MOVED x a:1", "MOVED 16384 a:1",
                            "MOVED -1 a:1", "ASK 1 a", "ASK 1 a:", "ASK 1 a:0", "ASK 1 a:65536"}) {
    EXPECT_FALSE(parse_redirect(error, kAsked)) << error;
  }
}

TEST(RedisSlots, AMapKnowsTheMasterOfEverySlotItWasTold) {
  const Reply reply =
      list({list({integer(0), integer(99), list({text("a"), integer(1), text("id")}),
                  list({text("replica"), integer(9), text("id")})}),
            list({integer(200), integer(200), list({text(""), integer(2), text("id"), list({})})}),
            list({integer(300), integer(400), list({text("?"), integer(3), text("id")})}),
            list({integer(500), integer(16383), list({text("a"), integer(1), text("id")})})});
  std::optional<SlotMap> map = SlotMap::of(reply, kAsked);
  ASSERT_TRUE(map);
  EXPECT_EQ(map->masters().size(), 2u);
  EXPECT_EQ(*map->owner(0), (Node{"a", 1}));
  EXPECT_EQ(*map->owner(99), (Node{"a", 1}));
  EXPECT_EQ(map->owner(100), nullptr);
  EXPECT_EQ(*map->owner(200), (Node{"10.0.0.9", 2})) << "the host that was asked";
  EXPECT_EQ(map->owner(300), nullptr) << "a host that nobody knows";
  EXPECT_EQ(*map->owner(16383), (Node{"a", 1}));
  map->move(100, {"b", 3});
  EXPECT_EQ(*map->owner(100), (Node{"b", 3}));
  EXPECT_EQ(*map->owner(99), (Node{"a", 1}));
}

TEST(RedisSlots, WhatIsNoMapIsNone) {
  EXPECT_FALSE(SlotMap::of({.kind = Reply::Kind::kError, .text = "ERR no cluster"}, kAsked));
  EXPECT_FALSE(SlotMap::of(list({}), kAsked));
  const Reply node = list({text("a"), integer(1), text("id")});
  for (const Reply& range :
       {integer(1), list({integer(0), integer(1)}), list({integer(0), integer(16384), node}),
        list({integer(-1), integer(5), node}), list({integer(6), integer(5), node}),
        list({text("0"), integer(5), node}), list({integer(0), integer(5), text("a")}),
        list({integer(0), integer(5), list({text("a"), integer(0)})})}) {
    EXPECT_FALSE(SlotMap::of(list({range}), kAsked));
  }
}

}  // namespace
}  // namespace redis
