#include "redis/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_bed.h"

namespace redis {
namespace {

using redis_bed::TestServer;
using testing::Ge;
using testing::HasSubstr;
using testing::StartsWith;

base::Duration now() { return std::chrono::steady_clock::now().time_since_epoch(); }

TEST(RedisClient, ARequestIsAnsweredAndTheCallBeforeTheConnectionWaits) {
  TestServer server;
  Bed bed(server);
  EXPECT_FALSE(bed.client->connected());
  EXPECT_EQ(bed.ask({"SET", "a", "1"}), "'OK'");
  EXPECT_TRUE(bed.client->connected());
  EXPECT_EQ(bed.ask({"INCR", "a"}), "2");
  EXPECT_EQ(bed.ask({"GET", "nothing"}), "nil");
  EXPECT_EQ(bed.ask({"LRANGE", "a", "0", "1"}).substr(0, 12), "!'WRONGTYPE ");
  EXPECT_EQ(bed.ask({"CLIENT", "GETNAME"}), "'ratelimmq'");
  EXPECT_EQ(bed.client->in_flight(), 0u);
}

TEST(RedisClient, TenThousandCallsAtOnceAreAnsweredInTheirOrder) {
  TestServer server;
  Bed bed(server);
  ASSERT_TRUE(bed.connect());
  constexpr int kCalls = 10'000;
  std::vector<int64_t> got;
  for (int i = 0; i < kCalls; ++i) {
    bed.client->send(Bed::Words{"INCR", "n"}, {}, 5s, [&](base::Result<Reply>&& reply) {
      got.push_back(reply ? reply->integer : -1);
    });
  }
  EXPECT_EQ(bed.client->in_flight(), size_t{kCalls});
  ASSERT_TRUE(bed.run([&] { return got.size() == kCalls; }));
  for (int i = 0; i < kCalls; ++i) ASSERT_EQ(got[static_cast<size_t>(i)], i + 1);
  const std::string stats = server.command({"INFO", "stats"});
  const size_t at = stats.find("total_reads_processed:");
  EXPECT_LT(std::stoi(stats.substr(at + 22)), 200) << "many calls go in one write";
}

TEST(RedisClient, LongTextsComeWhole) {
  TestServer server;
  Bed bed(server);
  const std::string text(5'000'000, 'x');
  EXPECT_EQ(bed.ask({"SET", "a", text}), "'OK'");
  EXPECT_EQ(bed.ask({"GET", "a"}), "'" + text + "'");
}

TEST(RedisClient, AReplyOverItsBoundBreaksTheConnectionWhichComesBack) {
  TestServer server;
  Options options = options_of(server.port());
  options.reply_bytes_max = 10'000;
  Bed bed(options);
  bed.ask({"SET", "a", std::string(20'000, 'x')});
  EXPECT_EQ(bed.ask({"GET", "a"}), "kUnknown");
  EXPECT_TRUE(bed.ask_until("'PONG'", {"PING"}));
}

TEST(RedisClient, OverItsBoundOfCallsItIsFull) {
  TestServer server;
  Options options = options_of(server.port());
  options.in_flight_max = 3;
  Bed bed(options);
  ASSERT_TRUE(bed.connect());
  std::string got[4];
  for (std::string& each : got) bed.send({"PING"}, each);
  ASSERT_TRUE(bed.run([&] { return !got[0].empty() && !got[3].empty(); }));
  EXPECT_EQ(got[2], "'PONG'");
  EXPECT_EQ(got[3], "kFull");
  EXPECT_EQ(bed.ask({"PING"}), "'PONG'");
}

TEST(RedisClient, AnIntendedDatabaseIsSelectedOnEveryConnection) {
  TestServer server;
  Options options = options_of(server.port());
  options.database = 5;
  Bed bed(options);
  bed.ask({"SET", "a", "five"});
  bed.ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"});
  EXPECT_TRUE(bed.ask_until("'five'", {"GET", "a"}));
  server.command({"SELECT", "5"});
  EXPECT_EQ(server.command({"GET", "a"}), "five");
}

TEST(RedisClient, WhoeverIsToldMaySendAndMayDestroyTheClient) {
  TestServer server;
  Bed bed(server);
  int told = 0;
  std::function<void(base::Result<Reply> &&)> again = [&](base::Result<Reply>&&) {
    if (++told == 3) return bed.client.reset();
    for (int i = 0; i < 2; ++i) bed.client->send(Bed::Words{"PING"}, {}, 2s, again);
  };
  bed.client->send(Bed::Words{"PING"}, {}, 2s, again);
  ASSERT_TRUE(bed.run([&] { return !bed.client; }));
  bed.run_for(20ms);
  EXPECT_EQ(told, 3) << "what was in flight is dropped";
}

TEST(RedisClient, ACallerThatTriesAgainAtOnceDoesNotKeepTheLoopFromAllElse) {
  Bed bed(options_of(redis_bed::free_port()));
  int tries = 0;
  std::function<void(base::Result<Reply> &&)> again = [&](base::Result<Reply>&& reply) {
    EXPECT_EQ(shown(reply), "kIo");
    ++tries;
    bed.client->send(Bed::Words{"PING"}, {}, 2s, again);
  };
  bed.client->send(Bed::Words{"PING"}, {}, 2s, again);
  bool other = false;
  bed.loop.after(20ms, [&] { other = true; });
  EXPECT_TRUE(bed.run([&] { return other; }));
  EXPECT_GT(tries, 1);
}

TEST(RedisClient, AScriptIsGivenOnceToANodeThatDoesNotKnowIt) {
  TestServer server;
  Bed bed(server);
  const Client::Script script("return {KEYS[1], ARGV[1], redis.call('INCR', 'runs')}");
  std::vector<std::string> got;
  for (int i = 0; i < 100; ++i) {
    bed.client->run(script, Bed::Words{"k"}, Bed::Words{"v"}, 2s,
                    [&](base::Result<Reply>&& reply) { got.push_back(shown(reply)); });
  }
  ASSERT_TRUE(bed.run([&] { return got.size() == 100; }));
  for (size_t i = 0; i < 100; ++i) EXPECT_THAT(got[i], StartsWith("['k' 'v' "));
  EXPECT_EQ(server.command({"GET", "runs"}), "100") << "each ran once";
  EXPECT_THAT(server.command({"INFO", "commandstats"}), HasSubstr("cmdstat_eval:calls=1,"));
  server.command({"SCRIPT", "FLUSH"});
  EXPECT_EQ(bed.run_script(script, {"k"}, {"v"}), "['k' 'v' 101 ]");
}

TEST(RedisClient, AScriptsDigestIsTheServers) {
  TestServer server;
  const Client::Script script("return 1");
  EXPECT_EQ(server.command({"SCRIPT", "LOAD", script.text()}), script.sha());
}

TEST(RedisClient, AServerThatStopsAndComesBackIsFoundAgain) {
  TestServer server;
  Bed bed(server);
  std::vector<bool> told;
  bed.client->on_change([&](bool connected) { told.push_back(connected); });
  ASSERT_TRUE(bed.connect());
  server.kill();
  ASSERT_TRUE(bed.run([&] { return !bed.client->connected(); }));
  bed.run_for(100ms);
  const base::Duration before = now();
  EXPECT_EQ(bed.ask({"PING"}), "kIo") << "nothing was sent";
  EXPECT_LT(now() - before, 500ms) << "and nobody waits for a server that is not there";
  server.start();
  EXPECT_TRUE(bed.ask_until("'PONG'", {"PING"}));
  EXPECT_EQ(told, (std::vector<bool>{true, false, true}));
  EXPECT_THAT(bed.metrics(), HasSubstr("reconnects_total{client=\"ratelimmq\"} 1"));
}

TEST(RedisClient, WhatTheServerOwesWhenItDiesIsInDoubt) {
  TestServer server;
  Bed bed(server);
  ASSERT_TRUE(bed.connect());
  server.pause();
  std::string got[2];
  bed.send({"INCR", "a"}, got[0], 5s);
  bed.send({"INCR", "a"}, got[1], 5s);
  bed.run_for(20ms);
  server.kill();
  ASSERT_TRUE(bed.run([&] { return !got[0].empty() && !got[1].empty(); }, 2s));
  EXPECT_EQ(got[0], "kUnknown");
  EXPECT_EQ(got[1], "kUnknown");
}

TEST(RedisClient, AServerThatHangsHoldsUpNobodyPastTheDeadlineAndGoesOnLater) {
  TestServer server;
  Bed bed(server);
  ASSERT_TRUE(bed.connect());
  server.pause();
  base::Duration longest{};
  const base::Duration end = now() + 600ms;
  std::vector<std::string> ends;
  while (now() < end) {
    const base::Duration before = now();
    ends.push_back(bed.ask({"INCR", "a"}, 10ms));
    longest = std::max(longest, now() - before);
  }
  EXPECT_LT(longest, 250ms);  // 10 ms and what a busy machine takes.
  EXPECT_EQ(ends.front(), "kUnknown") << "it was sent";
  EXPECT_EQ(ends.back(), "kIo") << "the silent connection was given up, and nothing was sent";
  server.go_on();
  EXPECT_TRUE(bed.ask_until("'PONG'", {"PING"}));
}

TEST(RedisClient, WhatTheServerSaysUnaskedIsNobodysReply) {
  TestServer server;
  Bed bed(server);
  EXPECT_EQ(bed.ask({"CLIENT", "TRACKING", "ON", "BCAST"}), "'OK'");
  for (int i = 0; i < 50; ++i) {
    const std::string key = "k" + std::to_string(i);
    server.command({"SET", key, "v"});
    ASSERT_EQ(bed.ask({"ECHO", key}), "'" + key + "'");
  }
}

TEST(RedisClient, ALateReplyIsThrownAwayAndTheNextOnesAreTheirOwn) {
  TestServer server;
  Bed bed(server);
  ASSERT_TRUE(bed.connect());
  std::string slow, first, second;
  bed.send({"ECHO", "keeps the connection"}, slow, 3s);
  server.command({"CLIENT", "PAUSE", "60", "ALL"});
  bed.send({"ECHO", "first"}, first, 20ms);
  bed.send({"ECHO", "second"}, second, 3s);
  ASSERT_TRUE(bed.run([&] { return !first.empty(); }));
  EXPECT_EQ(first, "kUnknown");
  EXPECT_EQ(second, "");
  ASSERT_TRUE(bed.run([&] { return !second.empty(); }));
  EXPECT_EQ(second, "'second'");
  EXPECT_EQ(bed.ask({"ECHO", "third"}), "'third'");
  EXPECT_THAT(bed.metrics(), HasSubstr("reconnects_total{client=\"ratelimmq\"} 0"));
}

TEST(RedisClient, ASlowCommandEndsInDoubtAndWasRun) {
  TestServer server({"--enable-debug-command", "yes"});
  Bed bed(server);
  ASSERT_TRUE(bed.connect());
  std::string sleeping, behind;
  bed.send({"DEBUG", "SLEEP", "0.3"}, sleeping, 50ms);
  bed.send({"SET", "a", "1"}, behind, 50ms);
  ASSERT_TRUE(bed.run([&] { return !sleeping.empty() && !behind.empty(); }));
  EXPECT_EQ(sleeping + behind, "kUnknownkUnknown");
  EXPECT_TRUE(bed.ask_until("'1'", {"GET", "a"})) << "kUnknown: it may have been run";
}

TEST(RedisClient, AConnectionThatIsKilledInTheMiddleEndsEachCallOnce) {
  TestServer server;
  Bed bed(server);
  ASSERT_TRUE(bed.connect());
  constexpr size_t kCalls = 2'000;
  std::vector<int> ends(kCalls, 0);
  size_t all = 0, replies = 0;
  for (size_t i = 0; i < kCalls; ++i) {
    const Bed::Words words = i == kCalls / 2
                                 ? Bed::Words{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"}
                                 : Bed::Words{"INCR", "a"};
    bed.client->send(words, {}, 3s, [&, i](base::Result<Reply>&& reply) {
      ++ends[i];
      ++all;
      replies += reply.has_value();
      if (!reply) {
        EXPECT_EQ(shown(reply), "kUnknown");
      }
    });
  }
  ASSERT_TRUE(bed.run([&] { return all == kCalls; }));
  for (const int each : ends) EXPECT_EQ(each, 1);
  EXPECT_LT(replies, kCalls);
  EXPECT_TRUE(bed.ask_until("'PONG'", {"PING"}));
  EXPECT_LE(replies, static_cast<size_t>(std::stoi(server.command({"GET", "a"}))) + 1);
}

TEST(RedisClient, NobodyWaitsForAServerThatIsNotThere) {
  Bed bed(options_of(redis_bed::free_port()));
  EXPECT_EQ(bed.ask({"PING"}, 5s), "kIo");
  EXPECT_FALSE(bed.client->connected());
}

TEST(RedisClient, ANameIsLookedUpBesideTheLoop) {
  TestServer server;
  Options options = options_of(server.port());
  options.nodes[0].host = "localhost";
  Bed bed(options);
  EXPECT_TRUE(bed.ask_until("'PONG'", {"PING"}));
  options.nodes[0].host = "no-such-host.invalid";
  Bed lost(options);
  EXPECT_EQ(lost.ask({"PING"}, 200ms), "kIo");
}

TEST(RedisClient, CallsAreCountedByHowTheyEnd) {
  TestServer server;
  Bed bed(server);
  bed.ask({"PING"});
  bed.ask({"NONSENSE"});
  const std::string text = bed.metrics();
  EXPECT_THAT(text, HasSubstr("calls_total{client=\"ratelimmq\",outcome=\"reply\"} 1"));
  EXPECT_THAT(text, HasSubstr("calls_total{client=\"ratelimmq\",outcome=\"error\"} 1"));
  EXPECT_THAT(text, HasSubstr("redis_in_flight{client=\"ratelimmq\"} 0"));
  EXPECT_THAT(text, HasSubstr("redis_connected{client=\"ratelimmq\"} 1"));
  EXPECT_THAT(text, HasSubstr("redis_call_seconds_count{client=\"ratelimmq\"} 2"));
}

}  // namespace
}  // namespace redis
