#include "proxy/client_address.h"

#include <algorithm>

#include "proxy/field_names.h"

namespace proxy {
namespace {

constexpr size_t kNodeBytesMax = 64;  // The longest address, brackets, zone and port: less.

bool is_port_number(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<io::Ip> parse_v6(std::string_view text) {
  const size_t zone = text.find('%');
  if (zone != std::string_view::npos && zone + 1 == text.size()) return std::nullopt;
  text = text.substr(0, zone);
  if (text.find(':') == std::string_view::npos) return std::nullopt;
  return io::Ip::parse(text);
}

}  // namespace

std::optional<io::Ip> parse_forwarded_node(std::string_view text) {
  if (text.empty() || text.size() > kNodeBytesMax) return std::nullopt;
  if (text[0] == '[') {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view behind = text.substr(end + 1);
    if (!behind.empty() && (behind[0] != ':' || !is_port_number(behind.substr(1))))
      return std::nullopt;
    return parse_v6(text.substr(1, end - 1));
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return io::Ip::parse(text);
  if (text.find(':', colon + 1) != std::string_view::npos) return parse_v6(text);
  if (!is_port_number(text.substr(colon + 1))) return std::nullopt;
  return io::Ip::parse(text.substr(0, colon));
}

io::Ip client_of(const Head& head, const io::Networks& trusted) {
  io::Ip client = head.peer;
  if (!trusted.contains(client)) return client;
  for (size_t at = head.fields.size(); at-- > 0;) {
    const Field& field = head.fields[at];
    if (!same_name(field.name, "x-forwarded-for")) continue;
    for (std::string_view rest = field.value;;) {
      const size_t comma = rest.rfind(',');
      const size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
      const std::optional<io::Ip> node = parse_forwarded_node(trim(rest.substr(begin)));
      if (!node) return client;
      client = *node;
      if (!trusted.contains(client)) return client;
      if (begin == 0) break;
      rest = rest.substr(0, comma);
    }
  }
  return client;
}

std::string client_key(const io::Ip& client, unsigned ipv6_prefix) {
  if (client.v4() || client.loopback() || ipv6_prefix == 128) return client.text();
  return io::Ip::masked(client, ipv6_prefix).text() + "/" + std::to_string(ipv6_prefix);
}

}  // namespace proxy
