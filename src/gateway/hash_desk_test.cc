#include "gateway/hash_desk.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>

#include "gateway/site_bed.h"
#include "io/clock.h"
#include "redis/test_server.h"

namespace gateway {
namespace {

using site_bed::run;
using std::chrono::milliseconds;

// One gateway: its own memory, its own connection.
struct DeskBed {
  explicit DeskBed(uint16_t port, base::Duration patience = std::chrono::seconds(2))
      : desk(loop, shop, options, clock, counts, redis_at(port), patience) {
    EXPECT_TRUE(run(loop, [&] { return desk.store_up() == true; }));
  }
  static std::optional<redis::Options> redis_at(uint16_t port) {
    redis::Options out;
    out.nodes = {{"127.0.0.1", port}};
    return out;
  }
  HashShop::Made get(std::string_view data) {
    std::optional<base::Result<HashShop::Made>> out;
    desk.get(data, [&](const base::Result<HashShop::Made>& made) { out = made; });
    CHECK(run(loop, [&] { return out.has_value(); }));
    return out->value();
  }
  std::string cache_metrics() const {
    metric::Families families;
    counts.collect(families);
    std::string out;
    const std::string text = families.text();
    for (const char* status : {"hit", "miss", "bypass"}) {
      const std::string name =
          "ratelimmq_gateway_cache_requests_total{status=\"" + std::string(status) + "\"} ";
      const size_t at = text.find(name) + name.size();
      out += text.substr(at, text.find('\n', at) - at) + " ";
    }
    return out;
  }

  const ComputeHash options{.rounds = 1000, .threads = 1};
  io::SystemClock clock;
  Counts counts;
  io::Loop loop;
  HashShop shop{options, 1, clock};
  HashDesk desk;
};

std::string name_of(std::string_view data) { return "rl:hash:1000:" + hex(sha256(data)); }

TEST(HashDesk, WhatOneGatewayComputedAnotherOneHas) {
  redis_bed::TestServer server;
  DeskBed one(server.port()), other(server.port());
  const HashShop::Made made = one.get("test_data");
  EXPECT_FALSE(made.cached);
  EXPECT_EQ(hex(made.hash), "9b110074ee393c0ec7cf106c028b90d5f194fd3349fd327159e4f157f9a003a6");
  EXPECT_TRUE(one.get("test_data").cached);
  ASSERT_TRUE(run(one.loop, [&] {
    return server.command({"EXISTS", name_of("test_data")}) == "1";
  }));
  const long ttl = std::stol(server.command({"PTTL", name_of("test_data")}));
  EXPECT_GT(ttl, 3'590'000);
  EXPECT_LE(ttl, 3'600'000);
  EXPECT_TRUE(other.get("test_data").cached);
  EXPECT_EQ(other.get("test_data").hash, made.hash);
  EXPECT_EQ(one.cache_metrics(), "1 1 0 ");
  EXPECT_EQ(other.cache_metrics(), "2 0 0 ");
}

TEST(HashDesk, MemoryBelievesAHashNoLongerThanTheStoreDoes) {
  redis_bed::TestServer server;
  DeskBed bed(server.port());
  server.command({"SET", name_of("x"), hex(sha256("told")), "PX", "60"});
  EXPECT_EQ(bed.get("x").hash, sha256("told"));
  EXPECT_EQ(bed.shop.cached(), 1u);
  std::this_thread::sleep_for(milliseconds(80));
  EXPECT_FALSE(bed.get("x").cached);
}

TEST(HashDesk, WhatIsNoHashInTheStoreIsComputed) {
  redis_bed::TestServer server;
  DeskBed bed(server.port());
  server.command({"SET", name_of("x"), "rubbish"});
  server.command({"LPUSH", name_of("y"), "rubbish"});
  EXPECT_FALSE(bed.get("x").cached);
  EXPECT_FALSE(bed.get("y").cached);
}

TEST(HashDesk, ASlowStoreIsPassedOver) {
  redis_bed::TestServer server;
  DeskBed bed(server.port(), HashDesk::kPatience);
  server.pause();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(bed.get("x").cached);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(500));
  EXPECT_EQ(bed.cache_metrics(), "0 0 1 ");
  EXPECT_TRUE(bed.get("x").cached) << "of the memory";
  server.go_on();
}

TEST(HashDesk, AStoreThatIsGoneIsPassedOver) {
  redis_bed::TestServer server;
  DeskBed bed(server.port());
  server.kill();
  ASSERT_TRUE(run(bed.loop, [&] { return bed.desk.store_up() == false; }));
  EXPECT_FALSE(bed.get("x").cached);
  EXPECT_EQ(bed.cache_metrics(), "0 0 1 ");
}

TEST(HashDesk, TheTwoWaysToAHashAreOneComputation) {
  redis_bed::TestServer server;
  DeskBed bed(server.port());
  int told = 0, cached = 0;
  for (int i = 0; i < 20; ++i) {
    bed.desk.get("x", [&](const base::Result<HashShop::Made>& made) {
      ++told;
      cached += made->cached;
    });
  }
  ASSERT_TRUE(run(bed.loop, [&] { return told == 20; }));
  EXPECT_EQ(cached, 0);
  EXPECT_TRUE(bed.get("x").cached);
}

}  // namespace
}  // namespace gateway
