#include "config/route_reader.h"

#include <algorithm>
#include <array>

#include "config/flow_map.h"
#include "config/value.h"
#include "gateway/site.h"

namespace config {
namespace {

using gateway::Route;
using yaml::Node;

constexpr std::array<std::string_view, 8> kKeys{
    "path", "host", "upstream", "decide", "when_none", "timeout", "max_request", "max_response"};
constexpr std::array<std::string_view, 2> kDecideKeys{"domain", "descriptors"};
constexpr std::array<std::string_view, 2> kWhenNone{"refuse", "allow"};
constexpr std::string_view kHashPath = "/compute_hash";
constexpr int64_t kBytesMax = int64_t{1} << 50;

void read_bytes(const Node& map, std::string_view name, uint64_t& out, Reading& reading) {
  const Node* const node = map.find(name);
  if (node == nullptr) return;
  const base::Result<int64_t> value = parse_size(node->text);
  if (!value || *value > kBytesMax) {
    return reading.fail(*node, std::string(name) + " must be a size, as 16MiB");
  }
  out = static_cast<uint64_t>(*value);
}

std::optional<gateway::Decide> read_decide(const Node& map, Reading& reading) {
  const Node* const node = map.find("decide");
  if (node == nullptr || node->is_null()) return std::nullopt;
  if (!reading.is_map(*node, "decide")) return std::nullopt;
  reading.keys(*node, kDecideKeys);
  gateway::Decide decide;
  decide.domain = reading.text(*node, "domain").value_or("");
  if (decide.domain.empty()) reading.fail(*node, "decide needs a domain");
  const Node* const descriptors = node->find("descriptors");
  if (descriptors == nullptr) {
    reading.fail(*node, "decide needs descriptors");
    return decide;
  }
  for (const Node& item : reading.items(*descriptors, "descriptors")) {
    if (!item.is_text()) reading.fail(item, "descriptors: an item must be text");
    decide.descriptors.push_back(item.text);
  }
  return decide;
}

Route read_route(const Node& node, Reading& reading) {
  Route route;
  if (!reading.is_map(node, "a route")) return route;
  reading.keys(node, kKeys);
  route.path = reading.text(node, "path").value_or("");
  if (route.path.empty()) reading.fail(node, "a route needs a path");
  route.host = reading.text(node, "host").value_or("");
  route.upstream = reading.text(node, "upstream").value_or("");
  if (const auto word = reading.word(node, "when_none", kWhenNone)) {
    route.when_none = static_cast<gateway::WhenNone>(*word);
  }
  route.decide = read_decide(node, reading);
  if (const auto timeout = reading.span(node, "timeout")) route.timeout = *timeout;
  read_bytes(node, "max_request", route.request_bytes_max, reading);
  read_bytes(node, "max_response", route.response_bytes_max, reading);
  return route;
}

}  // namespace

std::vector<Route> read_routes(const Node& list, Reading& reading) {
  std::vector<Route> routes;
  for (const Node& item : reading.items(list, "gateway.routes")) {
    routes.push_back(read_route(item, reading));
    gateway::Options alone;
    alone.routes = {routes.back()};
    const base::Status good = gateway::check(alone);
    if (!good) reading.fail(item, good.error().what);
  }
  return routes;
}

void add_built_in(std::vector<Route>& routes) {
  const auto is_hash = [](const Route& route) {
    return route.path == kHashPath && route.upstream.empty();
  };
  if (std::ranges::any_of(routes, is_hash)) return;
  Route hash;
  hash.path = kHashPath;
  hash.decide = gateway::Decide{"gateway", {"client_ip={client_ip}"}};
  routes.push_back(std::move(hash));
}

std::string print_route(const Route& route) {
  FlowMap map;
  map.add("path", route.path);
  if (!route.host.empty()) map.add("host", route.host);
  if (!route.upstream.empty()) map.add("upstream", route.upstream);
  map.add("when_none", kWhenNone[static_cast<size_t>(route.when_none)]);
  if (route.decide) {
    FlowMap decide;
    decide.add("domain", route.decide->domain);
    decide.put("descriptors", flow_list(route.decide->descriptors));
    map.put("decide", decide.text());
  }
  map.add("timeout", print_span(route.timeout));
  map.add("max_request", print_size(static_cast<int64_t>(route.request_bytes_max)));
  map.add("max_response", print_size(static_cast<int64_t>(route.response_bytes_max)));
  return map.text();
}

}  // namespace config
