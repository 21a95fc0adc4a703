#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/bed.h"

namespace config {
namespace {

using server::Role;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Loaded load_as(Role role, const std::string& text,
               std::map<std::string, std::string> environment = {}) {
  const Folder folder;
  Sources sources;
  sources.role = role;
  sources.file = folder.write("f.yaml", text);
  sources.environment = std::move(environment);
  return load(sources);
}

TEST(Roles, HaveTheirOwnListenersOutOfOneFile) {
  const std::string all = "listen: {tcp: 127.0.0.1:1, gateway: 127.0.0.1:3, limiter: 127.0.0.1:4}";
  const auto listeners = [&](Role role) {
    const Loaded loaded = load_as(role, all);
    EXPECT_TRUE(loaded.config) << text_of(loaded.problems);
    const server::ServerOptions& options = loaded.config->server;
    return std::vector<int>{options.tcp.port, options.api.port, options.gateway.port,
                            options.limiter.port};
  };
  EXPECT_THAT(listeners(Role::kServe), ElementsAre(1, 8080, 3, 0));
  EXPECT_THAT(listeners(Role::kLimiter), ElementsAre(0, 8083, 0, 4));
  EXPECT_THAT(listeners(Role::kGateway), ElementsAre(0, 8082, 3, 0));
}

TEST(Roles, AnInstanceKeepsItsLimitsInRedis) {
  const Loaded plain = load_as(Role::kLimiter, "");
  ASSERT_TRUE(plain.config) << text_of(plain.problems);
  EXPECT_EQ(plain.config->store_kind, StoreKind::kRedis);
  EXPECT_THAT(plain.config->store.redis.nodes, ElementsAre(redis::Node{"127.0.0.1", 6379}));
  EXPECT_THAT(text_of(load_as(Role::kLimiter, "store: {kind: embedded}").problems),
              HasSubstr("store.kind: must be redis"));
}

TEST(Roles, ABrokerMayKeepItsLimitsInRedis) {
  const std::string store = "store: {kind: redis}\nlimits: [{domain: ";
  const auto problems = [&](const std::string& domain, const std::string& limit) {
    const std::string limits = ", descriptors: [{key: a, limits: [" + limit + "]}]}]";
    return text_of(load_as(Role::kServe, store + domain + limits).problems);
  };
  EXPECT_EQ(problems("api", "{rate: 1/s}"), "");
  EXPECT_THAT(problems("api", "{rate: 1/s, durable: true}"),
              HasSubstr("a limit in Redis cannot be durable"));
  EXPECT_THAT(problems("api", "{rate: 3/7ns}"), HasSubstr("whole microseconds"));
  // What it does itself it counts itself.
  EXPECT_EQ(problems("server", "{rate: 1/s, durable: true}"), "");
}

TEST(Redis, IsReadFromUrlClusterOrSentinels) {
  const Loaded one = load_as(Role::kLimiter, "store: {redis: {url: 'rediss://me:pw@r:7/3'}}");
  ASSERT_TRUE(one.config) << text_of(one.problems);
  EXPECT_EQ(one.config->store.redis.layout, redis::Layout::kSingle);
  EXPECT_EQ(one.config->store.redis.password, "pw");
  EXPECT_TRUE(one.config->store.redis.tls.on);
  EXPECT_THAT(print(*one.config), HasSubstr("rediss://me@r:7/3"));
  EXPECT_THAT(print(*one.config), Not(HasSubstr("pw")));

  const Loaded many =
      load_as(Role::kLimiter, "store: {redis: {cluster: ['a:1', '[::1]:2'], password_env: P}}",
              {{"P", "x"}});
  ASSERT_TRUE(many.config) << text_of(many.problems);
  EXPECT_EQ(many.config->store.redis.layout, redis::Layout::kCluster);
  EXPECT_THAT(many.config->store.redis.nodes,
              ElementsAre(redis::Node{"a", 1}, redis::Node{"::1", 2}));
  EXPECT_EQ(many.config->store.redis.password, "x");

  const Loaded named =
      load_as(Role::kLimiter, "store: {redis: {sentinel: {nodes: ['a:1'], master: m}}}");
  ASSERT_TRUE(named.config) << text_of(named.problems);
  EXPECT_EQ(named.config->store.redis.layout, redis::Layout::kSentinel);
  EXPECT_EQ(named.config->store.redis.master_name, "m");
}

TEST(Redis, ProblemsNameTheSetting) {
  const std::pair<const char*, const char*> rows[] = {
      {"store: {redis: {url: 'http://x'}}", "store.redis.url"},
      {"store: {redis: {cluster: [a]}}", "store.redis.cluster: must be host:port"},
      {"store: {redis: {cluster: ['a:1'], sentinel: {nodes: ['b:1'], master: m}}}",
       "store.redis.cluster: not together with"},
      {"store: {redis: {sentinel: {nodes: ['b:1']}}}", "store.redis.sentinel.master: is needed"},
      {"store: {redis: {deadline: 30ms}}", "store.redis.deadline: must be shorter than"},
      {"store: {redis: {cert_file: /dev/null}}", "store.redis.cert_file: goes together"},
      {"limits: [{domain: d, descriptors: [{key: k, limit: 1/7ns}]}]", "f.yaml:1:"}};
  for (const auto& [text, problem] : rows) {
    const Loaded loaded = load_as(Role::kLimiter, text);
    EXPECT_THAT(text_of(loaded.problems), HasSubstr(problem)) << text;
  }
}

TEST(Routes, AreReadWholeAndPrintedBack) {
  const std::string text =
      "gateway: {routes: [\n"
      "  {path: /a, host: h.test, upstream: 'http://127.0.0.1:9000', when_none: allow, timeout: "
      "5s,\n"
      "   max_request: 1MiB, max_response: 2GiB,\n"
      "   decide: {domain: d, descriptors: ['client_ip={client_ip},path={path}']}},\n"
      "  {path: /, upstream: 'http://127.0.0.1:9001'}]}";
  const Config config = config_of(text);
  ASSERT_EQ(config.gateway.routes.size(), 3u);
  const gateway::Route& route = config.gateway.routes[0];
  EXPECT_EQ(route.host, "h.test");
  EXPECT_EQ(route.when_none, gateway::WhenNone::kAllow);
  EXPECT_EQ(route.timeout, std::chrono::seconds(5));
  EXPECT_EQ(route.request_bytes_max, uint64_t{1} << 20);
  EXPECT_EQ(route.decide->domain, "d");
  EXPECT_FALSE(config.gateway.routes[1].decide);
  EXPECT_EQ(config.gateway.routes[2].path, "/compute_hash");  // Built in.
  const std::string printed = print(config);
  EXPECT_EQ(print(config_of(printed)), printed);
}

TEST(Routes, ProblemsHaveTheirPlace) {
  const std::pair<const char*, const char*> rows[] = {
      {"{upstream: 'http://a'}", "a route needs a path"},
      {"{path: /x, upstrem: 'http://a'}", "unknown key 'upstrem' (upstream?)"},
      {"{path: x, upstream: 'http://a'}", "path"},
      {"{path: /, upstream: 'https://a'}", "upstream"},
      {"{path: /, upstream: 'http://a', decide: {domain: d}}", "decide needs descriptors"},
      {"{path: /, upstream: 'http://a', decide: {domain: d, descriptors: ['k={nothing}']}}",
       "nothing"},
      {"{path: /, upstream: 'http://a', max_request: lots}", "max_request must be a size"}};
  for (const auto& [route, problem] : rows) {
    const std::string problems = problems_of("gateway: {routes: [" + std::string(route) + "]}");
    EXPECT_THAT(problems, HasSubstr(problem)) << route;
    EXPECT_THAT(problems, HasSubstr("f:1:")) << route;
  }
}

TEST(Gateway, TheSecretComesFromTheEnvironmentAndIsNotPrinted) {
  const Loaded loaded = load_as(Role::kGateway, "", {{"RATELIMMQ_REGISTRATION_SECRET", "hush"}});
  ASSERT_TRUE(loaded.config) << text_of(loaded.problems);
  EXPECT_EQ(loaded.config->gateway.registration_secret, "hush");
  EXPECT_EQ(loaded.config->registrar.secret, "hush");
  EXPECT_THAT(print(*loaded.config), Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace config
