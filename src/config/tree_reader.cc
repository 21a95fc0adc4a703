#include "config/tree_reader.h"

#include <array>

#include "config/limit_reader.h"

namespace config {
namespace {

using limiter::LimitSpec;
using limiter::NodeSpec;
using yaml::Node;

constexpr std::array<std::string_view, 2> kDomainKeys{"domain", "descriptors"};
constexpr std::array<std::string_view, 12> kNodeKeys{"key",
                                                     "value",
                                                     "rate_limit",
                                                     "limit",
                                                     "limits",
                                                     "descriptors",
                                                     "shadow_mode",
                                                     "quota_mode",
                                                     "detailed_metric",
                                                     "value_to_metric",
                                                     "share_threshold",
                                                     "metadata"};

void read_limits(const Node& node, LimitContext& context, Reading& reading, NodeSpec& out) {
  const Node* one = node.find("limit");
  const Node* several = node.find("limits");
  const Node* envoy = node.find("rate_limit");
  if ((one != nullptr) + (several != nullptr) + (envoy != nullptr) > 1) {
    const Node& second = several == nullptr || envoy == nullptr ? *one : *several;
    reading.fail(second, "a descriptor has one of rate_limit, limit and limits");
    return;
  }
  const auto add = [&](std::optional<LimitSpec> spec) {
    if (spec) out.limits.push_back(std::move(*spec));
  };
  if (one != nullptr) add(read_limit(*one, context, reading));
  if (envoy != nullptr && !envoy->is_null()) add(read_rate_limit(*envoy, context, reading));
  if (several == nullptr) return;
  for (const Node& item : reading.items(*several, "limits")) {
    add(read_limit(item, context, reading));
  }
}

// Metrics and metadata of Envoy's service mean nothing here yet, but must be well formed.
void read_unused(const Node& node, Reading& reading) {
  reading.truth(node, "detailed_metric");
  reading.truth(node, "value_to_metric");
  const Node* metadata = node.find("metadata");
  if (metadata != nullptr && !metadata->is_map() && !metadata->is_null()) {
    reading.fail(*metadata,
                 "error parsing metadata: must be a map, not " + std::string(kind_name(*metadata)));
  }
}

std::vector<NodeSpec> read_nodes(const Node& list, LimitContext& context, Reading& reading);

NodeSpec read_node(const Node& node, LimitContext& context, Reading& reading) {
  reading.keys(node, kNodeKeys);
  NodeSpec out;
  out.mark = reading.mark(node);
  out.key = reading.text(node, "key").value_or("");
  out.value = reading.text(node, "value").value_or("");
  out.share_threshold = reading.truth(node, "share_threshold").value_or(false);
  read_limits(node, context, reading, out);
  const bool shadow = reading.truth(node, "shadow_mode").value_or(false);
  const bool quota = reading.truth(node, "quota_mode").value_or(false);
  for (LimitSpec& spec : out.limits) {
    spec.shadow = spec.shadow || shadow;
    spec.quota = spec.quota || quota;
  }
  read_unused(node, reading);
  if (const Node* below = node.find("descriptors"))
    out.nodes = read_nodes(*below, context, reading);
  return out;
}

std::vector<NodeSpec> read_nodes(const Node& list, LimitContext& context, Reading& reading) {
  std::vector<NodeSpec> nodes;
  for (const Node& item : reading.items(list, "descriptors")) {
    if (item.is_map()) {
      nodes.push_back(read_node(item, context, reading));
    } else {
      reading.fail(item, "config error, yaml file contains list of type other than map: " +
                             (item.is_text() ? shown(item.text) : std::string(kind_name(item))));
    }
  }
  return nodes;
}

}  // namespace

limiter::DomainSpec read_domain(const Node& node, LimitContext& context, Reading& reading) {
  limiter::DomainSpec out;
  out.mark = reading.mark(node);
  if (!reading.is_map(node, "a domain")) return out;
  reading.keys(node, kDomainKeys);
  out.name = reading.text(node, "domain").value_or("");
  if (const Node* list = node.find("descriptors")) out.nodes = read_nodes(*list, context, reading);
  return out;
}

std::vector<limiter::DomainSpec> read_domains(const Node& node, LimitContext& context,
                                              Reading& reading) {
  std::vector<limiter::DomainSpec> domains;
  for (const Node& item : reading.items(node, "limits")) {
    if (reading.is_map(item, "a domain")) domains.push_back(read_domain(item, context, reading));
  }
  return domains;
}

std::vector<limiter::DomainSpec> read_limit_file(const Node& root, LimitContext& context,
                                                 Reading& reading) {
  static constexpr std::array<std::string_view, 1> kLimitsOnly{"limits"};
  if (!reading.is_map(root, "a limit file")) return {};
  const Node* limits = root.find("limits");
  if (limits == nullptr) return {read_domain(root, context, reading)};
  reading.keys(root, kLimitsOnly);
  return read_domains(*limits, context, reading);
}

}  // namespace config
