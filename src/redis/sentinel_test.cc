// Against a real Sentinel with a master and a replica.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_bed.h"

namespace redis {
namespace {

using redis_bed::TestSentinel;
using redis_bed::TestServer;
using redis_bed::wait_until;

redis_bed::Words following(const TestServer& master) {
  return {"--replicaof", "127.0.0.1 " + std::to_string(master.port()), "--repl-diskless-sync-delay",
          "0"};
}

struct Watched {
  TestServer master{redis_bed::Words{"--repl-diskless-sync-delay", "0"}};
  TestServer replica{following(master)};
  TestSentinel sentinel{"main", master};

  Options options() const {
    Options out = options_of(sentinel.port());
    out.layout = Layout::kSentinel;
    out.master_name = "main";
    return out;
  }
  // Until the Sentinel knows the replica, it cannot choose it.
  bool ready() {
    return wait_until(
        [&] {
          const std::string seen = sentinel.server().command({"SENTINEL", "REPLICAS", "main"});
          const std::string info = replica.command({"INFO", "replication"});
          return seen.find("master-link-status\nok") != std::string::npos &&
                 info.find("master_link_status:up") != std::string::npos;
        },
        std::chrono::seconds(20));
  }
};

TEST(RedisSentinel, TheMasterThatItNamesIsFollowedThroughAFailover) {
  Watched watched;
  Bed bed(watched.options());
  EXPECT_EQ(bed.ask({"SET", "a", "1"}), "'OK'");
  EXPECT_EQ(watched.master.command({"GET", "a"}), "1");
  ASSERT_TRUE(watched.ready());
  watched.master.kill();
  EXPECT_TRUE(bed.run([&] { return bed.ask({"INCR", "a"}, 200ms) == "2"; }, 20s));
  EXPECT_EQ(watched.replica.command({"GET", "a"}), "2");
}

TEST(RedisSentinel, AMasterThatBecomesAReplicaIsLeft) {
  Watched watched;
  Bed bed(watched.options());
  EXPECT_EQ(bed.ask({"SET", "a", "1"}), "'OK'");
  ASSERT_TRUE(watched.ready());
  ASSERT_EQ(watched.sentinel.server().command({"SENTINEL", "FAILOVER", "main"}), "OK");
  // What the old master takes before it has been told is lost: that is what a failover costs.
  EXPECT_TRUE(bed.run(
      [&] {
        return bed.ask({"SET", "a", "2"}, 200ms) == "'OK'" &&
               watched.replica.command({"GET", "a"}) == "2" &&
               watched.replica.command({"ROLE"}).starts_with("master");
      },
      20s));
}

TEST(RedisSentinel, ANodeThatIsNoMasterIsNotUsedWhateverItsSentinelSays) {
  TestServer alone;
  TestServer replica(following(alone));
  TestSentinel sentinel("main", replica, "sentinel failover-timeout main 600000\n");
  Options options = options_of(sentinel.port());
  options.layout = Layout::kSentinel;
  options.master_name = "main";
  options.connect_timeout = 200ms;
  ASSERT_TRUE(wait_until([&] {  // The Sentinel itself turns to the master soon.
    return replica.command({"ROLE"}).substr(0, 5) == "slave";
  }));
  Bed bed(options);
  EXPECT_NE(bed.ask({"SET", "a", "1"}, 300ms).substr(0, 10), "!'READONLY");
}

TEST(RedisSentinel, ASentinelThatIsNotThereGivesWayToTheNext) {
  TestServer master;
  TestSentinel sentinel("main", master);
  Options options = options_of(redis_bed::free_port());
  options.layout = Layout::kSentinel;
  options.master_name = "main";
  options.nodes.push_back({"127.0.0.1", sentinel.port()});
  Bed bed(options);
  EXPECT_EQ(bed.ask({"PING"}), "'PONG'") << "the call waits for the second";
  options.nodes.pop_back();
  Bed lost(options);
  EXPECT_EQ(lost.ask({"PING"}, 5s), "kIo");
  options.nodes = {{"127.0.0.1", sentinel.port()}};
  options.master_name = "unheard-of";
  EXPECT_EQ(Bed(options).ask({"PING"}, 5s), "kIo");
}

TEST(RedisSentinel, PasswordsOfSentinelAndMasterAreTheirOwn) {
  TestServer master({"--requirepass", "of-master"});
  TestSentinel sentinel("main", master,
                        "sentinel auth-pass main of-master\nrequirepass of-sentinel\n");
  Options options = options_of(sentinel.port());
  options.layout = Layout::kSentinel;
  options.master_name = "main";
  options.password = "of-master";
  options.sentinel_password = "of-sentinel";
  EXPECT_EQ(Bed(options).ask({"PING"}), "'PONG'");
  options.sentinel_password = "of-master";
  EXPECT_EQ(Bed(options).ask({"PING"}), "kIo");
}

}  // namespace
}  // namespace redis
