// What is printed reads back to the same; the reference is the page in docs/.
#include <gtest/gtest.h>

#include "config/bed.h"
#include "config/setting.h"

namespace config {
namespace {

constexpr const char* kEverything = R"(
listen: {tcp: "[::1]:5", api: off, trusted_networks: [10.0.0.0/8, "fd00::/8"]}
data: "/a b/\"c\""
threads: 3
store: {mode: strict, when_gone: allow}
table: {memory_max: 3MiB, when_full: allow}
bounds: {line: 1025, body: 2MiB, connections: 7, request_timeout: 1500ms, idle_timeout: 90s,
         stop_timeout: 0s, ttl: 1d, holds: 9}
dispatch: {total: 9, per_host: 2, host_rate: 7/3s burst 4, guard: report,
           allow: [10.0.0.0/8, "*.svc.local", "::1"], backoff_base: 2s, backoff_max: 1h,
           breaker_failures: 3, probe: 5s}
log: {level: warning, format: json}
limits:
  - domain: d
    descriptors:
      - key: k
        value: "a, b: {*} # \u00e4\n'x'"
        share_threshold: true
        limits:
          - {name: a, rate: 3/10s, burst: 5, algorithm: leaky_bucket, counts: requests}
          - {name: "true", rate: 5/month, algorithm: calendar, zone: Europe/Berlin, shadow: true}
          - {rate: 5/w, algorithm: calendar}
          - {rate: 9/h, algorithm: sliding_window, mode: granted, when_gone: refuse}
          - {rate: 9/h, algorithm: sliding_counter, overdraft: 3, quota: true}
          - {rate: 0/h, algorithm: fixed_window, replaces: [a, "no"]}
          - {concurrency: 10, ttl: 90s}
          - {unlimited: true}
        descriptors:
          - {key: empty}
          - {key: "1.5", value: "null", rate_limit: {unit: year, requests_per_unit: 4}}
  - domain: none
)";

TEST(Print, ReadsBackToTheSame) {
  for (const std::string& text :
       {std::string(kEverything), std::string(), std::string(example())}) {
    const Config config = config_of(text);
    const std::string printed = print(config);
    const Config again = config_of(printed);
    EXPECT_EQ(print(again), printed);
    EXPECT_TRUE(differing(config, again).empty());
  }
}

TEST(Print, ShowsEveryKeyOfEveryLimit) {
  const std::string printed = print(config_of(kEverything));
  for (const char* part :
       {"  tcp: \"[::1]:5\"\n  api: \"off\"\n  gateway: 127.0.0.1:8000\n  limiter: \"off\"\n  "
        "trusted_networks: [10.0.0.0/8, fd00::/8]\n",
        "data: \"/a b/\\\"c\\\"\"\nthreads: 3\nshards: auto\n",
        "        value: \"a, b: {*} # ä\\x0A'x'\"\n        share_threshold: true\n",
        "{name: a, algorithm: leaky_bucket, rate: 3/10s, burst: 5, counts: requests, overdraft: 0, "
        "mode: strict, when_gone: allow, durable: false, shadow: false, quota: false, replaces: "
        "[]}\n",
        "{name: \"true\", algorithm: calendar, rate: 5/month, zone: Europe/Berlin, counts: cost, "
        "overdraft: 0, mode: strict, when_gone: allow, durable: false, shadow: true, quota: false, "
        "replaces: []}\n",
        "{algorithm: calendar, rate: 5/w, zone: UTC, ",
        "{algorithm: sliding_window, rate: 9/h, counts: cost, overdraft: 0, mode: granted, "
        "when_gone: refuse, ",
        "{algorithm: sliding_counter, rate: 9/h, counts: cost, overdraft: 3, mode: strict, "
        "when_gone: allow, durable: false, shadow: false, quota: true, ",
        "{algorithm: fixed_window, rate: 0/h, ", "replaces: [a, \"no\"]}\n",
        "{concurrency: 10, ttl: 90s, mode: strict, when_gone: allow, durable: false, shadow: "
        "false, quota: false, "
        "replaces: []}\n",
        "{unlimited: true, mode: strict, ", "          - key: \"1.5\"\n",
        "            value: \"null\"\n", "rate: 4/365d, ",
        "  - domain: none\n    descriptors: []\n"}) {
    EXPECT_NE(printed.find(part), std::string::npos) << part << "\nin\n" << printed;
  }
}

TEST(Print, LimitFilesStandUnderLimits) {
  const Folder folder;
  Sources sources;
  sources.file = folder.write("c.yaml", "limit_files: [l.yaml]\n");
  folder.write("l.yaml", "domain: l\n");
  const std::string printed = print(*load(sources).config);
  EXPECT_NE(printed.find("limit_files: []  # under limits: ["), std::string::npos) << printed;
  EXPECT_NE(printed.find("  - domain: l\n"), std::string::npos);
  EXPECT_NE(print(config_of(printed)).find("limit_files: []\n"), std::string::npos);
}

TEST(Example, IsAGoodFile) { EXPECT_EQ(problems_of(std::string(example())), ""); }

TEST(Reference, IsThePageInDocs) {
  std::ifstream page(RATELIMMQ_SOURCE_DIR "/docs/configuration.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  EXPECT_EQ(text, reference_markdown())
      << "build/release/ratelimmq config-markdown > docs/configuration.md";
}

TEST(Reference, HasARowForEverySetting) {
  const std::string text = reference_markdown();
  for (const SettingRow& row : setting_rows()) {
    EXPECT_NE(text.find("| `" + row.path + "` | " + row.kind + " |"), std::string::npos)
        << row.path;
    EXPECT_NE(text.find('`' + row.environment + '`'), std::string::npos) << row.path;
    EXPECT_FALSE(row.help.empty()) << row.path;
  }
}

}  // namespace
}  // namespace config
