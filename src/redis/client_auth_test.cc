// Who may speak, and over what: passwords, users, TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_bed.h"
#include "redis/test_certificate.h"

namespace redis {
namespace {

using redis_bed::TestCertificate;
using redis_bed::TestServer;
using testing::StartsWith;

TEST(RedisAuth, ThePasswordOpensTheServerAndAWrongOneNever) {
  TestServer server({"--requirepass", "secret"});
  Options options = options_of(server.port());
  options.password = "secret";
  EXPECT_EQ(Bed(options).ask({"PING"}), "'PONG'");
  options.password = "wrong";
  Bed wrong(options);
  EXPECT_EQ(wrong.ask({"PING"}), "kIo") << "nothing is sent to a node that refuses us";
  wrong.run_for(100ms);
  EXPECT_FALSE(wrong.client->connected());
  options.password.clear();
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
}

TEST(RedisAuth, AUserMayDoWhatItMay) {
  TestServer server;
  server.command({"ACL", "SETUSER", "ann", "on", ">pass", "~rl:*", "+get", "+set"});
  Options options = options_of(server.port());
  options.user = "ann";
  options.password = "pass";
  Bed bed(options);
  EXPECT_EQ(bed.ask({"SET", "rl:a", "1"}), "'OK'");
  EXPECT_THAT(bed.ask({"SET", "other", "1"}), StartsWith("!'NOPERM "));
  EXPECT_THAT(bed.ask({"FLUSHALL"}), StartsWith("!'NOPERM "));
  options.user = "bob";
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
}

TEST(RedisAuth, APasswordThatIsChangedIsNoticedAtTheNextConnection) {
  TestServer server({"--requirepass", "secret"});
  Options options = options_of(server.port());
  options.password = "secret";
  Bed bed(options);
  EXPECT_EQ(bed.ask({"PING"}), "'PONG'");
  server.command({"AUTH", "secret"});
  server.command({"CONFIG", "SET", "requirepass", "other"});
  server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  ASSERT_TRUE(bed.run([&] { return !bed.client->connected(); }));
  bed.run_for(100ms);
  EXPECT_EQ(bed.ask({"PING"}), "kIo");
  server.command({"CONFIG", "SET", "requirepass", "secret"});
  EXPECT_TRUE(bed.ask_until("'PONG'", {"PING"}));
}

TEST(RedisAuth, AServerFromBeforeResp3IsSpokenToAsItKnows) {
  TestServer server({"--rename-command", "HELLO", "", "--requirepass", "secret"});
  Options options = options_of(server.port());
  options.password = "secret";
  options.database = 2;
  Bed bed(options);
  EXPECT_EQ(bed.ask({"SET", "a", "1"}), "'OK'");
  EXPECT_EQ(bed.ask({"CLIENT", "GETNAME"}), "'ratelimmq'");
  EXPECT_EQ(bed.ask({"GET", "nothing"}), "nil");
  server.command({"AUTH", "secret"});
  server.command({"SELECT", "2"});
  EXPECT_EQ(server.command({"GET", "a"}), "1");
  options.password = "wrong";
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
}

Options over_tls(const TestServer& server, const std::string& ca_file) {
  Options out = options_of(server.port());
  out.tls.on = true;
  out.tls.ca_file = ca_file;
  return out;
}

TEST(RedisTls, CarriesCallsBothWays) {
  const TestCertificate paper;
  TestServer server({.arguments = paper.arguments(), .tls_only = true});
  Bed bed(over_tls(server, paper.cert_file()));
  EXPECT_EQ(bed.ask({"SET", "a", "1"}), "'OK'");
  const std::string text(3'000'000, 'x');
  EXPECT_EQ(bed.ask({"SET", "b", text}, 5s), "'OK'");
  EXPECT_EQ(bed.ask({"GET", "b"}, 5s), "'" + text + "'");
  size_t done = 0;
  for (int i = 0; i < 10'000; ++i) {
    bed.client->send(Bed::Words{"INCR", "n"}, {}, 5s,
                     [&](base::Result<Reply>&& reply) { done += reply.has_value(); });
  }
  EXPECT_TRUE(bed.run([&] { return done == 10'000; }));
}

TEST(RedisTls, ComesBackAfterTheServerDid) {
  const TestCertificate paper;
  TestServer server({.arguments = paper.arguments(), .tls_only = true});
  Bed bed(over_tls(server, paper.cert_file()));
  ASSERT_TRUE(bed.connect());
  server.kill();
  ASSERT_TRUE(bed.run([&] { return !bed.client->connected(); }));
  server.start();
  EXPECT_TRUE(bed.ask_until("'PONG'", {"PING"}));
}

TEST(RedisTls, SpeaksToAServerOfTls12) {
  const TestCertificate paper;
  redis_bed::Words arguments = paper.arguments();
  arguments.insert(arguments.end(), {"--tls-protocols", "TLSv1.2"});
  TestServer server({.arguments = arguments, .tls_only = true});
  EXPECT_EQ(Bed(over_tls(server, paper.cert_file())).ask({"PING"}), "'PONG'");
}

TEST(RedisTls, TrustsOnlyWhomItIsTold) {
  const TestCertificate paper, other;
  TestServer server({.arguments = paper.arguments(), .tls_only = true});
  EXPECT_EQ(Bed(over_tls(server, other.cert_file())).ask({"PING"}), "kIo");
  EXPECT_EQ(Bed(over_tls(server, "")).ask({"PING"}), "kIo") << "the system knows no such name";
  Options blind = over_tls(server, other.cert_file());
  blind.tls.verify = false;
  EXPECT_EQ(Bed(blind).ask({"PING"}), "'PONG'");
}

TEST(RedisTls, TheCertificateMustBeForTheHost) {
  const TestCertificate elsewhere("IP:127.0.0.2,DNS:redis.test");
  TestServer server({.arguments = elsewhere.arguments(), .tls_only = true});
  Options options = over_tls(server, elsewhere.cert_file());
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
  options.tls.server_name = "redis.test";
  EXPECT_EQ(Bed(options).ask({"PING"}), "'PONG'");
  options.tls.server_name = "other.test";
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
}

TEST(RedisTls, AServerThatWantsACertificateGetsOne) {
  const TestCertificate paper;
  TestServer server({.arguments = paper.arguments("yes"), .tls_only = true});
  Options options = over_tls(server, paper.cert_file());
  Bed without(options);
  EXPECT_NE(without.ask({"PING"}), "'PONG'");
  options.tls.cert_file = paper.cert_file();
  options.tls.key_file = paper.key_file();
  EXPECT_EQ(Bed(options).ask({"PING"}), "'PONG'");
}

TEST(RedisTls, FilesThatAreNotThereEndEveryCall) {
  TestServer server;
  Options options = over_tls(server, "/no/such/file");
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
  options.tls.ca_file.clear();
  options.tls.cert_file = "/no/such/file";
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
}

TEST(RedisTls, AServerInTheClearIsNotSpokenTo) {
  const TestCertificate paper;
  TestServer server;
  Options options = over_tls(server, paper.cert_file());
  options.connect_timeout = 100ms;
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
}

}  // namespace
}  // namespace redis
