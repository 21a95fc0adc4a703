// What the parsers of both protocols share: their bounds and what a step found.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace protocol {

// A request of the line protocol takes at most line_bytes_max; one of RESP at most
// request_bytes_max(), framing included. That much a connection has to keep, and no more: what is
// over a bound is passed over as it arrives.
struct Bounds {
  size_t line_bytes_max = 64 * 1024;    // Without its LF or CRLF. At least kLineBytesMin.
  size_t body_bytes_max = 1024 * 1024;  // One bulk string.
  size_t words_max = 1024;              // Of one request, in either protocol.

  // One body, and beside it as much as a line may have.
  size_t request_bytes_max() const { return body_bytes_max + line_bytes_max; }
};

// Enough to see whether a line that is too long is one of HTTP.
inline constexpr size_t kLineBytesMin = 32;

// What one step of a parser found.
enum class Parsed : uint8_t {
  kMore,     // Nothing whole: feed more bytes. `consumed` may still be above 0 (skipped bytes).
  kRequest,  // words() is a request; empty for an empty line.
  kRefused,  // refusal() is the text of an ERR to answer; the stream goes on behind it.
  kBroken,  // refusal() is the text of an ERR to answer; then close: the stream has no more frames.
};

struct Found {
  size_t consumed = 0;
  std::vector<std::string_view> words;
  std::string refusal;  // Without the "ERR ".

  Parsed refused(std::string why) {
    refusal = std::move(why);
    return Parsed::kRefused;
  }
  Parsed broken(std::string why) {
    refusal = std::move(why);
    return Parsed::kBroken;
  }
};

}  // namespace protocol
