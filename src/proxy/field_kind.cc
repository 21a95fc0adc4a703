#include "proxy/field_kind.h"

#include <algorithm>
#include <array>

#include "proxy/field_names.h"

namespace proxy {
namespace {

// As same_name(), with '_' for '-'.
bool alike(std::string_view name, std::string_view lower_case) {
  return std::ranges::equal(name, lower_case, {},
                            [](char c) { return c == '_' ? '-' : base::lower(c); });
}

struct Named {
  std::string_view name;
  FieldKind kind;
};
constexpr Named kNames[] = {
    {"host", FieldKind::kHost},
    {"content-length", FieldKind::kContentLength},
    {"transfer-encoding", FieldKind::kTransferEncoding},
    {"connection", FieldKind::kConnection},
    {"expect", FieldKind::kExpect},
    {"keep-alive", FieldKind::kHop},
    {"proxy-connection", FieldKind::kHop},
    {"proxy-authenticate", FieldKind::kHop},
    {"proxy-authorization", FieldKind::kHop},
    {"te", FieldKind::kHop},
    {"trailer", FieldKind::kHop},
    {"upgrade", FieldKind::kHop},
    {"http2-settings", FieldKind::kHop},
    {"date", FieldKind::kDate},
    {"x-request-id", FieldKind::kRequestId},
    {"x-forwarded-for", FieldKind::kForwardedFor},
    {"x-forwarded-host", FieldKind::kForwardedHost},
    {"x-forwarded-proto", FieldKind::kForwardedProto},
    {"forwarded", FieldKind::kForwarded},
    {"x-real-ip", FieldKind::kManaged},
};
constexpr std::string_view kForwardedPrefix = "x-forwarded-";

// Lengths of names of interest: most fields are passed over by their length alone.
constexpr std::array<bool, 32> kLengths = [] {
  std::array<bool, 32> out{};
  for (const Named& each : kNames) out[each.name.size()] = true;
  return out;
}();

}  // namespace

FieldKind kind_of(std::string_view name) {
  if (name.size() < kLengths.size() && kLengths[name.size()]) {
    for (const Named& each : kNames) {
      if (each.name.size() != name.size() || !alike(name, each.name)) continue;
      return name.find('_') == name.npos ? each.kind : FieldKind::kAlias;
    }
  }
  if (name.size() > kForwardedPrefix.size() && base::lower(name[0]) == 'x' &&
      alike(name.substr(0, kForwardedPrefix.size()), kForwardedPrefix)) {
    return name.find('_') == name.npos ? FieldKind::kManaged : FieldKind::kAlias;
  }
  return FieldKind::kPlain;
}

}  // namespace proxy
