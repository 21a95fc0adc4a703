// Trees of descriptors: our form, and files of envoyproxy/ratelimit with its load errors.
#include "config/tree_reader.h"

#include <gtest/gtest.h>

#include "config/bed.h"

namespace config {
namespace {

using limiter::NodeSpec;

constexpr const char* kEnvoyFile = R"(
# Limits of a shop.
domain: shop
descriptors:
  - key: customer
    value: gold
    rate_limit: {unit: SECOND, requests_per_unit: 50}
    shadow_mode: true
    metadata: {team: {name: blue}, list: [1, 2.5, x]}
    descriptors:
      - key: path
        value: /cart*
        share_threshold: true
        rate_limit:
          name: carts
          unit: month
          requests_per_unit: 0
          replaces:
            - name: all
            - name: others
  - key: customer
    detailed_metric: true
    value_to_metric: false
    quota_mode: true
    rate_limit: {name: all, unit: week, requests_per_unit: 4294967295}
  - key: staff
    rate_limit: {unlimited: true}
  - key: guest
    value: 7
)";

TEST(EnvoyFile, EveryKeyOfItsGrammarIsRead) {
  const Config config = config_of(kEnvoyFile);
  ASSERT_EQ(config.domains.size(), 3u);  // And the built-in ones.
  EXPECT_EQ(config.domains[0].name, "shop");
  const std::vector<NodeSpec>& nodes = config.domains[0].nodes;
  ASSERT_EQ(nodes.size(), 4u);
  EXPECT_TRUE(nodes[0].limits[0].shadow);
  EXPECT_EQ(nodes[0].limits[0].algorithm, "fixed_window");
  EXPECT_EQ(nodes[0].limits[0].rate, (limit::Rate{50, std::chrono::seconds(1)}));
  const NodeSpec& cart = nodes[0].nodes[0];
  EXPECT_TRUE(cart.share_threshold);
  EXPECT_EQ(cart.limits[0].rate, (limit::Rate{0, std::chrono::hours(30 * 24)}));
  EXPECT_EQ(cart.limits[0].replaces, (std::vector<std::string>{"all", "others"}));
  EXPECT_TRUE(nodes[1].limits[0].quota);
  EXPECT_EQ(nodes[1].limits[0].rate.count, 4'294'967'295);
  EXPECT_FALSE(nodes[2].limits[0].law);
  EXPECT_TRUE(nodes[3].limits.empty());
  EXPECT_EQ(nodes[3].value, "7");
}

TEST(EnvoyFile, WindowsAreAlignedToTheEpoch) {
  const Config config = config_of(kEnvoyFile);
  const auto& law = std::get<limit::FixedWindow>(*config.domains[0].nodes[1].limits[0].law);
  const base::Time at = base::time_from(1'700'000'000'000'000'000);
  const int64_t week = 604'800'000'000'000;
  EXPECT_EQ(base::nanoseconds(law.window_at(at).start) % week, 0);
}

struct Case {
  const char* text;
  const char* problems;
};

class BadTree : public testing::TestWithParam<Case> {};

TEST_P(BadTree, HasItsPlaceAndReason) {
  EXPECT_EQ(problems_of(GetParam().text), GetParam().problems);
}

INSTANTIATE_TEST_SUITE_P(
    Domains, BadTree,
    testing::Values(
        Case{"domain: ''\n", "f:1:1: config file cannot have empty domain\n"},
        Case{"descriptors: []\n", "f:1:1: config file cannot have empty domain\n"},
        Case{"domain: a\nport: 5\n", "f:2:1: config error, unknown key 'port'\n"},
        Case{"domain: a\n0.25: b\n", "f:2:1: config error, key is not of type string: 0.25\n"},
        Case{"domain: a\ntrue: b\n", "f:2:1: config error, key is not of type string: true\n"},
        Case{"domain: 1.5\n",
             "f:1:9: error checking config: domain must be text, so put 1.5 in quotes\n"},
        Case{"domain: [a]\n",
             "f:1:1: config file cannot have empty domain\n"
             "f:1:9: domain must be text, not a list\n"},
        Case{"limits: [{domain: a}, {domain: b}, {domain: a}]\n",
             "f:1:36: duplicate domain 'a' in config file\n"},
        Case{"limits: {domain: a}\n", "f:1:9: limits must be a list, not a map\n"},
        Case{"limits: [a]\n", "f:1:10: a domain must be a map, not text\n"}));

INSTANTIATE_TEST_SUITE_P(
    Descriptors, BadTree,
    testing::Values(
        Case{"domain: a\ndescriptors:\n  - value: v\n", "f:3:5: descriptor has empty key\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, value: v}\n  - {key: k, value: v}\n",
             "f:4:5: duplicate descriptor composite key 'a.k_v'\n"},
        Case{"domain: a\ndescriptors:\n  - key: k\n    descriptors:\n      - key: l\n"
             "      - key: l\n",
             "f:6:9: duplicate descriptor composite key 'a.k.l'\n"},
        Case{"domain: a\ndescriptors: [a, [b]]\n",
             "f:2:15: config error, yaml file contains list of type other than map: a\n"
             "f:2:18: config error, yaml file contains list of type other than map: a list\n"},
        Case{"domain: a\ndescriptors: {key: k}\n",
             "f:2:14: descriptors must be a list, not a map\n"},
        Case{"domain: a\ndescriptors:\n  - key: k\n    ratelimit: {unit: day}\n",
             "f:4:5: config error, unknown key 'ratelimit' (rate_limit?)\n"},
        Case{"domain: a\ndescriptors:\n  - key: k\n    value: 0.5\n",
             "f:4:12: error checking config: value must be text, so put 0.5 in quotes\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, share_threshold: true}\n",
             "f:3:5: share_threshold can only be used with wildcard values (containing '*'), but "
             "found key 'k'\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, metadata: 5}\n",
             "f:3:24: error parsing metadata: must be a map, not text\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, limit: 1/s, limits: [1/s]}\n",
             "f:3:21: a descriptor has one of rate_limit, limit and limits\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, limit: 1/s, rate_limit: {unlimited: true}}\n",
             "f:3:21: a descriptor has one of rate_limit, limit and limits\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, limits: [{name: x, rate: 1/s}, "
             "{name: x, rate: 2/s}]}\n",
             "f:3:45: duplicate limit name 'x' on descriptor 'a.k'\n"}));

INSTANTIATE_TEST_SUITE_P(
    RateLimits, BadTree,
    testing::Values(
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {unit: foo, "
             "requests_per_unit: 5}}\n",
             "f:3:33: invalid rate limit unit 'foo'\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {requests_per_unit: 5}}\n",
             "f:3:26: invalid rate limit unit ''\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {unit: day}}\n",
             "f:3:26: rate_limit has no requests_per_unit\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {unit: day, unlimited: true}}\n",
             "f:3:33: should not specify rate limit unit when unlimited\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {unit: day, "
             "requests_per_unit: 4294967296}}\n",
             "f:3:57: requests_per_unit must be an integer between 0 and 4294967295, not "
             "'4294967296'\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {unit: day, "
             "requests_per_unit: 2.5}}\n",
             "f:3:57: error checking config: requests_per_unit must be an integer, not 2.5\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {unit: day, "
             "requests_per_unit: 1, replaces: [{name: }]}}\n",
             "f:3:26: should not have an empty replaces entry\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {unit: day, name: n, "
             "requests_per_unit: 1, replaces: [{name: n}]}}\n",
             "f:3:26: replaces should not contain name of same descriptor\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: {unit: day, "
             "requests_per_unit: 1, replaces: [n]}}\n",
             "f:3:71: config error, yaml file contains list of type other than map: n\n"},
        Case{"domain: a\ndescriptors:\n  - {key: k, rate_limit: 5/s}\n",
             "f:3:26: rate_limit must be a map, not text\n"}));

TEST(Tree, DepthIsBounded) {
  const auto nested = [](int depth) {
    std::string text = "{key: k}";
    for (int i = 1; i < depth; ++i) text = "{key: k, descriptors: [" + text + "]}";
    return "domain: a\ndescriptors: [" + text + "]\n";
  };
  EXPECT_EQ(problems_of(nested(16)), "");
  EXPECT_NE(problems_of(nested(17)).find("nested more than 16 deep"), std::string::npos);
}

}  // namespace
}  // namespace config
