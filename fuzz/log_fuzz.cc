// Any bytes as the segments of a log: an opening takes them or refuses them in words, an opening
// after it agrees, and so it does after a repair. (That a repair of what a disk has damaged is
// opened is inspect_test's: forged records may contradict each other in ways no gap mends.)
//
// The first byte chooses how the rest is cut into segments and whether what was cut is sealed, so
// that the records behind checksums are reached.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "wal/inspect.h"
#include "wal/memory_disk.h"

namespace {

using wal::MemoryDisk;

constexpr uint64_t kSalt = 7;
constexpr size_t kInputMax = 16 << 10;

// Bytes become records: 4 bytes of shape, then a body; each is sealed or left as it is.
std::string sealed_segment(std::string_view input, uint32_t number, wal::Sequence& sequence) {
  const wal::SegmentHeader header{
      .number = number, .start = 1, .first = sequence + 1, .salt = kSalt};
  const auto bytes = wal::encode(header);
  std::string out(bytes.data(), bytes.size());
  const uint64_t seed = wal::seed_of(kSalt, number);
  while (input.size() >= 4) {
    const auto shape = [&](size_t i) { return static_cast<uint8_t>(input[i]); };
    const std::string_view body = input.substr(4, shape(0));
    if (shape(1) % 4 == 0) {
      const auto mark = wal::encode(wal::Mark{sequence - sequence % (1 + shape(2)), {}});
      wal::append_record(out, wal::kMarkKind, {mark.data(), mark.size()}, sequence, seed);
    } else if (shape(1) % 16 == 1) {
      out.append(body).resize((out.size() + 7) & ~size_t{7});
    } else {
      sequence += shape(2) == 255 ? 2 : 1;
      wal::append_record(out, static_cast<wal::Kind>(1 + shape(3) % 253), body, sequence, seed);
    }
    input.remove_prefix(std::min(input.size(), 4 + body.size()));
  }
  return out;
}

void put(MemoryDisk& disk, uint32_t number, std::string bytes) {
  const std::string path = "d/" + wal::segment_name(number);
  CHECK(disk.create(path));
  disk.set_contents(path, std::move(bytes));
}

base::Result<std::string> replayed(base::Disk& disk) {
  std::string all;
  const auto opened =
      wal::Log::open(disk, "d", {.segment_bytes = wal::kSegmentBytesMin, .salt = kSalt}, 1,
                     [&](const wal::Record& record) {
                       all += std::to_string(record.sequence) + std::string(record.body);
                       return base::Status{};
                     });
  if (!opened) return opened.error();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 1 || size > kInputMax) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes + 1), size - 1);
  MemoryDisk disk;
  CHECK(disk.make_dir("d"));
  const uint32_t segments = 1 + bytes[0] % 4;
  wal::Sequence sequence = 0;
  for (uint32_t i = 0; i < segments; ++i) {
    const std::string_view part =
        input.substr(input.size() * i / segments,
                     input.size() * (i + 1) / segments - input.size() * i / segments);
    const bool sealed = (bytes[0] >> (4 + i) & 1) == 0;
    put(disk, i + 1, sealed ? sealed_segment(part, i + 1, sequence) : std::string(part));
  }
  const auto found = wal::inspect(disk, "d");
  CHECK(found);
  const auto first = replayed(disk);
  if (first) {
    CHECK(first.value() == replayed(disk).value());
    return 0;
  }
  CHECK(!first.error().what.empty());
  if (!wal::repair(disk, "d", *found)) return 0;
  const auto repaired = replayed(disk);
  CHECK(repaired || !repaired.error().what.empty());
  return 0;
}
