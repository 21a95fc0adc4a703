#include "redis/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redis {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RedisUrl, SaysHostPortUserAndDatabase) {
  const Options whole = *parse_url("redis://ann:s%40cret@cache.test:6380/7");
  EXPECT_EQ(whole.nodes, (std::vector<Node>{{"cache.test", 6380}}));
  EXPECT_EQ(whole.user, "ann");
  EXPECT_EQ(whole.password, "s@cret");
  EXPECT_EQ(whole.database, 7);
  EXPECT_FALSE(whole.tls.on);
}

TEST(RedisUrl, WhatIsNotSaidIsTheUsual) {
  const Options bare = *parse_url("redis://localhost");
  EXPECT_EQ(bare.nodes, (std::vector<Node>{{"localhost", 6379}}));
  EXPECT_EQ(bare.user + bare.password, "");
  EXPECT_EQ(bare.database, 0);
  EXPECT_EQ(parse_url("redis://:secret@h/")->password, "secret");
  EXPECT_EQ(parse_url("redis://:secret@h/")->user, "");
}

TEST(RedisUrl, TwoLettersSTurnOnTls) { EXPECT_TRUE(parse_url("rediss://h:1")->tls.on); }

TEST(RedisUrl, Ipv6StandsInBrackets) {
  EXPECT_EQ(parse_url("redis://[::1]:7000")->nodes, (std::vector<Node>{{"::1", 7000}}));
}

TEST(RedisUrl, AFaultyOneIsRefusedAndNotRepeated) {
  for (const char* url :
       {"", "http://h", "redis:/h", "redis://", "redis://:secret@", "redis://secret@h:0",
        "redis://secret@h:65536", "redis://secret@h/x", "redis://secret@h/-1", "redis://secret@::1",
        "redis://sec%2ret@h", "redis://secret%4@h", "redis://secret@h?ssl=1",
        "redis://secret@h/1/2", "redis://secret@h/99999999999"}) {
    const base::Result<Options> parsed = parse_url(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code, base::Code::kInvalid);
    EXPECT_EQ(parsed.error().field, "url");
    EXPECT_THAT(parsed.error().what, Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace redis
