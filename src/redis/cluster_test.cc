// Against a real cluster of three masters and three replicas. The tests share it, and put back what
// they move; the failover is its own end, so it comes last.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_bed.h"

namespace redis {
namespace {

using redis_bed::TestCluster;
using testing::HasSubstr;

class RedisCluster : public testing::Test {
 protected:
  static void SetUpTestSuite() { cluster_ = new TestCluster(3, 1); }
  static void TearDownTestSuite() { delete std::exchange(cluster_, nullptr); }

  static TestCluster& cluster() { return *cluster_; }
  static Options options(std::vector<size_t> seeds = {0}) {
    Options out;
    out.layout = Layout::kCluster;
    out.nodes.clear();
    for (const size_t i : seeds) out.nodes.push_back({"127.0.0.1", cluster().node(i).port()});
    return out;
  }
  static size_t master_of(const std::string& key) { return cluster().master_of(slot_of(key)); }
  static std::string slot(const std::string& key) { return std::to_string(slot_of(key)); }

  static void begin_move(const std::string& key, size_t from, size_t to) {
    cluster().node(to).command({"CLUSTER", "SETSLOT", slot(key), "IMPORTING", cluster().id(from)});
    cluster().node(from).command({"CLUSTER", "SETSLOT", slot(key), "MIGRATING", cluster().id(to)});
  }
  static void move_key(const std::string& key, size_t from, size_t to) {
    cluster().node(from).command(
        {"MIGRATE", "127.0.0.1", std::to_string(cluster().node(to).port()), key, "0", "1000"});
  }
  static void end_move(const std::string& key, size_t to) {
    for (const size_t i : {to, size_t{0}, size_t{1}, size_t{2}}) {
      cluster().node(i).command({"CLUSTER", "SETSLOT", slot(key), "NODE", cluster().id(to)});
    }
  }
  // How many times a command of this name came to a node.
  static long calls(size_t i, const std::string& name) {
    const std::string stats = cluster().node(i).command({"INFO", "commandstats"});
    const size_t at = stats.find("cmdstat_" + name + ":calls=");
    return at == std::string::npos ? 0 : std::stol(stats.substr(at + name.size() + 15));
  }

