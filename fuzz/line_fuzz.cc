// Any bytes of the line protocol, cut anywhere: what is found never depends on the cuts, no more is
// kept than the bounds allow, and every word that came in goes out and in again as it was.
//
// The first byte chooses how the rest is cut.
#include <cstdint>

#include "protocol/converse.h"
#include "protocol/protocol.h"

namespace {

void comes_back(std::string_view word) {
  std::string line;
  protocol::Writer(protocol::Wire::kLine, line).text(word);
  protocol::Parser parser{protocol::Bounds{}};
  const std::string request = "ECHO " + line;
  CHECK(parser.step(request) == protocol::Parsed::kRequest);
  CHECK(parser.words().size() == 2 && parser.words()[1] == word);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 2 || bytes[1] == '*') return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes + 1), size - 1);
  const protocol::Bounds bounds{.line_bytes_max = 40, .body_bytes_max = 40, .words_max = 5};
  const std::vector<size_t> cuts = {bytes[0] % 16u + 1, bytes[0] / 16u + 1};
  const std::string whole = protocol::converse(bounds, input, {input.size()});
  CHECK(whole == protocol::converse(bounds, input, {1}));
  CHECK(whole == protocol::converse(bounds, input, cuts));

  protocol::Parser parser{protocol::Bounds{}};
  if (parser.step(input) != protocol::Parsed::kRequest) return 0;
  for (const std::string_view word : parser.words()) comes_back(word);
  return 0;
}
