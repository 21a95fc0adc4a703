// Arbitrary bytes to a conversation with a real limiter and real engines, in pieces as the bytes
// themselves say. What must hold: no crash, no bytes used beyond those given, and whole lines of
// answers.
#include <cstddef>
#include <cstdint>
#include <string>

#include "command/talk_bed.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t piece = size_t{data[0]} + 1;
  const bool limited = (data[1] & 1) != 0;
  std::vector<limiter::DomainSpec> limits = {command::script_limits()};
  if (limited) limits.push_back(command::server_limits());
  command::TalkBed bed(std::move(limits));
  std::string unread;
  for (size_t at = 2; at < size && !bed.talk->closing(); at += piece) {
    unread.append(reinterpret_cast<const char*>(data) + at, std::min(piece, size - at));
    do {
      const size_t used = bed.talk->feed(unread);
      CHECK(used <= unread.size());
      unread.erase(0, used);
      bed.shards.pump();
      const std::string out = bed.take();
      CHECK(out.empty() || out.back() == '\n');
    } while (bed.talk->more());
    bed.clock.pass(std::chrono::milliseconds(data[1]));
    bed.shards.pump();
  }
  return 0;
}
