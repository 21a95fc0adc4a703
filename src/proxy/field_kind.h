// Which fields a proxy has to know by their names. Thread: any.
#pragma once
#include <cstdint>
#include <string_view>

namespace proxy {

// What a proxy has to know of a field by its name.
enum class FieldKind : uint8_t {
  kPlain,
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kExpect,
  kHop,  // Of this connection alone, as Keep-Alive, TE, Upgrade.
  kDate,
  kRequestId,
  kForwardedFor,  // X-Forwarded-For
  kForwardedHost,
  kForwardedProto,
  kForwarded,  // Forwarded
  kManaged,    // Others that only a proxy may say: X-Real-IP, X-Forwarded-….
  kAlias,      // One of the above with '_' for '-': to some applications it is the same name.
};
FieldKind kind_of(std::string_view name);

}  // namespace proxy
