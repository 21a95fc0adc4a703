#include "http/address_guard.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/ascii.h"
#include "base/check.h"

namespace http {
namespace {

using Bytes = std::array<uint8_t, 16>;

struct Range {
  const char* prefix;
  unsigned bits;  // Of the family's own length.
  std::string_view name;
};

// The first one that contains the address names it.
constexpr Range kRanges[] = {
    {"169.254.169.254", 32, "metadata"},  // AWS, Azure, Google, DigitalOcean, …
    {"169.254.170.2", 32, "metadata"},    // AWS: credentials of ECS tasks
    {"169.254.170.23", 32, "metadata"},   // AWS: identities of EKS pods
    {"100.100.100.200", 32, "metadata"},  // Alibaba
    {"168.63.129.16", 32, "metadata"},    // Azure's wire server: in no special range
    {"192.0.0.192", 32, "metadata"},      // Oracle
    {"fd00:ec2::254", 128, "metadata"},   // AWS
    {"fd00:ec2::23", 128, "metadata"},    // AWS: identities of EKS pods
    {"fd20:ce::254", 128, "metadata"},    // Google
    {"0.0.0.0", 8, "this network"},
    {"10.0.0.0", 8, "private"},
    {"100.64.0.0", 10, "shared"},
    {"127.0.0.0", 8, "loopback"},
    {"169.254.0.0", 16, "link-local"},
    {"172.16.0.0", 12, "private"},
    {"192.0.0.0", 24, "protocol assignments"},
    {"192.0.2.0", 24, "documentation"},
    {"192.88.99.0", 24, "6to4"},
    {"192.168.0.0", 16, "private"},
    {"198.18.0.0", 15, "benchmarking"},
    {"198.51.100.0", 24, "documentation"},
    {"203.0.113.0", 24, "documentation"},
    {"224.0.0.0", 4, "multicast"},
    {"255.255.255.255", 32, "broadcast"},
    {"240.0.0.0", 4, "reserved"},
    {"::", 128, "unspecified"},
    {"::1", 128, "loopback"},
    {"::", 96, "ipv4-compatible"},
    {"::ffff:0:0:0", 96, "ipv4-translated"},
    {"64:ff9b::", 96, "nat64"},
    {"64:ff9b:1::", 48, "nat64"},
    {"100::", 64, "discard"},
    {"2001::", 32, "teredo"},
    {"2001:db8::", 32, "documentation"},
    {"2001::", 23, "protocol assignments"},
    {"2002::", 16, "6to4"},
    {"3fff::", 20, "documentation"},
    {"5f00::", 16, "segment routing"},
    {"fc00::", 7, "private"},
    {"fe80::", 10, "link-local"},
    {"fec0::", 10, "site-local"},
    {"ff00::", 8, "multicast"},
};
constexpr std::string_view kMetadata = "metadata", kSelf = "self", kIsatap = "isatap";

constexpr std::string_view kFloorNames[] = {
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.azure.com",
    "metadata.azure.internal",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.oraclecloud.com",
    "metadata.tencentyun.com",
};

struct Network {
  io::Ip prefix;
  unsigned bits;  // Of 128.
  std::string_view name;
};

const std::vector<Network>& networks() {
  static const std::vector<Network> all = [] {
    std::vector<Network> out;
    for (const Range& range : kRanges) {
      const std::optional<io::Ip> prefix = io::Ip::parse(range.prefix);
      CHECK(prefix);
      out.push_back({*prefix, range.bits + (prefix->v4() ? 96 : 0), range.name});
    }
    return out;
  }();
  return all;
}

bool contains(const Network& network, const io::Ip& ip) {
  const Bytes& a = network.prefix.bytes();
  const Bytes& b = ip.bytes();
  const size_t whole = network.bits / 8;
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  const unsigned rest = network.bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool isatap(const io::Ip& ip) {
  const Bytes& b = ip.bytes();
  return !ip.v4() && (b[8] & ~2) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe;
}

std::optional<std::string_view> own_range(const io::Ip& ip) {
  const auto found =
      std::ranges::find_if(networks(), [&](const Network& n) { return contains(n, ip); });
  if (found == networks().end()) return std::nullopt;
  return found->name;
}

io::Ip four(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  sockaddr_storage storage{};
  storage.ss_family = AF_INET;
  const uint8_t bytes[] = {a, b, c, d};
  std::memcpy(reinterpret_cast<char*>(&storage) + 4, bytes, sizeof bytes);  // sockaddr_in.sin_addr
  return io::Ip::of(storage);
}

// Every IPv4 address that the IPv6 one may stand for, by whichever rule: its last four bytes (as
// they are, or inverted as Teredo has them), 6to4's and Teredo's server's, and RFC 6052's places in
// a /48.
std::array<io::Ip, 5> embedded(const io::Ip& ip) {
  const Bytes& b = ip.bytes();
  const auto inverted = [&](size_t i) { return static_cast<uint8_t>(~b[i]); };
  return {four(b[12], b[13], b[14], b[15]),
          four(inverted(12), inverted(13), inverted(14), inverted(15)),
          four(b[2], b[3], b[4], b[5]), four(b[4], b[5], b[6], b[7]),
          four(b[6], b[7], b[9], b[10])};
}

bool is_metadata(const io::Ip& ip) { return own_range(ip) == kMetadata; }

bool pattern_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_name(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  return !text.empty() && !text.starts_with('.') && !text.ends_with('.') &&
         std::ranges::all_of(text, pattern_byte) && text.find("..") == std::string_view::npos;
}

bool matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::string_view domain = pattern.substr(1);  // With its dot.
  return host.size() > domain.size() && host.ends_with(domain);
}

// An endpoint at 0.0.0.0 or :: is one at every address of this machine.
void expand(std::vector<io::Endpoint>& own) {
  const bool any = std::ranges::any_of(own, [](const io::Endpoint& e) { return e.ip.any(); });
  ifaddrs* list = nullptr;
  if (!any || ::getifaddrs(&list) != 0) return;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
  const size_t given = own.size();
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    const int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ifa_addr,
                family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    for (size_t i = 0; i < given; ++i) {
      if (own[i].ip.any()) own.push_back({io::Ip::of(storage), own[i].port});
    }
  }
}

}  // namespace

