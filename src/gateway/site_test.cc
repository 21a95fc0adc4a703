#include "gateway/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "gateway/site_bed.h"
#include "http/loopback_bed.h"

namespace gateway {
namespace {

using site_bed::Met;
using site_bed::route_to;
using site_bed::run;
using site_bed::SiteBed;
using site_bed::usual;
using std::chrono::milliseconds;
using testing::HasSubstr;

namespace json = boost::json;

TEST(Site, AnAllowedRequestPassesWithItsFields) {
  SiteBed bed;
  const Met met(true, 9);
  bed.limits.answer = met.answer;
  const auto client = bed.get("/x?q=1");
  EXPECT_EQ(client->passed, "/");
  EXPECT_EQ(client->client, "192.0.2.1");
  EXPECT_EQ(client->field("RateLimit"), R"("client_ip";r=9;t=3)");
  EXPECT_EQ(client->field("RateLimit-Policy"), R"("client_ip";q=10;w=10)");
  EXPECT_EQ(client->field("X-Decided-By"), "");
  EXPECT_THAT(bed.limits.asked, testing::ElementsAre("gateway client_ip=192.0.2.1"));
  EXPECT_THAT(bed.metrics(), HasSubstr("ratelimmq_gateway_decisions_total{decision=\"allowed\","
                                       "reason=\"limits\",rule=\"\"} 1\n"));
  EXPECT_THAT(bed.metrics(), HasSubstr("gateway_decision_duration_seconds_count 1\n"));
}

TEST(Site, ARefusedOneIs429WithAProblemDocument) {
  SiteBed bed;
  const Met met(false, 0);
  bed.limits.answer = met.answer;
  const auto client = bed.get("/x");
  ASSERT_EQ(client->status(), 429);
  EXPECT_EQ(client->answered->content_type, "application/problem+json");
  EXPECT_EQ(client->field("Retry-After"), "3");
  EXPECT_EQ(client->field("RateLimit"), R"("client_ip";r=0;t=3)");
  EXPECT_EQ(client->field("RateLimit-Policy"), R"("client_ip";q=10;w=10)");
  const json::object problem = json::parse(client->body()).as_object();
  EXPECT_EQ(problem.at("type"), "https://iana.org/assignments/http-problem-types#quota-exceeded");
  EXPECT_EQ(problem.at("title"), "Too Many Requests");
  EXPECT_EQ(problem.at("status"), 429);
  EXPECT_EQ(problem.at("code"), "LIMITED");
  EXPECT_EQ(problem.at("violated-policies"), json::value(json::array{"client_ip"}));
  EXPECT_EQ(problem.at("retry_after_ms"), 2500);
  EXPECT_THAT(bed.metrics(),
              HasSubstr("decision=\"refused\",reason=\"limits\",rule=\"client_ip\"} 1"));
}

TEST(Site, TheClientIsWhomTrustedProxiesNameAndALimitMeansItsPrefix) {
  Options options = usual();
  options.proxy.trusted_proxies = {"10.0.0.0/8"};
  SiteBed bed(options);
  bed.serve({.fields = {{"X-Forwarded-For", "203.0.113.9, 198.51.100.7"}}, .peer = "10.0.0.1"});
  bed.serve({.fields = {{"X-Forwarded-For", "198.51.100.7"}}, .peer = "192.0.2.7"});
  bed.serve({.fields = {{"X-Forwarded-For", "2001:db8:1:2:3::4"}}, .peer = "10.0.0.1"});
  EXPECT_THAT(bed.limits.asked,
              testing::ElementsAre(HasSubstr("=198.51.100.7"), HasSubstr("=192.0.2.7"),
                                   HasSubstr("=2001:db8:1:2::/64")));
}

TEST(Site, ARouteWithoutLimitsAsksNobodyAndSoDoesOneWhoseDescriptorsDoNotApply) {
  Options options = usual();
  Route tenants = route_to("/tenants", "http://127.0.0.1:9");
  tenants.decide = Decide{"api", {"tenant={header:X-Tenant}"}};
  options.routes.push_back(tenants);
  SiteBed bed(options);
  EXPECT_EQ(bed.get("/free")->passed, "/free");
  EXPECT_EQ(bed.get("/tenants")->passed, "/tenants");
  EXPECT_TRUE(bed.limits.asked.empty());
  bed.serve({.target = "/tenants", .fields = {{"x-tenant", "acme"}}});
  EXPECT_THAT(bed.limits.asked, testing::ElementsAre("api tenant=acme"));
}

TEST(Site, NoOtherSpellingOfAPathGetsAroundItsRoute) {
  SiteBed bed;
  for (const char* target : {"/open", "//open", "/%6fpen", "/x/../open", "/open/?a", "/./open/y"}) {
    EXPECT_EQ(bed.get(target)->passed, "/open") << target;
  }
}

TEST(Site, ADecisionThatComesTooLateIsThrownAway) {
  Options options = usual();
  options.deadline = milliseconds(30);
  SiteBed bed(options);
  bed.limits.holds = true;
  const auto start = std::chrono::steady_clock::now();
  const auto refused = bed.begin({.target = "/x"}), open = bed.begin({.target = "/open"});
  ASSERT_TRUE(run(bed.loop, [&] { return refused->over() && open->over(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(500));
  EXPECT_EQ(refused->status(), 503);
  const json::object problem = json::parse(refused->body()).as_object();
  EXPECT_EQ(problem.at("type"),
            "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity");
  EXPECT_EQ(problem.at("reason"), "deadline");
  EXPECT_EQ(open->passed, "/open");
  EXPECT_EQ(open->field("X-Decided-By"), "when_none");
  bed.limits.tell();
  bed.limits.tell();  // Client would CHECK a second answer.
  EXPECT_THAT(bed.metrics(), HasSubstr("{decision=\"refused\",reason=\"deadline\",rule=\"\"} 1\n"));
  EXPECT_THAT(bed.metrics(), HasSubstr("{decision=\"allowed\",reason=\"deadline\",rule=\"\"} 1\n"));
}

TEST(Site, EveryDeadlineIsKeptWhileOthersAreAnswered) {
  Options options = usual();
  options.deadline = milliseconds(40);
  SiteBed bed(options);
  bed.limits.holds = true;
  std::vector<std::shared_ptr<site_bed::Client>> late, early;
  for (size_t i = 0; i < 20; ++i) {
    (i % 2 == 0 ? late : early).push_back(bed.begin({.target = "/x"}));
    ASSERT_TRUE(run(bed.loop, [&] { return bed.limits.asked.size() == i + 1; }));
    if (i % 2 == 0) continue;
    const auto newest = std::move(bed.limits.waiting.back());
    bed.limits.waiting.pop_back();
    newest(std::span(&bed.limits.answer, 1));
  }
  ASSERT_TRUE(run(bed.loop, [&] {
    return std::ranges::all_of(late, [](const auto& client) { return client->over(); });
  }));
  for (const auto& client : late) EXPECT_EQ(client->status(), 503);
  for (const auto& client : early) EXPECT_EQ(client->passed, "/");
}

TEST(Site, WhatALimitSaysOfItsLostStoreIsSaid) {
  SiteBed bed;
  bed.limits.answer.allowed = false;
  bed.limits.answer.decided_by = limiter::DecidedBy::kRefuse;
  const auto refused = bed.get("/open");  // when_none does not matter.
  EXPECT_EQ(refused->status(), 503);
  EXPECT_EQ(json::parse(refused->body()).at("reason"), "store_refuse");
  EXPECT_THAT(refused->body(), HasSubstr("#temporary-reduced-capacity"));
  bed.limits.answer.allowed = true;
  bed.limits.answer.decided_by = limiter::DecidedBy::kAllow;
  EXPECT_EQ(bed.get("/x")->field("X-Decided-By"), "allow");
  bed.limits.answer.decided_by = limiter::DecidedBy::kLocal;
  EXPECT_EQ(bed.get("/x")->field("X-Decided-By"), "local");
  EXPECT_THAT(bed.metrics(), HasSubstr("ratelimmq_gateway_store_errors_total 3\n"));
}

TEST(Site, AnUnknownDomainIsNobodysDecision) {
  SiteBed bed;
  bed.limits.answer.known_domain = false;
  EXPECT_EQ(json::parse(bed.get("/x")->body()).at("reason"), "unknown_domain");
  EXPECT_EQ(bed.get("/open")->passed, "/open");
}

TEST(Site, NothingIsAnsweredToAClientThatHasLeft) {
  SiteBed bed;
  bed.limits.holds = true;
  const auto client = bed.begin({.target = "/x"});
  ASSERT_TRUE(run(bed.loop, [&] { return !bed.limits.waiting.empty(); }));
  client->left = true;
  bed.limits.tell();
  EXPECT_FALSE(client->over());
  EXPECT_EQ(client.use_count(), 1) << "nobody keeps it";
}

TEST(Site, ADecisionMayComeAfterTheSiteIsGone) {
  SiteBed bed;
  bed.limits.holds = true;
  const auto client = bed.begin({.target = "/x"});
  ASSERT_TRUE(run(bed.loop, [&] { return !bed.limits.waiting.empty(); }));
  bed.site.reset();
  bed.limits.tell();
  EXPECT_FALSE(client->over());
}

TEST(Site, AsksRegisteredInstancesOverHttp) {
  loopback_bed::Server limiter(
      loopback_bed::always("HTTP/1.1 200 OK\r\nContent-Length: 54\r\n\r\n"
                           R"([{"allowed":true,"limit":10,"ratelimit":"\"ip\";r=4"}])"));
  SiteBed bed(usual(), false);
  EXPECT_EQ(bed.get("/x")->status(), 503);
  EXPECT_EQ(bed.get("/open")->passed, "/open");
  bed.enter(R"({"host":"127.0.0.1","port":)" + std::to_string(limiter.port()) + "}");
  for (int i = 0; i < 20; ++i) {
    const auto client = bed.get("/x");
    EXPECT_EQ(client->passed, "/");
    EXPECT_EQ(client->field("RateLimit"), "\"ip\";r=4");
  }
  EXPECT_EQ(limiter.connections(), 1);
}

TEST(Site, TheSilentAreForgottenByTick) {
  SiteBed bed(usual(), false);
  bed.enter(R"({"host":"127.0.0.1","port":8001})");
  bed.common.tick(bed.clock.now() + std::chrono::seconds(9));
  EXPECT_EQ(bed.common.registry().askable(bed.clock.now()), 1u);
  bed.common.tick(bed.clock.now() + std::chrono::seconds(11));
  EXPECT_EQ(bed.common.registry().askable(bed.clock.now()), 0u);
}

TEST(Site, CheckNamesWhatIsWrong) {
  EXPECT_TRUE(check(usual()));
  const auto field = [](void (*spoil)(Options&)) {
    Options options = usual();
    spoil(options);
    const base::Status status = check(options);
    return status ? "none" : status.error().field;
  };
  EXPECT_EQ(field([](Options& o) { o.deadline = {}; }), "deadline");
  EXPECT_EQ(field([](Options& o) { o.ipv6_prefix = 129; }), "ipv6_prefix");
  EXPECT_EQ(field([](Options& o) { o.ipv6_prefix = 0; }), "ipv6_prefix");
  EXPECT_EQ(field([](Options& o) { o.compute_hash.rounds = 0; }), "rounds");
  EXPECT_EQ(field([](Options& o) { o.compute_hash.rounds = 100'000'001; }), "rounds");
  EXPECT_EQ(field([](Options& o) { o.compute_hash.cache_ttl = {}; }), "cache_ttl");
  EXPECT_EQ(field([](Options& o) { o.trusted_networks = {"10.0.0.1/8"}; }), "trusted_networks");
  EXPECT_EQ(field([](Options& o) { o.proxy.trusted_proxies = {"x"}; }), "trusted_proxies");
  EXPECT_EQ(field([](Options& o) { o.routes[1].path = "x"; }), "path");
}

}  // namespace
}  // namespace gateway
