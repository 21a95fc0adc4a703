// Whole loads: files, variables and flags over one another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/bed.h"
#include "config/setting.h"
#include "config/value.h"

namespace config {
namespace {

using testing::ElementsAre;

// The file, and nothing of the machine that the test runs on.
Sources only(const std::string& file) {
  Sources sources;
  sources.file = file;
  return sources;
}

std::string domains_of(const Config& config) {
  std::string names;
  for (const limiter::DomainSpec& domain : config.domains) names += domain.name + ' ';
  return names;
}

TEST(Load, EmptyFileGivesTheDefaults) {
  const Folder folder;
  const Loaded loaded = load(only(folder.write("c.yaml", "")));
  ASSERT_TRUE(loaded.config) << text_of(loaded.problems);
  EXPECT_TRUE(differing(*loaded.config, Config()).empty());
  EXPECT_EQ(domains_of(*loaded.config), "gateway outbound ");
}

TEST(Load, GatewayDomainIsBuiltInUnlessAFileDefinesIt) {
  const Config built_in = config_of("");
  const limiter::NodeSpec& client = built_in.domains.at(0).nodes.at(0);
  EXPECT_EQ(client.key, "client_ip");
  EXPECT_EQ(client.limits.at(0).rate, (limit::Rate{10, std::chrono::seconds(10)}));
  EXPECT_TRUE(std::holds_alternative<limit::SlidingLog>(*client.limits.at(0).law));

  const Config own = config_of("limits: [{domain: gateway, descriptors: [{key: x}]}]");
  ASSERT_EQ(domains_of(own), "gateway outbound ");
  EXPECT_EQ(own.domains[0].nodes[0].key, "x");
}

const limiter::DomainSpec& outbound_of(const Config& config) {
  return *std::ranges::find(config.domains, "outbound", &limiter::DomainSpec::name);
}

int64_t cap_of(const limiter::LimitSpec& spec) {
  return std::get<limit::Concurrency>(*spec.law).cap();
}

TEST(Load, TheDispatchersCapsAreLimitsOfTheDomainOutbound) {
  const Config config = config_of("dispatch: {total: 7, per_host: 3, host_rate: 50/s burst 5}");
  const limiter::DomainSpec& outbound = outbound_of(config);
  ASSERT_EQ(outbound.nodes.size(), 2u);
  EXPECT_EQ(outbound.nodes[0].key, "host");
  ASSERT_EQ(outbound.nodes[0].limits.size(), 2u);
  EXPECT_EQ(outbound.nodes[0].limits[0].name, "dispatch-per-host");
  EXPECT_EQ(cap_of(outbound.nodes[0].limits[0]), 3);
  EXPECT_EQ(outbound.nodes[0].limits[1].name, "dispatch-host-rate");
  const auto rate = std::get<limit::Gcra>(*outbound.nodes[0].limits[1].law);
  EXPECT_EQ(rate.rate(), (limit::Rate{50, std::chrono::seconds(1)}));
  EXPECT_EQ(rate.burst(), 5);
  EXPECT_EQ(outbound.nodes[0].limits[1].counts, limiter::Counts::kRequests);
  EXPECT_EQ(outbound.nodes[1].key + '=' + outbound.nodes[1].value, "dispatch=global");
  EXPECT_EQ(outbound.nodes[1].limits.at(0).name, "dispatch-total");
  EXPECT_EQ(cap_of(outbound.nodes[1].limits.at(0)), 7);
}

TEST(Load, WithoutAHostRateAHostHasItsCapAlone) {
  EXPECT_EQ(outbound_of(config_of("")).nodes[0].limits.size(), 1u);
  EXPECT_EQ(outbound_of(config_of("dispatch: {host_rate: none}")).nodes[0].limits.size(), 1u);
}

TEST(Load, WhatAFileSaysOfOutboundGoesBesideTheCapsOrInTheirPlace) {
  const Config beside = config_of(
      "limits: [{domain: outbound, descriptors: [{key: tenant, limit: 5/s}, "
      "{key: host, value: a.example, limits: [{concurrency: 1}]}]}]");
  EXPECT_EQ(outbound_of(beside).nodes.size(), 4u);
  const Config instead = config_of(
      "limits: [{domain: outbound, descriptors: [{key: host, limits: [{concurrency: 1}]}, "
      "{key: dispatch, limits: [{concurrency: 9}]}]}]");
  ASSERT_EQ(outbound_of(instead).nodes.size(), 2u);
  EXPECT_EQ(cap_of(outbound_of(instead).nodes[0].limits.at(0)), 1);
  EXPECT_EQ(cap_of(outbound_of(instead).nodes[1].limits.at(0)), 9);
}

TEST(Load, CapsOfThePrintedFileAreStillThoseOfItsDispatchSection) {
  std::string printed = print(config_of("dispatch: {per_host: 3}\n"));
  EXPECT_EQ(printed.find("dispatch-per-host"), std::string::npos) << printed;
  const size_t at = printed.find("per_host: 3");
  ASSERT_NE(at, std::string::npos) << printed;
  printed.replace(at, std::string_view("per_host: 3").size(), "per_host: 4");
  EXPECT_EQ(cap_of(outbound_of(config_of(printed)).nodes[0].limits[0]), 4);
}

constexpr const char* kSigned =
    "queues:\n  hooks: {push: {url: 'https://a.example/', signing_secret_env: HOOK_SECRET}}\n";

TEST(Load, AQueueThatSignsNeedsItsSecretAndNobodyIsShownIt) {
  const Folder folder;
  Sources sources = only(folder.write("c.yaml", kSigned));
  const std::string where =
      folder.path("c.yaml") + ":2:65: queue 'hooks': the variable HOOK_SECRET";
  EXPECT_EQ(text_of(load(sources).problems), where + " is not set\n");
  sources.environment["HOOK_SECRET"] = "whsec_hunter2";
  const std::string problems = text_of(load(sources).problems);
  EXPECT_EQ(problems.rfind(where + ": ", 0), 0u) << problems;
  EXPECT_EQ(problems.find("hunter2"), std::string::npos) << problems;
  sources.environment["HOOK_SECRET"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  EXPECT_EQ(text_of(load(sources).problems), "");
  sources.environment.clear();
  sources.look_for_secrets = false;
  EXPECT_EQ(text_of(load(sources).problems), "");
}

TEST(Load, ChangedCapsNeedNoRestartButTheGuardDoes) {
  const Config before = config_of("");
  EXPECT_TRUE(
      differing(before, config_of("dispatch: {total: 1, per_host: 1, host_rate: 1/s}")).empty());
  EXPECT_THAT(differing(before, config_of("dispatch: {guard: report, allow: [10.0.0.0/8]}")),
              ElementsAre("dispatch.guard", "dispatch.allow"));
}

TEST(File, DispatchIsHeldToItsBounds) {
  EXPECT_EQ(problems_of("dispatch: {total: 0, guard: on, host_rate: 5/month,\n"
                        "  allow: [10.0.0.0/33, 1.2.3.400, '*.svc.local', 10.1.2.3, 'fd00::/8', "
                        "'::1', '*', 'a b'],\n"
                        "  ca_file: /nothing/there.pem, per_hots: 3}\n"),
            "f:1:19: dispatch.total: must be from 1 to 100000\n"
            "f:1:29: dispatch.guard: must be block, report or off, not 'on'\n"
            "f:1:44: dispatch.host_rate: month and year are no period here\n"
            "f:2:11: dispatch.allow: '10.0.0.0/33' is no network: address/prefix as in 10.0.0.0/8\n"
            "f:2:24: dispatch.allow: '1.2.3.400' is no network, address or name: as in 10.0.0.0/8, "
            "10.1.2.3, hooks.internal or *.svc.local\n"
            "f:2:79: dispatch.allow: '*' is no network, address or name: as in 10.0.0.0/8, "
            "10.1.2.3, hooks.internal or *.svc.local\n"
            "f:2:84: dispatch.allow: 'a b' is no network, address or name: as in 10.0.0.0/8, "
            "10.1.2.3, hooks.internal or *.svc.local\n"
            "f:3:12: dispatch.ca_file: cannot read: No such file or directory\n"
            "f:3:32: unknown key 'dispatch.per_hots' (per_host?)\n");
}

TEST(Load, OneLineLimitsTheServersOwnTraffic) {
  const Config config = config_of(
      "limits: [{domain: server, descriptors: [{key: client_ip, limit: 1000/s}, "
      "{key: scope, value: global, limit: 10000/s}]}]");
  EXPECT_EQ(domains_of(config), "server gateway outbound ");
}

TEST(Load, VariableGoesOverTheFileAndAFlagOverBoth) {
  const Folder folder;
  Sources sources = only(folder.write("c.yaml", "data: /file\nthreads: 1\nlog: {level: error}\n"));
  sources.environment = {{"RATELIMMQ_DATA", "/variable"}, {"RATELIMMQ_LOG_LEVEL", "debug"}};
  sources.flags = {{"log.level", "warning"}};
  const Loaded loaded = load(sources);
  ASSERT_TRUE(loaded.config) << text_of(loaded.problems);
  EXPECT_EQ(loaded.config->server.threads, 1u);
  EXPECT_EQ(loaded.config->server.data_dir, "/variable");
  EXPECT_EQ(loaded.config->log.level, io::Level::kWarning);
}

TEST(Load, EverySettingIsReachedByFileVariableAndFlag) {
  const std::map<std::string, std::string> kOther{
      {"listen.tcp", "127.0.0.1:1"},
      {"listen.api", "off"},
      {"listen.gateway", "off"},
      {"listen.limiter", "127.0.0.1:2"},
      {"listen.trusted_networks", "10.0.0.0/8"},
      {"listen.hosts", "api.example.com"},
      {"data", "/elsewhere"},
      {"threads", "3"},
      {"shards", "5"},
      {"durability", "os"},
      {"queue_creation", "closed"},
      {"bounds.queues", "5"},
      {"bounds.waiting", "6"},
      {"limit_files", "/nothing/*.yaml"},
      {"store.kind", "redis"},
      {"store.instances", "3"},
      {"store.placement", "spread"},
      {"store.redis.url", "redis://10.0.0.1:7/2"},
      {"store.redis.password_env", "SECRET"},
      {"store.redis.deadline", "20ms"},
      {"store.redis.cluster", "10.0.0.1:7"},
      {"store.redis.sentinel.nodes", "10.0.0.1:8"},
      {"store.redis.sentinel.master", "main"},
      {"store.redis.ca_file", "/dev/null"},
      {"store.redis.cert_file", "/dev/null"},
      {"store.redis.key_file", "/dev/null"},
      {"store.redis.verify", "false"},
      {"gateway.limiters.choose", "rendezvous"},
      {"gateway.limiters.deadline", "40ms"},
      {"gateway.limiters.ttl", "7s"},
      {"gateway.limiters.registration_secret_env", "S"},
      {"gateway.client_address.trusted_proxies", "10.0.0.0/8"},
      {"gateway.client_address.ipv6_prefix", "56"},
      {"gateway.compute_hash.rounds", "5"},
      {"gateway.compute_hash.threads", "2"},
      {"gateway.compute_hash.cache.entries", "9"},
      {"gateway.compute_hash.cache.ttl", "5m"},
      {"limiter.register_with", "http://gateway:8000"},
      {"limiter.advertise", "10.0.0.9"},
      {"limiter.heartbeat", "2s"},
      {"store.mode", "strict"},
      {"store.when_gone", "allow"},
      {"table.memory_max", "2MiB"},
      {"table.when_full", "allow"},
      {"bounds.line", "2KiB"},
      {"bounds.body", "3KiB"},
      {"bounds.connections", "5"},
      {"bounds.request_timeout", "1s"},
      {"bounds.idle_timeout", "2s"},
      {"bounds.stop_timeout", "3s"},
      {"bounds.ttl", "4s"},
      {"bounds.holds", "6"},
      {"dispatch.total", "20"},
      {"dispatch.per_host", "2"},
      {"dispatch.host_rate", "5/10s burst 2"},
      {"dispatch.guard", "report"},
      {"dispatch.allow", "*.svc.local"},
      {"dispatch.backoff_base", "2s"},
      {"dispatch.backoff_max", "7m"},
      {"dispatch.breaker_failures", "3"},
      {"dispatch.probe", "9s"},
      {"dispatch.ca_file", "/dev/null"},
      {"log.level", "off"},
      {"log.format", "json"}};
  for (const Setting& setting : settings()) {
    const std::string& value = kOther.at(setting.path);
    std::string file = "\"" + value + "\"";
    if (setting.list) file = "[" + file + "]";
    for (std::string path = setting.path; !path.empty();) {  // From the inside out.
      const size_t dot = path.rfind('.');
      file = "{" + path.substr(dot == path.npos ? 0 : dot + 1) + ": " + file + "}";
      path.resize(dot == path.npos ? 0 : dot);
    }
    const auto role = setting.path == "listen.limiter" ? server::Role::kLimiter
                      : setting.path == "store.kind"   ? server::Role::kGateway
                                                       : server::Role::kServe;
    const Folder folder;
    Sources in_file = only(folder.write("c.yaml", file));
    in_file.role = role;
    const Loaded from_file = load(in_file);
    Sources variable = only(folder.write("empty.yaml", ""));
    variable.role = role;
    variable.environment[setting.environment()] = value;
    const Loaded from_variable = load(variable);
    Sources flag = only(folder.path("empty.yaml"));
    flag.role = role;
    flag.flags = {{setting.path, value}};
    const Loaded from_flag = load(flag);
    for (const Loaded* loaded : {&from_file, &from_variable, &from_flag}) {
      ASSERT_TRUE(loaded->config) << setting.path << text_of(loaded->problems);
      EXPECT_THAT(setting.get(*loaded->config), ElementsAre(value)) << setting.path;
    }
  }
}

Loaded with_environment(std::map<std::string, std::string> environment) {
  const Folder folder;
  Sources sources = only(folder.write("c.yaml", ""));
  sources.environment = std::move(environment);
  return load(sources);
}

std::string tcp(const Loaded& loaded) {
  return loaded.config ? print_address(loaded.config->server.tcp) : text_of(loaded.problems);
}

TEST(Environment, HostAndPortNameTheTcpListener) {
  EXPECT_EQ(tcp(with_environment({{"RATELIMMQ_PORT", "0"}})), "127.0.0.1:0");
  EXPECT_EQ(tcp(with_environment({{"RATELIMMQ_HOST", "::1"}})), "[::1]:7411");
  EXPECT_EQ(tcp(with_environment({{"RATELIMMQ_PORT", "off"}})), "off");
  EXPECT_EQ(tcp(with_environment({{"RATELIMMQ_LISTEN_TCP", "off"}, {"RATELIMMQ_PORT", "5"}})),
            "127.0.0.1:5");
  EXPECT_EQ(tcp(with_environment({{"RATELIMMQ_PORT", "70000"}})),
            "environment: RATELIMMQ_PORT: port '70000' must be an integer between 0 and 65535\n");
}

TEST(Environment, EmptyVariableCountsAsAbsent) {
  EXPECT_EQ(tcp(with_environment({{"RATELIMMQ_HOST", ""}, {"RATELIMMQ_LISTEN_TCP", ""}})),
            "127.0.0.1:7411");
}

TEST(Environment, NearMissIsAProblemAndOthersAreNot) {
  EXPECT_EQ(text_of(with_environment({{"RATELIMMQ_LISTN_TCP", "off"}}).problems),
            "environment: unknown variable RATELIMMQ_LISTN_TCP (RATELIMMQ_LISTEN_TCP?)\n");
  EXPECT_TRUE(with_environment({{"RATELIMMQ_REGISTRATION_SECRET", "x"},
                                {"RATELIMMQ_SOMETHING_ELSE", "x"},
                                {"PATH", "/bin"}})
                  .config);
}

TEST(Environment, ListStandsBetweenCommas) {
  const Loaded loaded =
      with_environment({{"RATELIMMQ_LISTEN_TRUSTED_NETWORKS", "10.0.0.0/8,fd00::/8"}});
  ASSERT_TRUE(loaded.config);
  EXPECT_THAT(loaded.config->server.trusted_networks, ElementsAre("10.0.0.0/8", "fd00::/8"));
}

TEST(Environment, NamesTheFileThatNoFlagNames) {
  const Folder folder;
  Sources sources;
  sources.environment["RATELIMMQ_CONFIG"] = folder.write("c.yaml", "threads: 7");
  EXPECT_EQ(load(sources).config->server.threads, 7u);
  sources.file = folder.write("d.yaml", "threads: 8");
  EXPECT_EQ(load(sources).config->server.threads, 8u);
}

TEST(Flags, UnknownSettingIsAProblemWithASuggestion) {
  const Folder folder;
  Sources sources = only(folder.write("c.yaml", ""));
  sources.flags = {{"tabel.memory_max", "1GiB"}, {"data+", "x"}, {"gateway", "x"}};
  EXPECT_EQ(text_of(load(sources).problems),
            "command line: unknown setting 'tabel.memory_max' (table.memory_max?)\n"
            "command line: unknown setting 'data+' (data?)\n"
            "command line: unknown setting 'gateway'\n");
}

TEST(File, EveryProblemIsFoundAtOnce) {
  EXPECT_EQ(problems_of("litsen: {tcp: off}\n"
                        "listen: {tpc: off, tcp: x, gateway: off, trusted_networks: [1.2.3.4]}\n"
                        "gateway: {limiter: {}, compute_hash: {cache: {tll: 1s}}}\n"
                        "threads: 0\n"
                        "threads: 1\n"
                        "store: {kind: redis, redis: {}, mode: fast}\n"
                        "table: {memory_max: 1KB, when_full: []}\n"
                        "bounds: {line: 1, stop_timeout: 2d, connections: 99999999999999999999}\n"
                        "log: [x]\n"
                        "data:\n"
                        "limits: [{domain: d, descriptors: [{key: k, limit: 5}]}]\n"),
            "f:1:1: unknown key 'litsen' (listen?)\n"
            "f:2:10: unknown key 'listen.tpc' (tcp?)\n"
            "f:2:25: listen.tcp: 'x' is no address: host:port as in 127.0.0.1:7411, [::1]:7411, "
            "or off\n"
            "f:2:61: listen.trusted_networks: '1.2.3.4' is no network: address/prefix as in "
            "10.0.0.0/8\n"
            "f:3:11: unknown key 'gateway.limiter' (limiters?)\n"
            "f:3:47: unknown key 'gateway.compute_hash.cache.tll' (ttl?)\n"
            "f:4:10: threads: must be auto or an integer between 1 and 1024\n"
            "f:5:1: duplicate key 'threads' (first on line 4)\n"
            "f:6:39: store.mode: must be granted or strict, not 'fast'\n"
            "f:7:21: table.memory_max: '1KB' is no size: as in 65536, 64KiB, 1MiB or 2GiB\n"
            "f:7:37: table.when_full must be one value, not a list\n"
            "f:8:16: bounds.line: must be from 1KiB to 16MiB\n"
            "f:8:33: bounds.stop_timeout: must be from 0ms to 1h\n"
            "f:8:50: bounds.connections: '99999999999999999999' must be an integer between 0 and "
            "9223372036854775807\n"
            "f:9:6: log must be a map, not a list\n"
            "f:10:1: data has no value\n"
            "f:11:52: rate \"5\" must be <count>/<period>, as in 100/s\n");
}

TEST(File, PublicAddressNeedsTrustedNetworks) {
  EXPECT_EQ(problems_of("listen: {api: 0.0.0.0:80}\n"),
            "f:1:15: listen.api: 0.0.0.0:80 is a public address and needs "
            "listen.trusted_networks\n");
  EXPECT_EQ(problems_of("listen: {api: 0.0.0.0:80, trusted_networks: [10.0.0.0/8]}\n"), "");
}

TEST(File, ThatCannotBeReadIsAProblem) {
  const Folder folder;
  const std::string missing = folder.path("missing.yaml");
  EXPECT_EQ(text_of(load(only(missing)).problems),
            missing + ": cannot read: No such file or directory\n");
  EXPECT_EQ(text_of(load(only(folder.path(""))).problems),
            folder.path("") + ": cannot read: Is a directory\n");
  const std::string large = folder.write("large", std::string(yaml::kFileBytesMax + 1, '#'));
  EXPECT_EQ(text_of(load(only(large)).problems), large + ": the file is over 16 MiB\n");
}

TEST(File, OfEnvoysFormIsAWholeConfiguration) {
  const Folder folder;
  const Loaded loaded = load(only(folder.write(
      "e.yaml",
      "domain: a\ndescriptors: [{key: k, rate_limit: {unit: day, requests_per_unit: 1}}]")));
  ASSERT_TRUE(loaded.config) << text_of(loaded.problems);
  EXPECT_EQ(domains_of(*loaded.config), "a gateway outbound ");
}

TEST(LimitFiles, ArePatternsToldFromTheFile) {
  const Folder folder;
  folder.write("limits.d/b.yaml", "domain: b\n");
  folder.write("limits.d/a.yaml", "domain: a\n");
  folder.write("limits.d/ours.yaml", "limits: [{domain: c}, {domain: d}]\n");
  folder.write("limits.d/not.txt", "domain: x\n");
  const std::string main = folder.write(
      "c.yaml", "limit_files: [\"limits.d/*.yaml\", limits.d/a.yaml]\nlimits: [{domain: m}]\n");
  const Loaded loaded = load(only(main));
  ASSERT_TRUE(loaded.config) << text_of(loaded.problems);
  EXPECT_EQ(domains_of(*loaded.config), "m a b c d gateway outbound ");
  EXPECT_THAT(loaded.config->watched,
              ElementsAre(main, folder.path("limits.d"), folder.path("limits.d/a.yaml"),
                          folder.path("limits.d/b.yaml"), folder.path("limits.d/ours.yaml")));
}

TEST(LimitFiles, ProblemsNameTheFileTheyStandIn) {
  const Folder folder;
  const std::string a = folder.write("a.yaml", "domain: x\ndescriptors: [{key: k}, {key: k}]\n");
  const std::string b = folder.write("b.yaml", "domain: x\nport: 5\n");
  const std::string c = folder.write("c.yaml", "domain: y\ndescriptors:\n\t- key: k\n");
  const std::string main =
      folder.write("main.yaml", "limit_files: [a.yaml, b.yaml, c.yaml, d.yaml]\n");
  EXPECT_EQ(text_of(load(only(main)).problems),
            b + ":1:1: duplicate domain 'x' in config file\n" +  //
                b + ":2:1: config error, unknown key 'port'\n" + c +
                ":3:1: a tab in the indentation; YAML wants spaces\n" +  //
                main + ":1:39: limit_files: " + shown(folder.path("d.yaml")) +
                ": cannot read: No such file or directory\n" + a +
                ":2:25: duplicate descriptor composite key 'x.k'\n");
}

TEST(LimitFiles, FlagAddsToTheFilesOfTheFile) {
  const Folder folder;
  folder.write("a.yaml", "domain: a\n");
  Sources sources = only(folder.write("main.yaml", "limit_files: [a.yaml]\n"));
  sources.flags = {{"limit_files+", folder.write("b.yaml", "domain: b\n")},
                   {"limit_files+", folder.write("c.yaml", "domain: c\n")}};
  EXPECT_EQ(domains_of(*load(sources).config), "a b c gateway outbound ");
}

TEST(LimitFiles, PatternThatMatchesNothingIsNoProblem) {
  const Folder folder;
  EXPECT_TRUE(load(only(folder.write("c.yaml", "limit_files: [\"none.d/*.yaml\"]\n"))).config);
}

TEST(Differing, NamesSettingsThatNeedARestart) {
  const Config before = config_of("threads: 1\nstore: {mode: granted}\n");
  const Config now = config_of("threads: 2\nlog: {level: error}\nstore: {mode: strict}\n");
  EXPECT_THAT(differing(before, now), ElementsAre("threads", "log.level"));
}

}  // namespace
}  // namespace config
