// What a connection has said of itself, and how it wants its answers spelt.
#pragma once
#include <cstddef>
#include <string>

#include "protocol/protocol.h"

namespace command {

inline constexpr size_t kClientNameBytesMax = 128;  // Each of the three.

struct Client {
  protocol::Wire wire = protocol::Wire::kLine;  // Known after the first byte; HELLO may change it.
  std::string name;                             // HELLO SETNAME, CLIENT SETNAME.
  std::string library, library_version;         // CLIENT SETINFO.
};

}  // namespace command
