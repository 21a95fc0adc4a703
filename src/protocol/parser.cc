#include "base/check.h"
#include "protocol/request.h"

namespace protocol {
namespace {

// The first byte of TLS: a page can make a browser open `https://` to a port of the same machine
// and carry lines of its choice in the handshake.
constexpr char kTlsHandshake = 0x16;

}  // namespace

Parser::Parser(Bounds bounds) : line_(bounds), resp_(bounds) {
  CHECK(bounds.line_bytes_max >= kLineBytesMin);
  CHECK(bounds.words_max > 0);
}

Parsed Parser::step(std::string_view bytes) {
  found_.consumed = 0;
  if (broken_) return Parsed::kBroken;
  if (spoken_ == Spoken::kUnknown) {
    if (bytes.empty()) return Parsed::kMore;
    if (bytes.front() == kTlsHandshake) {
      broken_ = true;
      return found_.broken("unknown command");
    }
    spoken_ = bytes.front() == '*' ? Spoken::kResp : Spoken::kLine;
  }
  const Parsed parsed =
      spoken_ == Spoken::kResp ? resp_.step(bytes, found_) : line_.step(bytes, found_);
  broken_ = parsed == Parsed::kBroken;
  return parsed;
}

}  // namespace protocol
