#include "gateway/routes.h"

#include <algorithm>
#include <optional>

#include "gateway/text.h"
#include "http/url.h"

namespace gateway {
namespace {

constexpr std::string_view kOwnPaths[] = {kHealthPath, kRegisterPath, kDeregisterPath,
                                          kInstancesPath};

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

bool is_normal(std::string_view path) {
  return path.find('%') == std::string_view::npos && path.find("//") == std::string_view::npos &&
         path.find("/.") == std::string_view::npos;
}

void append_unescaped(std::string_view path, std::string& out) {
  for (size_t i = 0; i < path.size(); ++i) {
    const std::optional<char> byte = path[i] == '%' ? hex_byte(path.substr(i + 1)) : std::nullopt;
    if (!byte) {
      out += path[i];
      continue;
    }
    if (unreserved(*byte)) {
      out += *byte;
    } else {
      const auto upper = [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; };
      out.append({'%', upper(path[i + 1]), upper(path[i + 2])});
    }
    i += 2;
  }
}

// Segments without empty and dot segments; a '/' at the end stays.
void append_resolved(std::string_view path, std::string& out) {
  const size_t root = out.size();
  bool open = false;  // The last segment was left out: what is there ends in '/'.
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    at = end;
    open = segment.empty() || segment == "." || segment == "..";
    if (segment == "..") {
      const size_t slash = out.rfind('/');
      out.resize(slash == std::string::npos || slash < root ? root : slash);
    } else if (!open) {
      out.append(1, '/').append(segment);
    }
  }
  if (open || out.size() == root) out += '/';
}

std::string_view without_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool is_below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

// As routes and limits know a host: http's own port, and the root's dot, say nothing.
std::string_view plain_host(std::string_view host) {
  if (host.ends_with(":80")) host.remove_suffix(3);
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

base::Status check_upstream(const std::string& upstream) {
  if (upstream.empty()) return {};
  const base::Result<http::Url> url = http::parse_url(upstream);
  if (!url) return base::invalid(url.error().what, "upstream");
  if (url->tls) return base::invalid("an upstream is http://, not https://", "upstream");
  const size_t path = url->text.find('/', std::string_view("http://").size());
  if (path != std::string::npos && url->text.substr(path) != "/") {
    return base::invalid("an upstream is http://HOST:PORT, without a path", "upstream");
  }
  return {};
}

base::Result<Routes::Row> row_of(const Route& route) {
  if (!route.path.starts_with('/')) {
    return base::invalid("the path '" + route.path + "' does not begin with '/'", "path");
  }
  std::string scratch;
  const std::string_view path = without_slash(normal_path(route.path, scratch));
  if (std::ranges::find(kOwnPaths, path) != std::end(kOwnPaths)) {
    return base::invalid("'" + route.path + "' is answered by the gateway itself", "path");
  }
  if (const base::Status status = check_upstream(route.upstream); !status) return status.error();
  Routes::Row row{.route = &route,
                  .host = std::string(plain_host(route.host)),
                  .path = std::string(path),
                  .descriptors = {}};
  if (!route.decide) return row;
  if (route.decide->domain.empty()) return base::invalid("the domain is empty", "domain");
  const size_t count = route.decide->descriptors.size();
  if (count == 0 || count > limiter::kDescriptorsMax) {
    return base::invalid("1 to 32 descriptors, not " + std::to_string(count), "descriptors");
  }
  for (const std::string& text : route.decide->descriptors) {
    base::Result<DescriptorTemplate> parsed = DescriptorTemplate::parse(text);
    if (!parsed) return parsed.error();
    row.descriptors.push_back(*std::move(parsed));
  }
  return row;
}

}  // namespace

std::string_view normal_path(std::string_view path, std::string& scratch) {
  if (is_normal(path)) return path;
  std::string unescaped;
  append_unescaped(path, unescaped);
  scratch.clear();
  append_resolved(unescaped, scratch);
  return scratch;
}

base::Result<Routes> Routes::make(const Options& options) {
  Routes out;
  for (const Route& route : options.routes) {
    base::Result<Row> row = row_of(route);
    if (!row) return row.error();
    const auto same = [&](const Row& other) {
      return other.host == row->host && other.path == row->path;
    };
    if (std::ranges::any_of(out.rows_, same)) {
      return base::invalid("two routes for '" + route.host + route.path + "'", "path");
    }
    out.rows_.push_back(*std::move(row));
  }
  std::ranges::stable_sort(out.rows_, [](const Row& a, const Row& b) {
    if (a.path.size() != b.path.size()) return a.path.size() > b.path.size();
    return !a.host.empty() && b.host.empty();
  });
  return out;
}

const Routes::Row* Routes::find(std::string_view host, std::string_view path) const {
  host = plain_host(host);
  const auto found = std::ranges::find_if(rows_, [&](const Row& row) {
    return is_below(path, row.path) && (row.host.empty() || row.host == host);
  });
  return found == rows_.end() ? nullptr : &*found;
}

}  // namespace gateway
