#include "wal/format.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "wal/memory_disk.h"

namespace wal {
namespace {

// The bytes of the document's worked example: lines "0000  52 4c …   remark".
std::string example() {
  std::ifstream file(RATELIMMQ_SOURCE_DIR "/docs/formats/log.md");
  std::string bytes, line;
  while (std::getline(file, line)) {
    char expected[16];
    std::snprintf(expected, sizeof(expected), "%04zx  ", bytes.size() & 0xffff);
    if (!line.starts_with(expected)) continue;
    std::istringstream words(line.substr(6, 16 * 3 + 1));
    for (unsigned byte; words >> std::hex >> byte;) bytes += static_cast<char>(byte);
  }
  return bytes;
}

std::string hex_lines(const std::string& bytes) {
  std::string out;
  char text[16];
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (at % 16 == 0) {
      std::snprintf(text, sizeof(text), "\n%04zx  ", at & 0xffff);
      out += text;
    }
    std::snprintf(text, sizeof(text), "%02x ", static_cast<unsigned char>(bytes[at]));
    out += text;
  }
  return out;
}

TEST(Format, TheDocumentsExampleIsWhatTheLogWrites) {
  MemoryDisk disk;
  auto opened = Log::open(disk, "d", {.segment_bytes = kSegmentBytesMin, .salt = 0x2a}, 1,
                          [](const Record&) { return base::Status{}; });
  ASSERT_TRUE(opened);
  Log& log = *opened->log;
  log.stamp(base::time_from(0x11));
  ASSERT_TRUE(log.append(7, {"hello"}, true));
  while (!log.idle()) {
    Batch batch = log.take();
    log.writer().run(batch);
    log.give_back(batch);
  }
  const std::string bytes = disk.contents("d/log-00000001");
  const std::string used = bytes.substr(0, bytes.find_last_not_of('\0') / 8 * 8 + 8);
  EXPECT_EQ(hex_lines(example()), hex_lines(used));
}

TEST(Format, NamesComeBackAndOthersAreNotOurs) {
  EXPECT_EQ(segment_name(0x2a), "log-0000002a");
  EXPECT_EQ(segment_number("log-0000002a"), 0x2au);
  EXPECT_EQ(snapshot_name(0x2a), "snapshot-000000000000002a");
  EXPECT_EQ(snapshot_sequence("snapshot-000000000000002a"), 0x2au);
  for (const char* name : {"log-2a", "log-0000002A", "log-0000002a.bak", "log-0000002",
                           "log--000002a", "snapshot.tmp", "LOCK", ""}) {
    EXPECT_FALSE(segment_number(name)) << name;
    EXPECT_FALSE(snapshot_sequence(name)) << name;
  }
}

TEST(Format, HeadersComeBackAndEveryFlippedBitIsSeen) {
  const SegmentHeader header{.shard = 1,
                             .number = 2,
                             .start = 3,
                             .first = 4,
                             .synced = 5,
                             .instant = base::time_from(6),
                             .salt = 7};
  const auto bytes = encode(header);
  const std::string whole(bytes.data(), bytes.size());
  EXPECT_EQ(decode_segment_header(whole).header, header);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(decode_segment_header(flipped).fault, HeaderFault::kNone) << bit;
  }
  EXPECT_EQ(decode_segment_header(std::string(64, '\0')).fault, HeaderFault::kEmpty);
  EXPECT_EQ(decode_segment_header("").fault, HeaderFault::kEmpty);
  EXPECT_EQ(decode_segment_header(whole.substr(0, 63)).fault, HeaderFault::kBad);
}

}  // namespace
}  // namespace wal
