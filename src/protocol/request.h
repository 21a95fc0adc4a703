// A request as it came over the wire: a verb and its words, in either protocol of the TCP port.
//
// The first byte of a connection tells the protocol: `*` is RESP, anything else the line protocol.
// A parser is fed whatever has arrived and hands out the requests that are whole; a request's words
// point into the fed bytes (or, where a JSON string had escapes, into the parser's scratch), and
// are valid until the next call of the parser. In steady state a request allocates nothing.
//
//   for (;;) {
//     switch (parser.step(input)) {
//       case Parsed::kMore:    drop parser.consumed() bytes, read more, go on
//       case Parsed::kRequest: run parser.words(), drop parser.consumed() bytes
//       ...
//
// Grammar and answers: docs/protocol.md.
// RESP: https://redis.io/docs/latest/develop/reference/protocol-spec
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/found.h"  // IWYU pragma: export
#include "protocol/line.h"
#include "protocol/resp.h"

namespace protocol {

enum class Wire : uint8_t { kLine, kResp2, kResp3, kJson };

class Parser {
 public:
  explicit Parser(Bounds bounds);

  // Looks at `bytes`, which begins where the last step left off (its `consumed` bytes dropped).
  // After kMore the same unconsumed bytes must come again with more behind them (they may have
  // moved); they are not read again from their start. After kBroken every step is kBroken.
  Parsed step(std::string_view bytes);
  size_t consumed() const { return found_.consumed; }                       // Of the last bytes.
  std::span<const std::string_view> words() const { return found_.words; }  // See above.
  std::string_view refusal() const { return found_.refusal; }               // Without the "ERR ".
  bool resp() const { return spoken_ == Spoken::kResp; }  // Known after the first byte.

 private:
  enum class Spoken : uint8_t { kUnknown, kLine, kResp };

  Found found_;
  LineParser line_;
  RespParser resp_;
  Spoken spoken_ = Spoken::kUnknown;
  bool broken_ = false;
};

}  // namespace protocol
