#include "http/page_guard.h"

#include <algorithm>

#include "base/ascii.h"

namespace http {
namespace {

constexpr uint16_t kUsualPort = 80;

bool ends_in(std::string_view name, std::string_view domain) {
  return name.size() > domain.size() &&
         base::same_in_any_case(name.substr(name.size() - domain.size()), domain);
}

// Names that the public DNS cannot hold (RFC 6762, RFC 8375, ICANN's resolution on .internal).
bool private_name(std::string_view name) {
  if (name.find('.') == std::string_view::npos) return true;
  return ends_in(name, ".local") || ends_in(name, ".internal") || ends_in(name, ".home.arpa");
}

bool our_host(const PageGuard& guard, std::string_view text) {
  const std::optional<io::HostPort> host = io::parse_host_port(text);
  if (!host) return false;
  const auto is_host = [&](std::string_view name) {
    return base::same_in_any_case(host->host, name);
  };
  if (std::ranges::any_of(guard.hosts, is_host)) return true;
  if (!guard.bound_ip.loopback()) return host->literal || private_name(host->host);
  if (host->port.value_or(kUsualPort) != guard.port) return false;
  if (is_host("localhost") || is_host(guard.bound_host)) return true;
  const std::optional<io::Ip> ip = io::Ip::parse(host->host);
  return ip && ip->loopback();
}

bool own_origin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && base::same_in_any_case(origin.substr(scheme.size()), host))
      return true;
  }
  return false;
}

}  // namespace

std::optional<std::string_view> foreign(const PageGuard& guard, const Request& request) {
  if (!request.host.empty() && !our_host(guard, request.host)) {
    return "the Host field names another host";
  }
  if (!request.origin.empty() && !own_origin(request.origin, request.host)) {
    return "the request comes from a page of another origin";
  }
  const std::string_view site = request.sec_fetch_site;
  if (!site.empty() && site != "same-origin" && site != "none") {
    return "the request comes from a page of another site";
  }
  return std::nullopt;
}

}  // namespace http
