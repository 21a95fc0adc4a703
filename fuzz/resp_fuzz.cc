// Any bytes of RESP, cut anywhere: what is found never depends on the cuts, no more is kept than
// the bounds allow, and a request that was understood is understood again when it is written anew.
//
// The first byte chooses how the rest is cut.
#include <cstdint>

#include "protocol/converse.h"
#include "protocol/protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 2) return 0;
  const std::string input = "*" + std::string(reinterpret_cast<const char*>(bytes + 1), size - 1);
  const protocol::Bounds bounds{.line_bytes_max = 32, .body_bytes_max = 16, .words_max = 4};
  const std::vector<size_t> cuts = {bytes[0] % 16u + 1, bytes[0] / 16u + 1};
  const std::string whole = protocol::converse(bounds, input, {input.size()});
  CHECK(whole == protocol::converse(bounds, input, {1}));
  CHECK(whole == protocol::converse(bounds, input, cuts));

  protocol::Parser parser{protocol::Bounds{}};
  if (parser.step(input) != protocol::Parsed::kRequest) return 0;
  const std::string again = protocol::as_resp(parser.words());
  CHECK(protocol::converse(protocol::Bounds{}, again, {7}) ==
        "[" + protocol::shown(parser.words()) + "]");
  return 0;
}
