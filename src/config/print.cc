// The effective configuration as YAML that reads back to the same.
#include <algorithm>
#include <array>

#include "config/built_in.h"
#include "config/flow_map.h"
#include "config/queue_reader.h"
#include "config/route_reader.h"
#include "config/setting.h"
#include "config/value.h"
#include "limit/rate.h"

namespace config {
namespace {

using limiter::LimitSpec;
using limiter::NodeSpec;

std::string calendar_rate(const limit::FixedWindow& law) {
  static constexpr std::array<std::string_view, 4> kUnits{"d", "w", "month", "year"};
  return std::to_string(law.count()) + '/' +
         std::string(kUnits[static_cast<size_t>(*law.calendar())]);
}

void add_law(const LimitSpec& spec, FlowMap& map) {
  if (!spec.law) return map.add_truth("unlimited", true);
  if (const auto* holds = std::get_if<limit::Concurrency>(&*spec.law)) {
    map.add("concurrency", holds->cap());
    map.add("ttl", print_span(holds->ttl_max()));
    return;
  }
  map.add("algorithm", spec.algorithm);
  const auto* window = std::get_if<limit::FixedWindow>(&*spec.law);
  const bool calendar = window != nullptr && window->calendar();
  map.add("rate", calendar ? calendar_rate(*window) : limit::to_string(spec.rate));
  if (calendar) map.add("zone", spec.zone);
  if (const auto* bucket = std::get_if<limit::Gcra>(&*spec.law)) map.add("burst", bucket->burst());
}

std::string print_limit(const LimitSpec& spec) {
  static constexpr std::array<std::string_view, 2> kCounts{"cost", "requests"};
  static constexpr std::array<std::string_view, 2> kModes{"granted", "strict"};
  static constexpr std::array<std::string_view, 3> kWhenGone{"local", "refuse", "allow"};
  FlowMap map;
  if (!spec.name.empty()) map.add("name", spec.name);
  add_law(spec, map);
  if (spec.law && !std::holds_alternative<limit::Concurrency>(*spec.law)) {
    map.add("counts", kCounts[static_cast<size_t>(spec.counts)]);
    map.add("overdraft", spec.overdraft);
  }
  map.add("mode", kModes[static_cast<size_t>(spec.mode)]);
  map.add("when_gone", kWhenGone[static_cast<size_t>(spec.when_gone)]);
  map.add_truth("durable", spec.durable);
  map.add_truth("shadow", spec.shadow);
  map.add_truth("quota", spec.quota);
  map.put("replaces", flow_list(spec.replaces));
  return map.text();
}

void print_nodes(const std::vector<NodeSpec>& nodes, const std::string& indent, std::string& out) {
  out += indent + "descriptors:" + (nodes.empty() ? " []" : "") + '\n';
  for (const NodeSpec& node : nodes) {
    const std::string inner = indent + "    ";
    out += indent + "  - key: " + scalar(node.key) + '\n';
    if (!node.value.empty()) out += inner + "value: " + scalar(node.value) + '\n';
    if (node.share_threshold) out += inner + "share_threshold: true\n";
    if (!node.limits.empty()) out += inner + "limits:\n";
    for (const LimitSpec& limit : node.limits) {
      out += inner + "  - " + print_limit(limit) + '\n';
    }
    if (!node.nodes.empty()) print_nodes(node.nodes, inner, out);
  }
}

// Without those that the section `dispatch` says already.
void print_limits(const Config& config, std::string& out) {
  out += "limits:\n";
  for (const limiter::DomainSpec& domain : config.domains) {
    std::vector<NodeSpec> nodes = domain.nodes;
    std::erase_if(nodes, [&](const NodeSpec& node) { return of_dispatch(domain, node); });
    if (nodes.empty() && !domain.nodes.empty()) continue;
    out += "  - domain: " + scalar(domain.name) + '\n';
    print_nodes(nodes, "    ", out);
  }
}

void print_queues(const Config& config, std::string& out) {
  out += config.queues.declared.empty() ? "queues: {}\n" : "queues:\n";
  for (const auto& [name, settings] : config.queues.declared) {
    out += "  " + scalar(name) + ": " + print_queue(settings) + '\n';
  }
}

std::string print_value(const Setting& setting, const Config& config) {
  if (setting.path == "limit_files") {
    const std::vector<std::string> patterns = setting.get(config);
    return patterns.empty() ? "[]" : "[]  # under limits: " + flow_list(patterns);
  }
  return setting.list ? flow_list(setting.get(config)) : scalar(setting.get(config).front());
}

// "a.b" into its parts.
std::vector<std::string_view> parts_of(std::string_view group) {
  std::vector<std::string_view> parts;
  while (!group.empty()) {
    const size_t dot = std::min(group.find('.'), group.size());
    parts.push_back(group.substr(0, dot));
    group.remove_prefix(std::min(dot + 1, group.size()));
  }
  return parts;
}

// The groups of the table that are open, and those that a setting opens.
void open_groups(std::string_view group, std::vector<std::string_view>& open, std::string& out) {
  const std::vector<std::string_view> parts = parts_of(group);
  const auto [same, end] = std::ranges::mismatch(open, parts);
  open.erase(same, open.end());
  while (open.size() < parts.size()) {
    out.append(2 * open.size(), ' ').append(parts[open.size()]).append(":\n");
    open.push_back(parts[open.size()]);
  }
}

void print_routes(const Config& config, std::string& out) {
  out += "  routes:\n";
  for (const gateway::Route& route : config.gateway.routes) {
    out += "    - " + print_route(route) + '\n';
  }
}

}  // namespace

std::string print(const Config& config) {
  std::string out;
  std::vector<std::string_view> open;
  for (const Setting& setting : settings()) {
    const bool leaves_gateway =
        !open.empty() && open.front() == "gateway" && !setting.path.starts_with("gateway.");
    if (leaves_gateway) print_routes(config, out);
    open_groups(setting.group(), open, out);
    out.append(2 * open.size(), ' ').append(setting.name()).append(": ");
    out += print_value(setting, config) + '\n';
  }
  print_limits(config, out);
  print_queues(config, out);
  return out;
}

}  // namespace config
