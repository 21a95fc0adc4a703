// What a site answers by itself: health, the registry, /compute_hash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "gateway/site_bed.h"
#include "redis/test_server.h"

namespace gateway {
namespace {

using site_bed::Client;
using site_bed::Met;
using site_bed::route_to;
using site_bed::run;
using site_bed::SiteBed;
using site_bed::usual;
using testing::HasSubstr;

namespace json = boost::json;

TEST(OwnPaths, HashesAreComputedOnceAndThenCached) {
  SiteBed bed;
  const auto first = bed.hash(R"({"data": "test_data"})");
  ASSERT_EQ(first->status(), 200);
  EXPECT_EQ(first->body(),
            "{\"hash\": \"9b110074ee393c0ec7cf106c028b90d5f194fd3349fd327159e4f157f9a003a6\", "
            "\"cached\": false}");
  const auto second = bed.hash(R"({"data": "test_data"})");
  EXPECT_EQ(json::parse(second->body()).at("cached"), true);
  EXPECT_EQ(json::parse(second->body()).at("hash"), json::parse(first->body()).at("hash"));
  EXPECT_EQ(bed.limits.asked.size(), 2u);
  EXPECT_THAT(bed.metrics(), HasSubstr("gateway_cache_requests_total{status=\"hit\"} 1\n"));
  EXPECT_THAT(bed.metrics(), HasSubstr("gateway_cache_requests_total{status=\"miss\"} 1\n"));
}

TEST(OwnPaths, AHashCarriesTheFieldsOfItsDecision) {
  SiteBed bed;
  const Met met(true, 9);
  bed.limits.answer = met.answer;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(bed.hash(R"({"data":"x"})")->field("RateLimit"), R"("client_ip";r=9;t=3)");
  }
}

TEST(OwnPaths, WhatIsNoTextToHashIsRefused) {
  SiteBed bed;
  for (const char* body : {"{}", R"({"data":1})", R"({"data":null})", "[]", R"({"date":"x"})"}) {
    const auto client = bed.hash(body);
    EXPECT_EQ(client->status(), 422) << body;
    EXPECT_EQ(json::parse(client->body()).at("field"), "data") << body;
  }
  for (const char* body : {"", "rubbish", "{\"data\":\"x\"", "{\"data\":\"\xff\"}"}) {
    EXPECT_EQ(bed.hash(body)->status(), 400) << body;
  }
  EXPECT_EQ(bed.hash("{\"data\":\"" + std::string(2 << 20, 'x') + "\"}")->status(), 413);
  EXPECT_EQ(bed.hash(R"({"data":""})")->status(), 200);
}

TEST(OwnPaths, TheTextToHashIsDataOfTheBodyItself) {
  SiteBed bed;
  const std::string hash = bed.hash(R"({"data":"yes"})")->body().substr(0, 74);
  for (const char* body :
       {R"({"x":{"data":"no"},"data":"yes","y":[{"data":"no"},"no"],"z":"no"})",
        R"({"d\u0061ta":"\u0079es"})", R"({"data":"no","data":"yes"})", R"( {"data" : "yes"} )"}) {
    EXPECT_EQ(bed.hash(body)->body(), hash + R"(", "cached": true})") << body;
  }
  for (const char* body : {R"({"data":["yes"]})", R"({"x":{"data":"yes"}})", R"([{"data":"yes"}])",
                           R"({"data":{"data":"yes"}})", R"({"data":"yes","data":1})"}) {
    EXPECT_EQ(bed.hash(body)->status(), 422) << body;
  }
}

TEST(OwnPaths, ARefusedHashIsNotRead) {
  SiteBed bed;
  const Met met(false, 0);
  bed.limits.answer = met.answer;
  EXPECT_EQ(bed.hash("rubbish")->status(), 429);
}

TEST(OwnPaths, WrongMethodsAndPathsAreToldBeforeAnythingIsCharged) {
  SiteBed bed;
  const auto get = bed.get("/compute_hash");
  EXPECT_EQ(get->status(), 405);
  EXPECT_EQ(get->field("Allow"), "POST");
  EXPECT_EQ(bed.get("/compute_hash/x")->status(), 404);
  EXPECT_EQ(bed.get("/register_rate_limiter")->field("Allow"), "POST");
  EXPECT_EQ(bed.serve({.method = "POST", .target = "/health"})->status(), 405);
  EXPECT_EQ(bed.serve({.method = "HEAD", .target = "/health"})->status(), 200);
  EXPECT_TRUE(bed.limits.asked.empty());
}

