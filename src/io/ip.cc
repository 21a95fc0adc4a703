#include "io/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

#include "base/check.h"
#include "base/number.h"

namespace io {
namespace {

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

std::optional<uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || text[0] == '-') return std::nullopt;
  const std::optional<int64_t> value = base::parse_integer(text);
  if (!value || *value > 65535) return std::nullopt;
  return static_cast<uint16_t>(*value);
}

}  // namespace

std::optional<Ip> Ip::parse(std::string_view text) {
  const std::string zero_ended(text);
  if (zero_ended.size() != std::strlen(zero_ended.c_str())) return std::nullopt;
  Ip ip;
  if (inet_pton(AF_INET6, zero_ended.c_str(), ip.bytes_.data()) == 1) return ip;
  if (inet_pton(AF_INET, zero_ended.c_str(), ip.bytes_.data() + 12) != 1) return std::nullopt;
  std::ranges::copy(kMapped, ip.bytes_.begin());
  return ip;
}

Ip Ip::of(const sockaddr_storage& address) {
  Ip ip;
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 six;
    std::memcpy(&six, &address, sizeof six);
    std::memcpy(ip.bytes_.data(), &six.sin6_addr, 16);
    return ip;
  }
  CHECK(address.ss_family == AF_INET);
  sockaddr_in four;
  std::memcpy(&four, &address, sizeof four);
  std::ranges::copy(kMapped, ip.bytes_.begin());
  std::memcpy(ip.bytes_.data() + 12, &four.sin_addr, 4);
  return ip;
}

Ip Ip::masked(const Ip& ip, unsigned bits) {
  Ip out = ip;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = bits <= i * 8 ? 0 : std::min(8u, bits - i * 8);
    out.bytes_[i] = static_cast<uint8_t>(out.bytes_[i] & (0xff00u >> kept));
  }
  return out;
}

bool Ip::v4() const { return std::ranges::equal(kMapped, std::span(bytes_).first(12)); }

bool Ip::loopback() const {
  if (v4()) return bytes_[12] == 127;
  Ip one;
  one.bytes_[15] = 1;
  return *this == one;
}

bool Ip::any() const {
  const std::span<const uint8_t> significant = std::span(bytes_).subspan(v4() ? 12 : 0);
  return std::ranges::all_of(significant, [](uint8_t byte) { return byte == 0; });
}

std::string Ip::text() const {
  std::array<char, INET6_ADDRSTRLEN> text;
  if (!v4()) {
    CHECK(inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size()) != nullptr);
    return text.data();
  }
  char* end = text.data();  // By hand: inet_ntop() would print it.
  for (size_t i = kMapped.size(); i < bytes_.size(); ++i) {
    end = std::to_chars(end, text.data() + text.size(), bytes_.at(i)).ptr;
    *end++ = '.';
  }
  return {text.data(), end - 1};
}

std::string Ip::client() const {
  if (v4() || loopback()) return text();
  return masked(*this, 64).text() + "/64";
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  HostPort out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    out.host = text.substr(1, end - 1);
    const std::optional<Ip> ip = Ip::parse(out.host);
    if (!ip || out.host.find(':') == std::string::npos) return std::nullopt;
    out.literal = true;
    rest = text.substr(end + 1);
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    out.host = text.substr(0, colon);
    if (out.host.empty() || !std::ranges::all_of(out.host, name_byte)) return std::nullopt;
    out.literal = Ip::parse(out.host).has_value();
    rest = text.substr(colon);
  }
  if (rest.empty()) return out;
  if (rest[0] != ':') return std::nullopt;
  out.port = parse_port(rest.substr(1));
  if (!out.port) return std::nullopt;
  return out;
}

std::string join_host_port(std::string_view host, uint16_t port) {
  const bool six = host.find(':') != std::string_view::npos;
  std::string out;
  if (six) out += '[';
  out += host;
  if (six) out += ']';
  return out.append(1, ':').append(std::to_string(port));
}

}  // namespace io
