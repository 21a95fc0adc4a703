// Networks in CIDR notation.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/ip.h"

namespace io {

// A set of networks; a handful, so it is searched from end to end.
class Networks {
 public:
  Networks() = default;  // None: contains nothing.
  // "10.0.0.0/8", "fd00::/8", or an address for itself alone. Refuses a prefix with bits set behind
  // its length: whoever writes 10.1.2.3/8 may have meant 10.1.2.3.
  static base::Result<Networks> parse(std::span<const std::string> texts);

  bool contains(const Ip& ip) const;
  bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    Ip prefix;
    unsigned bits;  // Of 128.
  };
  static base::Result<Network> parse_one(const std::string& text);
  std::vector<Network> networks_;
};

}  // namespace io
