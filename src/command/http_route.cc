#include "command/http_route.h"

#include <optional>
#include <vector>

namespace command {
namespace {

std::vector<Route> gather() {
  std::vector<Route> all;
  for (const auto rows : {limit_routes(), queue_routes(), server_routes()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

// The segment in the place of the template's {…}; empty text if it has none; nothing: no match.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) {
    return pattern == path ? std::optional(std::string_view{}) : std::nullopt;
  }
  const std::string_view behind = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= open + behind.size() || !path.starts_with(pattern.substr(0, open)) ||
      !path.ends_with(behind)) {
    return std::nullopt;
  }
  const std::string_view segment = path.substr(open, path.size() - open - behind.size());
  if (segment.find('/') != std::string_view::npos) return std::nullopt;
  return segment;
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> all = gather();
  return all;
}

RouteFound find_route(Listener listener, std::string_view method, std::string_view path) {
  const uint8_t here = listener == Listener::kApi ? kOnApi : kOnLimiter;
  if (method == "HEAD") method = "GET";
  RouteFound found;
  for (const Route& route : routes()) {
    if ((route.listeners & here) == 0) continue;
    const std::optional<std::string_view> parameter = match(route.path, path);
    if (!parameter) continue;
    if (route.method == method) return {.route = &route, .parameter = *parameter, .allow = {}};
    found.allow.append(found.allow.empty() ? "" : ", ").append(route.method);
    if (route.method == "GET") found.allow.append(", HEAD");
  }
  return found;
}

}  // namespace command
