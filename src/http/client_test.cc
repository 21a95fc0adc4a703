#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/loopback_bed.h"

namespace http {
namespace {

using loopback_bed::always;
using loopback_bed::Bed;
using loopback_bed::Peer;
using loopback_bed::Server;
using testing::HasSubstr;
using testing::Not;

TEST(Client, GetsAnAnswerWithItsFields) {
  std::string seen;
  Server server([&](Peer& peer) {
    seen = peer.request();
    peer.send(
        "HTTP/1.1 429 Too Many\r\nContent-Length: 5\r\nRetry-After:  7 \r\nRateLimit: \"a\";r=1\r\n"
        "ratelimit: \"b\";r=0\r\nAge: 3\r\nLocation: /x\r\n\r\nhello");
  });
  Bed bed;
  const Field fields[] = {
      {"X-One", "1"}, {"X-None", ""}, {"Host", "evil"}, {"content-length", "9"}};
  const Response answer = bed.fetch(server.url("/a?b=c"), {.fields = fields, .kept_bytes = 4});
  EXPECT_EQ(answer.failure, Failure::kNone) << answer.error;
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.body, "hell");
  EXPECT_EQ(answer.body_bytes, 5u);
  EXPECT_EQ(answer.retry_after, "7");
  EXPECT_EQ(answer.ratelimit, "\"a\";r=1, \"b\";r=0");
  EXPECT_EQ(answer.age, "3");
  EXPECT_EQ(answer.location, "/x");
  EXPECT_THAT(seen, testing::StartsWith("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(seen, HasSubstr("X-One: 1\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-None:\r\n"));
  EXPECT_THAT(seen, HasSubstr("User-Agent: ratelimmq/"));
  EXPECT_THAT(seen, HasSubstr("Accept-Encoding: gzip"));
  EXPECT_THAT(seen, Not(HasSubstr("evil")));
  EXPECT_THAT(seen, Not(HasSubstr("ength: 9")));
}

}  // namespace
}  // namespace http
