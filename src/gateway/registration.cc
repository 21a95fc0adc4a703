#include "gateway/registration.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <boost/json.hpp>

#include "http/address_guard.h"
#include "http/url.h"
#include "io/ip.h"
#include "proxy/field_names.h"

namespace gateway {
namespace {

namespace json = boost::json;

constexpr double kTtlSecondsMax = 1e9;

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool has_secret(const proxy::Head& head, std::string_view secret) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view given = head.field("authorization");
  if (secret.empty() || given.size() < kScheme.size()) return false;
  return proxy::same_name(given.substr(0, kScheme.size()), kScheme) &&
         equal_in_constant_time(proxy::trim(given.substr(kScheme.size())), secret);
}

// Whoever speaks through a proxy that we trust is not the proxy.
bool passed_on(const proxy::Head& head) {
  return std::ranges::any_of(head.fields, [](const proxy::Field& field) {
    return proxy::same_name(field.name, "x-forwarded-for") ||
           proxy::same_name(field.name, "forwarded") || proxy::same_name(field.name, "x-real-ip") ||
           proxy::same_name(field.name, "via");
  });
}

// Browsers say so; instances have no reason to.
bool from_web_page(const proxy::Head& head) {
  return !head.field("origin").empty() || !head.field("sec-fetch-site").empty();
}

bool name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

// Nothing but a name or an address may become part of a URL.
bool is_host(std::string_view host) {
  if (host.find(':') != std::string_view::npos) return io::Ip::parse(host).has_value();
  return !host.empty() && std::ranges::all_of(host, name_byte);
}

base::Result<std::string> read_host(const json::object& record, const io::Networks& callable) {
  const json::value* const value = record.if_contains("host");
  if (value == nullptr) return base::invalid("host is missing", "host");
  if (!value->is_string()) return base::invalid("host must be a text", "host");
  std::string_view text = value->get_string();
  if (text.starts_with('[') && text.ends_with(']') && text.find(':') != std::string_view::npos) {
    text = text.substr(1, text.size() - 2);
  }
  if (!is_host(text)) return base::invalid("host is neither a name nor an address", "host");
  const base::Result<http::Url> url = http::parse_url("http://" + io::join_host_port(text, 1));
  if (!url) return base::invalid("host is neither a name nor an address", "host");
  if (http::name_on_hard_floor(url->host)) {
    return base::invalid("host may not be called", "host");
  }
  if (!url->ip) return url->host;
  if (http::on_hard_floor(*url->ip)) return base::invalid("host may not be called", "host");
  if (!url->ip->loopback() && !callable.contains(*url->ip)) {
    return base::invalid("host is not in trusted_networks, so it would never be called", "host");
  }
  return url->host;
}

base::Result<uint16_t> read_port(const json::object& record) {
  const json::value* const value = record.if_contains("port");
  if (value == nullptr) return base::invalid("port is missing", "port");
  const bool number = value->is_int64() && value->get_int64() >= 1 && value->get_int64() <= 65535;
  if (!number) return base::invalid("port must be a number from 1 to 65535", "port");
  return static_cast<uint16_t>(value->get_int64());
}

base::Result<std::optional<base::Duration>> read_ttl(const json::object& record) {
  const json::value* const value = record.if_contains("ttl_s");
  if (value == nullptr) return std::nullopt;
  const auto wrong = [] { return base::invalid("ttl_s must be a number above 0", "ttl_s"); };
  if (!value->is_number()) return wrong();
  const auto seconds = value->to_number<double>();
  if (!(seconds > 0)) return wrong();
  const double nanoseconds = std::min(seconds, kTtlSecondsMax) * 1e9;
  return base::Duration(static_cast<int64_t>(nanoseconds));
}

}  // namespace

base::Status may_register(const proxy::Head& head, const io::Networks& trusted,
                          std::string_view secret) {
  if (from_web_page(head)) {
    return base::Error{base::Code::kNoPerm, "this is not for web pages", {}};
  }
  const bool open = (head.loopback() || trusted.contains(head.peer)) && !passed_on(head);
  if (open || has_secret(head, secret)) return {};
  return base::Error{base::Code::kNoAuth, "registration needs the secret from here", {}};
}

base::Result<Registration> read_registration(std::string_view body, const io::Networks& callable) {
  boost::system::error_code error;
  const json::value parsed = json::parse(body, error);
  if (error) return base::invalid("the body is no JSON");
  if (!parsed.is_object()) return base::invalid("the body must be an object");
  const json::object& record = parsed.get_object();
  base::Result<std::string> host = read_host(record, callable);
  if (!host) return host.error();
  const base::Result<uint16_t> port = read_port(record);
  if (!port) return port.error();
  const base::Result<std::optional<base::Duration>> ttl = read_ttl(record);
  if (!ttl) return ttl.error();
  return Registration{*std::move(host), *port, *ttl};
}

}  // namespace gateway
