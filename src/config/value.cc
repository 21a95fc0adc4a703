#include "config/value.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/number.h"
#include "config/problem.h"

namespace config {
namespace {

struct Unit {
  std::string_view spelling;
  int64_t factor;
};
constexpr std::array<Unit, 4> kSizes{
    {{"GiB", int64_t{1} << 30}, {"MiB", int64_t{1} << 20}, {"KiB", int64_t{1} << 10}, {"", 1}}};
constexpr std::array<Unit, 5> kSpans{{{"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000}}};

std::string quoted(std::string_view text) { return "'" + shown(text) + "'"; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// digits, then one of the units.
std::optional<int64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<int64_t> number = base::parse_integer(text.substr(0, digits));
  const auto unit = std::ranges::find(units, text.substr(digits), &Unit::spelling);
  int64_t value = 0;
  if (!number || unit == units.end()) return std::nullopt;
  if (__builtin_mul_overflow(*number, unit->factor, &value)) return std::nullopt;
  return value;
}

// In the largest unit that divides it. REQUIRES: the last unit divides `value`.
std::string print_with_unit(int64_t value, std::span<const Unit> units) {
  const auto fits = [&](const Unit& unit) { return value % unit.factor == 0; };
  const Unit& unit = value == 0 ? units[units.size() - 1] : *std::ranges::find_if(units, fits);
  return std::to_string(value / unit.factor) + std::string(unit.spelling);
}

// The bits of an address family, or nothing if `host` is no numeric address.
std::optional<int> address_bits(std::string_view host) {
  std::array<unsigned char, 16> bytes{};
  const std::string text(host);
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return 32;
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return 128;
  return std::nullopt;
}

bool is_host(std::string_view host) {
  constexpr size_t kHostMax = 253;  // RFC 1035.
  if (host.empty() || host.size() > kHostMax) return false;
  return std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

base::Error no_address(std::string_view text) {
  return base::invalid(quoted(text) +
                       " is no address: host:port as in 127.0.0.1:7411, [::1]:7411, or off");
}

}  // namespace

base::Result<server::Address> parse_address(std::string_view text) {
  if (text == "off") return server::Address{};
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return no_address(text);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed ? address_bits(host) != 128 : !is_host(host)) return no_address(text);
  const std::string_view digits = text.substr(colon + 1);
  const std::optional<int64_t> port = base::parse_integer(digits);
  if (!all_digits(digits) || !port || *port > 65'535) {
    return base::invalid("port '" + shown(digits) + "' must be an integer between 0 and 65535");
  }
  return server::Address{std::string(host), static_cast<uint16_t>(*port)};
}

std::string print_address(const server::Address& address) {
  if (address.off()) return "off";
  const bool v6 = address.host.find(':') != address.host.npos;
  return (v6 ? '[' + address.host + ']' : address.host) + ':' + std::to_string(address.port);
}

base::Result<std::string> parse_host(std::string_view text) {
  if (!is_host(text)) return base::invalid(quoted(text) + " is no name of a host");
  return std::string(text);
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return address_bits(host) == 32 && host.starts_with("127.");
}

base::Result<std::string> parse_network(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<int> bits = address_bits(text.substr(0, slash));
  const std::string_view digits = slash == text.npos ? "" : text.substr(slash + 1);
  const std::optional<int64_t> prefix = base::parse_integer(digits);
  if (!bits || !all_digits(digits) || !prefix || *prefix > *bits) {
    return base::invalid(quoted(text) + " is no network: address/prefix as in 10.0.0.0/8");
  }
  return std::string(text);
}

base::Result<std::string> parse_allowed(std::string_view text) {
  if (text.find('/') != text.npos) return parse_network(text);
  if (address_bits(text)) return std::string(text);
  const std::string_view name = text.starts_with("*.") ? text.substr(2) : text;
  // A number at the end: an address that is none.
  if (!is_host(name) || all_digits(name.substr(name.rfind('.') + 1))) {
    return base::invalid(quoted(text) +
                         " is no network, address or name: as in 10.0.0.0/8, 10.1.2.3, "
                         "hooks.internal or *.svc.local");
  }
  return std::string(text);
}

base::Result<int64_t> parse_size(std::string_view text) {
  const std::optional<int64_t> bytes = parse_with_unit(text, kSizes);
  if (!bytes) return base::invalid(quoted(text) + " is no size: as in 65536, 64KiB, 1MiB or 2GiB");
  return *bytes;
}

std::string print_size(int64_t bytes) { return print_with_unit(bytes, kSizes); }

base::Result<base::Duration> parse_span(std::string_view text) {
  const std::optional<int64_t> span = parse_with_unit(text, kSpans);
  if (!span) return base::invalid(quoted(text) + " is no span: as in 10ms, 30s, 5m, 12h or 7d");
  return base::Duration(*span);
}

std::string print_span(base::Duration span) { return print_with_unit(span.count(), kSpans); }

base::Result<int64_t> parse_count(std::string_view text) {
  const std::optional<int64_t> value = base::parse_integer(text);
  if (!value || !all_digits(text)) {
    return base::invalid(quoted(text) + " must be an integer between 0 and 9223372036854775807");
  }
  return *value;
}

base::Error unknown_word(std::string_view text, std::span<const std::string_view> words) {
  std::string all;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) all += i + 1 == words.size() ? " or " : ", ";
    all += words[i];
  }
  return base::invalid("must be " + all + ", not " + quoted(text) + suggestion(text, words));
}

}  // namespace config
