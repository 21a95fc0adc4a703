#include "redis/options.h"

#include <limits>
#include <optional>

#include "base/number.h"
#include "io/ip.h"

namespace redis {
namespace {

base::Error refused() {
  return base::invalid("not redis://[user[:password]@]host[:port][/database]", "url");
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const std::optional<unsigned> high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

bool set_user(std::string_view text, Options& options) {
  const size_t colon = text.find(':');
  const std::optional<std::string> user = decoded(text.substr(0, colon));
  const std::optional<std::string> password =
      colon == std::string_view::npos ? std::string() : decoded(text.substr(colon + 1));
  if (!user || !password) return false;
  options.user = *user;
  options.password = *password;
  return true;
}

bool set_database(std::string_view text, Options& options) {
  if (text.empty()) return true;
  const std::optional<int64_t> number = base::parse_integer(text);
  if (!number || *number < 0 || *number > std::numeric_limits<int>::max()) return false;
  options.database = static_cast<int>(*number);
  return true;
}

bool set_node(std::string_view text, Options& options) {
  const std::optional<io::HostPort> parsed = io::parse_host_port(text);
  if (!parsed || parsed->port == 0) return false;
  options.nodes = {{parsed->host, parsed->port.value_or(6379)}};
  return true;
}

}  // namespace

base::Result<Options> parse_url(std::string_view url) {
  Options out;
  out.tls.on = url.starts_with("rediss://");
  if (!out.tls.on && !url.starts_with("redis://")) return refused();
  url.remove_prefix(out.tls.on ? 9 : 8);
  if (url.find_first_of("?#") != std::string_view::npos) return refused();
  const size_t slash = url.find('/');
  const std::string_view database =
      slash == std::string_view::npos ? std::string_view() : url.substr(slash + 1);
  url = url.substr(0, slash);
  const size_t at = url.rfind('@');
  if (at != std::string_view::npos) {
    if (!set_user(url.substr(0, at), out)) return refused();
    url.remove_prefix(at + 1);
  }
  if (!set_node(url, out) || !set_database(database, out)) return refused();
  return out;
}

}  // namespace redis
