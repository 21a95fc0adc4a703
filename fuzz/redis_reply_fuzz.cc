// Any bytes as what a Redis answers: what is found never depends on where they are cut, and no
// reply takes more memory than its bound.
//
// The first byte chooses how the rest is cut.
#include <cstdint>

#include "base/check.h"
#include "redis/shown.h"

namespace {

size_t memory_of(const redis::Reply& reply) {
  size_t out = sizeof reply + reply.text.size();
  for (const redis::Reply& each : reply.list) out += memory_of(each);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes + 1), size - 1);
  constexpr size_t kBytesMax = 2000;
  const std::string whole = redis::read_all(input, input.size(), kBytesMax);
  CHECK(whole == redis::read_all(input, 1, kBytesMax));
  CHECK(whole == redis::read_all(input, bytes[0] % 16u + 1, kBytesMax));

  redis::ReplyParser parser(kBytesMax);
  if (parser.step(input) == redis::ReplyParser::Found::kReply) {
    CHECK(memory_of(parser.reply()) <= kBytesMax);
  }
  return 0;
}
