// Declared queues: what they take, what they refuse, and where.
#include "config/queue_reader.h"

#include <gtest/gtest.h>

#include "config/bed.h"

namespace config {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAll = R"(
durability: os
limits: [{domain: outbound, descriptors: [{key: tenant, limit: 5/s}]}]
queues:
  emails:
    lease: 45s
    attempts: 8
    backoff: {base: 2s, factor: 1.5, max: 3m, jitter: 0.25}
    in_flight_per_key: 1
    durability: memory
    ttl: 7d
    dedup_window: 10m
    decide: {domain: outbound, descriptors: ["queue={queue}", "tenant={header:tenant}"]}
    dead_letter: {keep: 9d, expired: true}
    weights: {acme: 5, "*": 2}
    max: {messages: 1000, bytes: 10GiB}
    push: {url: "https://a.example/{key}?q={queue}", method: PUT, timeout: 20s, redirects: 2,
           signing_secret_env: HOOK_SECRET}
  "other ä": {}
)";

queue::Settings emails() {
  queue::Settings out;
  out.lease = 45s;
  out.attempts = 8;
  out.backoff = {2s, 1500, 3min, 250'000};
  out.in_flight_per_key = 1;
  out.durability = queue::Durability::kMemory;
  out.ttl = 7 * 24h;
  out.dedup_window = 10min;
  out.decide = {"outbound", {"queue={queue}", "tenant={header:tenant}"}};
  out.dead_keep = 9 * 24h;
  out.dead_expired = true;
  out.weights = {{"acme", 5}, {"*", 2}};
  out.messages_max = 1000;
  out.bytes_max = uint64_t{10} << 30;
  out.push = {"https://a.example/{key}?q={queue}", "PUT", 20s, 2, "HOOK_SECRET"};
  return out;
}

TEST(Queues, EveryKeyIsRead) {
  const Config config = config_of(kAll);
  ASSERT_EQ(config.queues.declared.size(), 2u);
  EXPECT_EQ(config.queues.declared.at("emails"), emails());
}

TEST(Queues, WhatAQueueLeavesOutIsTheDefaultOfTheFile) {
  queue::Settings defaults;
  defaults.durability = queue::Durability::kOs;
  EXPECT_EQ(config_of(kAll).queues.declared.at("other ä"), defaults);
}

TEST(Queues, WhatIsPrintedReadsBackToTheSame) {
  const Config config = config_of(kAll);
  const Config again = config_of(print(config));
  EXPECT_EQ(again.queues.declared, config.queues.declared);
}

// The problems of one queue whose settings stand in { } from line 3, column 5 on.
std::string problems_of_queue(const std::string& settings) {
  return problems_of("queues:\n  q:\n    {" + settings + "}\n");
}

TEST(Queues, AFaultIsNamedWithItsPlace) {
  EXPECT_EQ(problems_of_queue("laese: 3s"), "f:3:6: unknown key 'laese' (lease?)\n");
  EXPECT_EQ(problems_of_queue("max: {byte: 3}"), "f:3:12: unknown key 'max.byte' (bytes?)\n");
  EXPECT_EQ(problems_of_queue("push: {url: x}"),
            "f:3:18: push.url: a URL begins with http://, https:// or a part like {header:url}\n");
  EXPECT_EQ(problems_of_queue("push: {uri: x}"), "f:3:13: unknown key 'push.uri' (url?)\n");
  EXPECT_EQ(problems_of_queue("lease: 13h"),
            "f:3:13: lease must be a span of 1 ms to 12 h, as 30s or in milliseconds\n");
  EXPECT_EQ(problems_of_queue("attempts: 0"),
            "f:3:16: attempts must be an integer between 1 and 65535\n");
  EXPECT_EQ(problems_of_queue("lease: [1]"), "f:3:13: lease must be one value, not a list\n");
  EXPECT_EQ(problems_of_queue("max: 7"), "f:3:11: max must be a map, not text\n");
}

TEST(Queues, ASpanWithoutAUnitIsRefused) {
  EXPECT_EQ(problems_of_queue("lease: 30"),
            "f:3:13: lease: '30' is no span: as in 10ms, 30s, 5m, 12h or 7d\n");
  EXPECT_EQ(problems_of_queue("ttl: 0"), "");
}

TEST(Queues, ADomainThatIsNotThereIsAProblem) {
  EXPECT_EQ(problems_of_queue("decide: {domain: gatevay}"),
            "f:3:23: decide.domain: no limits have the domain 'gatevay' (gateway?)\n");
}

TEST(Queues, AFaultyTemplateIsNamed) {
  const std::string problems =
      problems_of_queue("decide: {domain: gateway, descriptors: [\"a={b\"]}");
  EXPECT_EQ(problems.rfind("f:3:46: decide.descriptors: ", 0), 0u) << problems;
}

TEST(Queues, ClosedAndDurableAreSettings) {
  const Config config = config_of("queue_creation: closed\ndurability: memory\nshards: 3\n");
  EXPECT_FALSE(config.queues.creation_open);
  EXPECT_EQ(config.queues.defaults.durability, queue::Durability::kMemory);
  EXPECT_EQ(config.server.shards, 3u);
  EXPECT_NE(problems_of("shards: 65\n"), "");
}

}  // namespace
}  // namespace config
