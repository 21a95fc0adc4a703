#include "redis/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/call.h"

namespace redis {
namespace {

using Now = Handshake::Now;
const Reply kOk{.kind = Reply::Kind::kText, .text = "OK"};
const Reply kMap{.kind = Reply::Kind::kList};
const Reply kUnknown{.kind = Reply::Kind::kError, .text = "ERR unknown command `HELLO`"};
Reply error(std::string words) { return {.kind = Reply::Kind::kError, .text = std::move(words)}; }
Reply role(const std::string& words) {
  return {.kind = Reply::Kind::kList, .list = {{.kind = Reply::Kind::kText, .text = words}}};
}

TEST(RedisHandshake, OneCommandSaysItAll) {
  const Handshake::Terms terms{.user = "ann", .password = "secret", .name = "me"};
  Handshake handshake(terms);
  EXPECT_EQ(handshake.begin(),
            command_of({"HELLO", "3", "AUTH", "ann", "secret", "SETNAME", "me"}));
  std::string out;
  EXPECT_EQ(handshake.take(kMap, out), Now::kReady);
  EXPECT_EQ(out, "");
}

TEST(RedisHandshake, APasswordAloneIsTheDefaultUsers) {
  const Handshake::Terms terms{.password = "secret", .name = "me"};
  EXPECT_THAT(Handshake(terms).begin(), testing::HasSubstr(command_of({"default"}).substr(4)));
}

TEST(RedisHandshake, DatabaseAndRoleAreAskedForTogether) {
  const Handshake::Terms terms{.name = "me", .database = 3, .master = true};
  Handshake handshake(terms);
  handshake.begin();
  std::string out;
  EXPECT_EQ(handshake.take(kMap, out), Now::kMore);
  EXPECT_EQ(out, command_of({"SELECT", "3"}) + command_of({"ROLE"}));
  EXPECT_EQ(handshake.take(kOk, out), Now::kMore);
  EXPECT_EQ(handshake.take(role("master"), out), Now::kReady);
}

TEST(RedisHandshake, AnOldServerIsSpokenToAsItKnows) {
  const Handshake::Terms terms{.password = "secret", .name = "me", .database = 1};
  Handshake handshake(terms);
  handshake.begin();
  std::string out;
  EXPECT_EQ(handshake.take(kUnknown, out), Now::kMore);
  EXPECT_EQ(out, command_of({"AUTH", "secret"}) + command_of({"CLIENT", "SETNAME", "me"}) +
                     command_of({"SELECT", "1"}));
  EXPECT_EQ(handshake.take(kOk, out), Now::kMore);
  EXPECT_EQ(handshake.take(error("ERR no names here"), out), Now::kMore) << "a name is no must";
  EXPECT_EQ(handshake.take(kOk, out), Now::kReady);
}

TEST(RedisHandshake, ARefusalEndsItInTheNodesWords) {
  const Handshake::Terms terms{.password = "secret", .name = "me", .database = 99};
  std::string out;
  Handshake wrong(terms);
  wrong.begin();
  EXPECT_EQ(wrong.take(error("WRONGPASS invalid"), out), Now::kFailed);
  EXPECT_EQ(wrong.why(), "WRONGPASS invalid");
  EXPECT_EQ(out, "");
  Handshake select(terms);
  select.begin();
  select.take(kMap, out);
  EXPECT_EQ(select.take(error("ERR DB index is out of range"), out), Now::kFailed);
  Handshake old(terms);
  old.begin();
  old.take(kUnknown, out);
  EXPECT_EQ(old.take(error("ERR invalid password"), out), Now::kFailed);
}

TEST(RedisHandshake, AReplicaIsRefusedWhereAMasterIsAskedFor) {
  const Handshake::Terms terms{.name = "me", .master = true};
  Handshake handshake(terms);
  handshake.begin();
  std::string out;
  handshake.take(kMap, out);
  EXPECT_EQ(handshake.take(role("slave"), out), Now::kFailed);
  EXPECT_EQ(handshake.why(), "it is no master, but slave");
}

}  // namespace
}  // namespace redis
