// A request as it came over the wire: a verb and its words, in either protocol of the TCP port.
//
// The first byte of a connection tells the protocol: `*` is RESP, anything else the line protocol.
// Parsers are fed whatever has arrived and hand out the requests that are whole; a request's words
// point into the fed bytes (or, where a JSON string had escapes, into the parser's scratch), and
// are valid until the next call of the parser.
//
// Grammar and answers: docs/protocol.md. RESP: https://redis.io/docs/latest/develop/reference/protocol-spec
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace protocol {

enum class Wire : uint8_t { kLine, kResp2, kResp3, kJson };

struct Bounds {
  size_t line_bytes_max = 64 * 1024;
  size_t body_bytes_max = 1024 * 1024;  // One bulk string.
  size_t words_max = 1024;              // RESP: elements of one request; over it the connection ends.
};

// What one step of a parser found.
enum class Parsed : uint8_t {
  kMore,     // Nothing whole: feed more bytes. `consumed` may still be above 0 (skipped bytes).
  kRequest,  // words() is a request; empty for an empty line.
  kRefused,  // refusal() is the text of an ERR to answer; the stream goes on behind it.
  kBroken,   // refusal() is the text of an ERR to answer; then close: the stream has no more frames.
};

class Parser {
 public:
  explicit Parser(Bounds bounds);

  // Looks at `bytes`, which begins where the last step left off (its `consumed` bytes dropped).
  // After kMore the same unconsumed bytes must come again with more behind them.
  Parsed step(std::string_view bytes);
  size_t consumed() const;                           // Of the bytes of the last step.
  std::span<const std::string_view> words() const;   // Valid until the next step; see above.
  std::string_view refusal() const;                  // Without the "ERR ".
  bool resp() const;                                 // Known after the first byte.
};

}  // namespace protocol
