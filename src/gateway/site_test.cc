#include "gateway/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "gateway/site_bed.h"
#include "http/loopback_bed.h"
#include "io/clock.h"
#include "redis/test_server.h"

namespace gateway {
namespace {

using site_bed::Client;
using site_bed::Limits;
using site_bed::run;
using std::chrono::milliseconds;
using testing::HasSubstr;

namespace json = boost::json;

Route route_to(std::string path, std::string upstream, WhenNone when = WhenNone::kRefuse) {
  Route out;
  out.path = std::move(path);
  out.upstream = std::move(upstream);
  out.when_none = when;
  out.decide = Decide{"gateway", {"client_ip={client_ip}"}};
  return out;
}

Options usual() {
  Options options;
  options.deadline = std::chrono::seconds(5);
  options.compute_hash = {.rounds = 1000, .threads = 1};
  options.routes = {route_to("/compute_hash", ""), route_to("/", "http://127.0.0.1:9"),
                    route_to("/open", "http://127.0.0.1:9", WhenNone::kAllow)};
  Route unlimited = route_to("/free", "http://127.0.0.1:9");
  unlimited.decide.reset();
  options.routes.push_back(unlimited);
  return options;
}

struct SiteBed {
  explicit SiteBed(Options with = usual(), bool embedded = true)
      : options(std::move(with)),
        common(options, clock, {}),
        site(std::in_place, loop, common, embedded ? &limits : nullptr) {}

  std::shared_ptr<Client> begin(Client::Asks asks) {
    auto client = std::make_shared<Client>(std::move(asks));
    loop.post([this, client] { site->on_request(client); });
    return client;
  }
  std::shared_ptr<Client> serve(Client::Asks asks) {
    auto client = begin(std::move(asks));
    EXPECT_TRUE(run(loop, [&] { return client->over(); }));
    return client;
  }
  std::shared_ptr<Client> get(const std::string& target) { return serve({.target = target}); }
  std::shared_ptr<Client> hash(const std::string& body) {
    return serve({.method = "POST", .target = "/compute_hash", .body = body});
  }
  std::shared_ptr<Client> enter(const std::string& body, const std::string& peer = "127.0.0.1",
                                const std::string& path = "/register_rate_limiter") {
    return serve({.method = "POST", .target = path, .body = body, .peer = peer});
  }
  std::string metrics() const {
    metric::Families families;
    common.collect(families);
    return families.text();
  }

  Options options;
  io::SystemClock clock;
  io::Loop loop;
  Limits limits{loop};
  Site::Common common;
  std::optional<Site> site;
};

// What a limit of ten has to say.
struct Met {
  explicit Met(bool allowed, int64_t remaining) {
    limit.name = "client_ip";
    limit.spec.algorithm = "fixed_window";
    limit.spec.rate = {10, std::chrono::seconds(10)};
    limit.spec.law = limit::FixedWindow::make(limit.spec.rate).value();
    met.limit = &limit;
    met.decision = {.allowed = allowed,
                    .limit = 10,
                    .remaining = remaining,
                    .retry_after = allowed ? base::Duration{} : milliseconds(2500),
                    .reset_after = milliseconds(2500)};
    answer.allowed = allowed;
    answer.matched = true;
    if (!allowed) answer.limited_by = limit.name;
    answer.numbers = met.decision;
    answer.limits = std::span(&met, 1);
  }
  limiter::Limit limit;
  limiter::LimitAnswer met{};
  limiter::Answer answer;
};

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
  EXPECT_EQ(problem.at("violated-policies"), json::value({"client_ip"}));
  EXPECT_EQ(problem.at("retry_after_ms"), 2500);
  EXPECT_THAT(bed.metrics(),
              HasSubstr("decision=\"refused\",reason=\"limits\",rule=\"client_ip\"} 1"));
}

TEST(Site, TheClientIsWhomTrustedProxiesNameAndALimitMeansItsPrefix) {
  Options options = usual();
  options.trusted_proxies = {"10.0.0.0/8"};
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
  std::vector<std::shared_ptr<Client>> late, early;
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

TEST(Site, HashesAreComputedOnceAndThenCached) {
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

TEST(Site, AHashCarriesTheFieldsOfItsDecision) {
  SiteBed bed;
  const Met met(true, 9);
  bed.limits.answer = met.answer;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(bed.hash(R"({"data":"x"})")->field("RateLimit"), R"("client_ip";r=9;t=3)");
  }
}

TEST(Site, WhatIsNoTextToHashIsRefused) {
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

TEST(Site, ARefusedHashIsNotRead) {
  SiteBed bed;
  const Met met(false, 0);
  bed.limits.answer = met.answer;
  EXPECT_EQ(bed.hash("rubbish")->status(), 429);
}

TEST(Site, WrongMethodsAndPathsAreToldBeforeAnythingIsCharged) {
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

TEST(Site, WithoutARouteThereIsNothing) {
  SiteBed bed(Options{});
  const auto client = bed.get("/x");
  EXPECT_EQ(client->status(), 404);
  EXPECT_EQ(json::parse(client->body()).at("code"), "NOTFOUND");
}

TEST(Site, HealthSaysWhetherWhatMustBeAskedCanBe) {
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

TEST(Site, HealthTellsOfTheStoreBehindTheHashCache) {
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

TEST(Site, InstancesRegisterShowAndLeave) {
  SiteBed bed(usual(), false);
  EXPECT_EQ(bed.enter(R"({"host":"127.0.0.1","port":8001})")->body(),
            R"({"registered":true,"instances":1,"ttl_s":10})");
  EXPECT_EQ(bed.enter(R"({"host":"127.0.0.1","port":8001,"ttl_s":2.5})")->body(),
            "{\"registered\":true,\"instances\":1,\"ttl_s\":2.5E0}");
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

TEST(Site, RegistrationFromElsewhereIsRefused) {
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

TEST(Site, AsksRegisteredInstancesOverHttp) {
  loopback_bed::Server limiter(
      loopback_bed::always("HTTP/1.1 200 OK\r\nRateLimit: \"ip\";r=4\r\nContent-Length: 28\r\n\r\n"
                           "{\"allowed\":true,\"limit\":10 }"));
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
  EXPECT_EQ(field([](Options& o) { o.trusted_proxies = {"x"}; }), "trusted_proxies");
  EXPECT_EQ(field([](Options& o) { o.routes[1].path = "x"; }), "path");
}

}  // namespace
}  // namespace gateway
