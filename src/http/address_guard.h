// Which addresses a request may go to: keeps those who may name a URL from reaching what only this
// machine can reach (SSRF). Source: the union of what Svix, Smokescreen and Convoy refuse, and RFC
// 6890's registries; docs/dispatch.md lists every range.
//
// The address that is connected to is judged, not a name: the client resolves once and asks for
// every address that it is about to connect to, again after every redirect.
//
//   hard floor (cloud metadata)  ─ always refused, in report mode and under an allow-list too
//   allow-list (CIDR or name)    ─ allowed
//   any private or special range ─ refused (report mode: allowed and told)
//   anything else                ─ allowed; refused by a guard that is kListed
//
// Thread: any (immutable).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/ip.h"
#include "io/network.h"
#include "io/socket.h"

namespace http {

// The name of the range that an address lies in ("loopback", "private", "metadata", "6to4", …).
// Nothing: it is a public address. IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4, …) is refused
// as such, whatever it embeds; mapped is unwrapped first.
std::optional<std::string_view> special_range(const io::Ip& ip);
bool on_hard_floor(const io::Ip& ip);
bool name_on_hard_floor(std::string_view host);  // "metadata.google.internal" and its like.

// kListed: only what the allow-list has, public addresses included; `own` means nothing to it.
enum class GuardMode : uint8_t { kBlock, kReport, kOff, kListed };

class AddressGuard {
 public:
  AddressGuard() = default;  // Blocks, allows nothing special.
  // `allow`: CIDRs, addresses and names ("hooks.internal", "*.svc.local"). `own`: where this
  // process itself listens (0.0.0.0 and :: are every address that the machine has now); refused
  // unless `allow` has the address itself or the name: a network around it does not open it.
  // kInvalid names what is wrong ("allow").
  static base::Result<AddressGuard> make(GuardMode mode, std::span<const std::string> allow,
                                         std::vector<io::Endpoint> own = {});

  struct Verdict {
    bool allowed = true;
    std::string_view range;  // Empty: public. Set also if it was let through (report, allow, off).
    bool reported = false;   // Would have been refused but for report mode.
  };
  // `host` is the name of the URL, lower-case. kOff allows everything, the hard floor too: a
  // person's own `fetch`.
  Verdict judge(std::string_view host, const io::Ip& ip, uint16_t port) const;
  GuardMode mode() const { return mode_; }

 private:
  GuardMode mode_ = GuardMode::kBlock;
  io::Networks networks_;
  std::vector<io::Ip> addresses_;  // Those of `allow` that stand for themselves; networks_ too.
  std::vector<std::string> names_;
  std::vector<io::Endpoint> own_;
};

}  // namespace http