TEST(OwnPaths, WithoutARouteThereIsNothing) {
  SiteBed bed(Options{});
  const auto client = bed.get("/x");
  EXPECT_EQ(client->status(), 404);
  EXPECT_EQ(json::parse(client->body()).at("code"), "NOTFOUND");
}

TEST(OwnPaths, HealthSaysWhetherWhatMustBeAskedCanBe) {
  SiteBed embedded;
  EXPECT_EQ(embedded.get("/health")->body(), R"({"status":"ok","limiters":1,"store":"up"})");
  SiteBed alone(usual(), false);
  EXPECT_EQ(alone.get("/health")->status(), 503);
  EXPECT_EQ(alone.get("/health")->body(),
            R"({"status":"unavailable","limiters":0,"store":"none"})");
  alone.enter(R"({"host":"127.0.0.1","port":8001})");
  EXPECT_EQ(alone.get("/health")->status(), 200);
  Options open = usual();
  open.routes = {route_to("/", "http://127.0.0.1:9", WhenNone::kAllow)};
  EXPECT_EQ(SiteBed(open, false).get("/health")->status(), 200);
}

TEST(OwnPaths, HealthTellsOfTheStoreBehindTheHashCache) {
  redis_bed::TestServer server;
  redis::Options store;
  store.nodes = {{"127.0.0.1", server.port()}};
  io::SystemClock clock;
  io::Loop loop;
  Site::Common common(usual(), clock, store);
  Site site(loop, common, nullptr);
  const auto says = [&](const std::string& word) {
    const auto client = std::make_shared<Client>(Client::Asks{.target = "/health"});
    site.on_request(client);
    return client->body().find("\"store\":\"" + word) != std::string::npos;
  };
  EXPECT_TRUE(run(loop, [&] { return says("up"); }));
  server.kill();
  EXPECT_TRUE(run(loop, [&] { return says("down"); }));
}

TEST(OwnPaths, InstancesRegisterShowAndLeave) {
  SiteBed bed(usual(), false);
  EXPECT_EQ(bed.enter(R"({"host":"127.0.0.1","port":8001})")->body(),
            R"({"registered":true,"instances":1,"ttl_s":10})");
  EXPECT_EQ(bed.enter(R"({"host":"127.0.0.1","port":8001,"ttl_s":2.5})")->body(),
            "{\"registered\":true,\"instances\":1,\"ttl_s\":2.5}");
  EXPECT_EQ(bed.enter(R"({"host":"127.0.0.1","port":8002})")->status(), 200);
  const json::value list =
      json::parse(bed.serve({.target = "/rate_limiters", .peer = "127.0.0.1"})->body());
  ASSERT_EQ(list.at("instances").as_array().size(), 2u);
  const json::value& first = list.at("instances").as_array()[0];
  EXPECT_EQ(first.at("host"), "127.0.0.1");
  EXPECT_EQ(first.at("port"), 8001);
  EXPECT_EQ(first.at("state"), "up");
  EXPECT_GT(first.at("last_heartbeat_ms").as_int64(), 1'600'000'000'000);
  EXPECT_TRUE(first.at("latency_ms").is_number());
  const std::string leave = "/deregister_rate_limiter";
  EXPECT_EQ(bed.enter(R"({"host":"127.0.0.1","port":8001})", "127.0.0.1", leave)->body(),
            R"({"registered":false,"instances":1})");
  EXPECT_EQ(bed.enter(R"({"host":"127.0.0.1","port":8001})", "127.0.0.1", leave)->status(), 404);
}

TEST(OwnPaths, RegistrationFromElsewhereIsRefused) {
  Options options = usual();
  options.registration_secret = "s3cret";
  SiteBed bed(options, false);
  const auto refused = bed.enter(R"({"host":"127.0.0.1","port":8001})", "192.0.2.1");
  EXPECT_EQ(refused->status(), 401);
  EXPECT_EQ(refused->field("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(bed.enter("{}", "192.0.2.1", "/deregister_rate_limiter")->status(), 401);
  EXPECT_EQ(bed.serve({.target = "/rate_limiters"})->status(), 401);
  const auto with = bed.serve({.method = "POST",
                               .target = "/register_rate_limiter",
                               .body = R"({"host":"127.0.0.1","port":8001})",
                               .fields = {{"authorization", "Bearer s3cret"}}});
  EXPECT_EQ(with->status(), 200);
  EXPECT_EQ(bed.enter(R"({"port":1})")->status(), 422);
  EXPECT_EQ(bed.enter("rubbish")->status(), 400);
  EXPECT_EQ(bed.enter(std::string(5000, ' '))->status(), 413);
}

}  // namespace
}  // namespace gateway
