#include "io/network.h"

#include <algorithm>

#include "base/number.h"

namespace io {

base::Result<Networks> Networks::parse(std::span<const std::string> texts) {
  Networks out;
  for (const std::string& text : texts) {
    const base::Result<Network> network = parse_one(text);
    if (!network) return network.error();
    out.networks_.push_back(*network);
  }
  return out;
}

base::Result<Networks::Network> Networks::parse_one(const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    return base::invalid("'" + text + "' is no network: " + why, "trusted_networks");
  };
  const size_t slash = std::min(text.find('/'), text.size());
  const std::optional<Ip> ip = Ip::parse(text.substr(0, slash));
  if (!ip) return wrong("write 10.0.0.0/8, fd00::/8 or an address");
  if (slash == text.size()) return Network{*ip, 128};
  const int64_t most = ip->v4() ? 32 : 128;
  const std::optional<int64_t> bits = base::parse_integer(text.substr(slash + 1));
  if (!bits || *bits < 0 || *bits > most) {
    return wrong("the length is a number from 0 to " + std::to_string(most));
  }
  const auto of_128 = static_cast<unsigned>(*bits + (128 - most));
  const Ip prefix = Ip::masked(*ip, of_128);
  if (prefix != *ip) {
    return wrong("bits are set behind the prefix; did you mean " + prefix.text() +
                 text.substr(slash) + "?");
  }
  return Network{prefix, of_128};
}

bool Networks::contains(const Ip& ip) const {
  return std::ranges::any_of(
      networks_, [&](const Network& net) { return Ip::masked(ip, net.bits) == net.prefix; });
}

}  // namespace io