 private:
  static inline TestCluster* cluster_ = nullptr;
};

TEST_F(RedisCluster, EveryKeyGoesStraightToItsMaster) {
  Bed bed(options({1}));
  ASSERT_TRUE(bed.connect());
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key" + std::to_string(i);
    ASSERT_EQ(bed.ask({"SET", key, "1"}, 2s, key), "'OK'");
    ASSERT_EQ(cluster().node(master_of(key)).command({"GET", key}), "1");
  }
  EXPECT_EQ(bed.ask({"PING"}), "'PONG'") << "without a key any node will do";
}

TEST_F(RedisCluster, ManyCallsAtOnceGoToAllNodesTogether) {
  Bed bed(options());
  size_t done = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::string key = "many" + std::to_string(i);
    bed.client->send(Bed::Words{"INCR", key}, key, 5s,
                     [&](base::Result<Reply>&& reply) { done += reply && reply->integer == 1; });
  }
  EXPECT_TRUE(bed.run([&] { return done == 5'000; })) << "also those from before the map";
}

TEST_F(RedisCluster, ASeedThatIsNotThereDoesNotMatter) {
  Options some = options({2});
  some.nodes.insert(some.nodes.begin(), {"127.0.0.1", redis_bed::free_port()});
  Bed bed(some);
  EXPECT_TRUE(bed.ask_until("'OK'", {"SET", "a", "1"}, "a"));
}

TEST_F(RedisCluster, ANodeOutsideAClusterIsNoCluster) {
  redis_bed::TestServer alone;
  Options wrong = options_of(alone.port());
  wrong.layout = Layout::kCluster;
  Bed bed(wrong);
  EXPECT_EQ(bed.ask({"GET", "a"}, 300ms, "a"), "kIo");
}

TEST_F(RedisCluster, AScriptRunsWhereItsKeysAre) {
  Bed bed(options());
  const Client::Script script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
  for (const char* key : {"s1", "s2", "s3", "s4", "s5", "s6"}) {
    EXPECT_EQ(bed.run_script(script, {key}, {"7"}), "7");
    EXPECT_EQ(bed.run_script(script, {key}, {"7"}), "14");
  }
}

TEST_F(RedisCluster, ASlotThatHasMovedIsFollowedAndThenKnown) {
  const std::string key = "{moved}";
  const size_t from = master_of(key), to = (from + 1) % 3;
  Bed bed(options());
  ASSERT_EQ(bed.ask({"SET", key, "1"}, 2s, key), "'OK'");
  begin_move(key, from, to);
  move_key(key, from, to);
  end_move(key, to);
  EXPECT_EQ(bed.ask({"INCR", key}, 2s, key), "2") << "MOVED is followed";
  const long before = calls(from, "incr");
  for (int i = 0; i < 10; ++i) bed.ask({"INCR", key}, 2s, key);
  EXPECT_EQ(calls(from, "incr"), before) << "and asked for no more";
  bed.run_for(300ms);
  EXPECT_EQ(bed.ask({"GET", key}, 2s, key), "'12'") << "the new map says so too";
  begin_move(key, to, from);
  move_key(key, to, from);
  end_move(key, from);
}

TEST_F(RedisCluster, AKeyThatIsAskedForElsewhereIsFoundThere) {
  const std::string here = "{asked}here", there = "{asked}there";
  const size_t from = master_of(here), to = (from + 1) % 3;
  Bed bed(options());
  ASSERT_EQ(bed.ask({"SET", here, "h"}, 2s, here), "'OK'");
  ASSERT_EQ(bed.ask({"SET", there, "t"}, 2s, there), "'OK'");
  begin_move(here, from, to);
  move_key(there, from, to);
  EXPECT_EQ(bed.ask({"GET", here}, 2s, here), "'h'");
  EXPECT_EQ(bed.ask({"GET", there}, 2s, there), "'t'") << "ASK is followed, with ASKING before it";
  EXPECT_EQ(bed.ask({"SET", "{asked}new", "n"}, 2s, here), "'OK'");
  std::vector<std::string> got;
  for (int i = 0; i < 500; ++i) {
    const std::string& key = i % 2 == 0 ? here : there;
    bed.client->send(Bed::Words{"GET", key}, key, 2s,
                     [&](base::Result<Reply>&& reply) { got.push_back(shown(reply)); });
  }
  ASSERT_TRUE(bed.run([&] { return got.size() == 500; }));
  EXPECT_EQ(std::ranges::count(got, "'h'"), 250);
  EXPECT_EQ(std::ranges::count(got, "'t'"), 250);
  const Client::Script script("return redis.call('GET', KEYS[1])");
  EXPECT_EQ(bed.run_script(script, {there}, {}), "'t'") << "a script's text follows too";
  for (const std::string& key : {there, std::string("{asked}new")}) move_key(key, to, from);
  end_move(here, from);
}

TEST_F(RedisCluster, KeysOnTheirWayAreTriedAgainWithinTheDeadline) {
  const std::string a = "{way}a", b = "{way}b";
  const size_t from = master_of(a), to = (from + 1) % 3;
  Bed bed(options());
  bed.ask({"MSET", a, "1", b, "2"}, 2s, a);
  begin_move(a, from, to);
  move_key(a, from, to);
  EXPECT_THAT(bed.ask({"MGET", a, b}, 2s, a), HasSubstr("TRYAGAIN")) << "not for ever";
  std::string got;
  bed.send({"MGET", a, b}, got, 2s, a);
  bed.run_for(3ms);
  move_key(b, from, to);
  ASSERT_TRUE(bed.run([&] { return !got.empty(); }));
  EXPECT_EQ(got, "['1' '2' ]");
  end_move(a, to);
  begin_move(a, to, from);
  for (const std::string& key : {a, b}) move_key(key, to, from);
  end_move(a, from);
}

TEST_F(RedisCluster, NodesThatPointAtEachOtherAreNotFollowedForEver) {
  const std::string key = "{round}";
  const size_t from = master_of(key), to = (from + 1) % 3;
  Bed bed(options());
  ASSERT_EQ(bed.ask({"GET", key}, 2s, key), "nil");
  const long before = calls(from, "get") + calls(to, "get");
  cluster().node(from).command({"CLUSTER", "SETSLOT", slot(key), "NODE", cluster().id(to)});
  EXPECT_THAT(bed.ask({"GET", key}, 2s, key), HasSubstr("MOVED"));
  EXPECT_EQ(calls(from, "get") + calls(to, "get"), before) << "refused, and not run";
  end_move(key, from);
  EXPECT_TRUE(bed.ask_until("nil", {"GET", key}, key));
}

TEST_F(RedisCluster, WithoutAnyNodeNobodyWaits) {
  Options nowhere = options();
  nowhere.nodes = {{"127.0.0.1", redis_bed::free_port()}, {"127.0.0.1", redis_bed::free_port()}};
  Bed bed(nowhere);
  EXPECT_EQ(bed.ask({"GET", "a"}, 5s, "a"), "kIo");
  EXPECT_EQ(bed.ask({"GET", "a"}, 5s, "a"), "kIo");
}

TEST_F(RedisCluster, WhenAMasterDiesItsReplicaIsFoundAndTheOtherNodesGoOn) {
  const std::string key = "failover";
  const size_t dead = master_of(key);
  Bed bed(options({(dead + 1) % 3}));
  ASSERT_EQ(bed.ask({"SET", key, "1"}, 2s, key), "'OK'");
  std::string other = "o";
  while (master_of(other) == dead) other += 'o';
  ASSERT_EQ(bed.ask({"SET", other, "1"}, 2s, other), "'OK'");
  cluster().node(dead).kill();
  ASSERT_TRUE(bed.run([&] { return bed.ask({"GET", key}, 50ms, key) == "kIo"; }));
  EXPECT_EQ(bed.ask({"GET", other}, 100ms, other), "'1'");
  EXPECT_TRUE(bed.ask_until("'1'", {"GET", key}, key)) << "the replica has it";
  EXPECT_EQ(bed.ask({"INCR", key}, 2s, key), "2");
  cluster().node(dead).start();
  bed.run_for(200ms);
  EXPECT_EQ(bed.ask({"INCR", key}, 2s, key), "3");
}

}  // namespace
}  // namespace redis