std::optional<std::string_view> special_range(const io::Ip& ip) {
  if (const std::optional<std::string_view> range = own_range(ip)) return range;
  if (isatap(ip)) return kIsatap;
  return std::nullopt;
}

bool on_hard_floor(const io::Ip& ip) {
  if (is_metadata(ip)) return true;
  if (isatap(ip) && is_metadata(embedded(ip)[0])) return true;
  // Only where IPv4 hides inside: a public IPv6 address may have these bytes by chance.
  const std::optional<std::string_view> range = ip.v4() ? std::nullopt : special_range(ip);
  if (!range || *range == "private" || *range == "link-local") return false;
  return std::ranges::any_of(embedded(ip), is_metadata);
}

bool name_on_hard_floor(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::ranges::any_of(kFloorNames, [&](std::string_view name) {
    return std::ranges::equal(name, host, {}, {}, base::lower);
  });
}

base::Result<AddressGuard> AddressGuard::make(GuardMode mode, std::span<const std::string> allow,
                                              std::vector<io::Endpoint> own) {
  AddressGuard out;
  out.mode_ = mode;
  std::vector<std::string> networks;
  for (const std::string& entry : allow) {
    if (const std::optional<io::Ip> ip = io::Ip::parse(entry)) out.addresses_.push_back(*ip);
    std::string name = entry;
    std::ranges::transform(name, name.begin(), base::lower);
    if (io::Ip::parse(entry) || entry.find('/') != std::string::npos) {
      networks.push_back(entry);
    } else if (is_name(name)) {
      out.names_.push_back(std::move(name));
    } else {
      return base::invalid("'" + entry + "' is no network, address or name", "allow");
    }
  }
  base::Result<io::Networks> parsed = io::Networks::parse(networks);
  if (!parsed) return base::invalid(parsed.error().what, "allow");
  out.networks_ = std::move(*parsed);
  expand(own);
  out.own_ = std::move(own);
  return out;
}

AddressGuard::Verdict AddressGuard::judge(std::string_view host, const io::Ip& ip,
                                          uint16_t port) const {
  Verdict verdict{.range = special_range(ip).value_or(std::string_view())};
  if (name_on_hard_floor(host)) verdict.range = kMetadata;
  const bool own = std::ranges::any_of(own_, [&](const io::Endpoint& e) {
    return e.port == port && (e.ip == ip || (e.ip.any() && ip.loopback()));
  });
  if (own) verdict.range = kSelf;
  if (mode_ == GuardMode::kOff) return verdict;
  if (on_hard_floor(ip) || name_on_hard_floor(host)) {
    verdict.allowed = false;
    return verdict;
  }
  const bool named = std::ranges::any_of(
      names_, [&](const std::string& pattern) { return matches(pattern, host); });
  const bool itself = std::ranges::find(addresses_, ip) != addresses_.end();
  if (mode_ == GuardMode::kListed) {
    verdict.allowed = named || itself || networks_.contains(ip);
    return verdict;
  }
  if (verdict.range.empty() || named || itself || (!own && networks_.contains(ip))) return verdict;
  verdict.reported = mode_ == GuardMode::kReport;
  verdict.allowed = verdict.reported;
  return verdict;
}

}  // namespace http
