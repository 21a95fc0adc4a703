// Bytes of the log: docs/formats/log.md. Numbers are little-endian.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wal/wal.h"

namespace wal {

static_assert(std::endian::native == std::endian::little, "fields are copied as they are");

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr size_t kMarkBodyBytes = 16;
static_assert(kMarkBytes == record_bytes(kMarkBodyBytes));
static_assert(kSegmentHeaderBytes % 8 == 0 && kRecordHeaderBytes % 8 == 0, "records are aligned");

inline constexpr Kind kEndKind = 0;     // Zeros: here the data ends.
inline constexpr Kind kGapKind = 254;   // A repair took out what stood here.
inline constexpr Kind kMarkKind = 255;  // How far the log was synced; or the end of a snapshot.
constexpr bool is_owners(Kind kind) { return kind != kEndKind && kind < kGapKind; }

inline constexpr uint32_t kSegmentBytesMin = uint32_t{64} << 10;
inline constexpr uint32_t kSegmentBytesMax = uint32_t{1} << 30;

struct SegmentHeader {
  uint32_t shard = 0;
  uint32_t number = 0;
  uint32_t start = 0;
  Sequence first = 0;   // Of the first record that may stand in it.
  Sequence synced = 0;  // All up to here was synced when it was made.
  base::Time instant{};
  uint64_t salt = 0;
  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

enum class HeaderFault : uint8_t {
  kNone,
  kEmpty,  // Zeros, or nothing: a spare.
  kBad,    // Neither zeros nor what its checksum says.
  kNewer,  // Of a version that this program does not know.
};
struct DecodedHeader {
  HeaderFault fault = HeaderFault::kNone;
  uint32_t version = kFormatVersion;
  SegmentHeader header;
};
std::array<char, kSegmentHeaderBytes> encode(const SegmentHeader& header);
DecodedHeader decode_segment_header(std::string_view bytes);

// A snapshot's first 64 bytes.
struct SnapshotHeader {
  uint32_t shard = 0;
  Sequence from = 0;
  uint64_t records = 0;  // Its end mark aside.
};
struct DecodedSnapshotHeader {
  HeaderFault fault = HeaderFault::kNone;
  uint32_t version = kFormatVersion;
  SnapshotHeader header;
};
std::array<char, kSegmentHeaderBytes> encode(const SnapshotHeader& header);
DecodedSnapshotHeader decode_snapshot_header(std::string_view bytes);

// What the checksums of a segment's records begin with.
constexpr uint64_t seed_of(uint64_t salt, uint32_t segment) { return salt + segment; }
inline constexpr uint64_t kSnapshotSeed = 0x736e6170;

struct RecordHeader {
  uint64_t checksum = 0;  // XXH3-64 of all that follows in the record, padding included.
  uint32_t length = 0;    // Of the body.
  Kind kind = 0;
  Sequence sequence = 0;
};
RecordHeader decode_record_header(std::string_view bytes);  // REQUIRES: kRecordHeaderBytes.
// `record` is a whole record, padding included.
uint64_t checksum_of(std::string_view record, uint64_t seed);

// Writes the header and the checksum of the record that begins at `at` and ends with `bytes`.
// REQUIRES: kRecordHeaderBytes, the body and zeros up to the alignment are there.
void seal(std::string& bytes, size_t at, Kind kind, uint32_t length, Sequence sequence,
          uint64_t seed);
void append_record(std::string& bytes, Kind kind, std::string_view body, Sequence sequence,
                   uint64_t seed);

struct Mark {
  Sequence synced = 0;
  base::Time instant{};
};
std::array<char, kMarkBodyBytes> encode(const Mark& mark);
Mark decode_mark(std::string_view body);  // REQUIRES: kMarkBodyBytes.

std::string segment_name(uint32_t number);                           // "log-0000002a"
std::string snapshot_name(Sequence from);                            // "snapshot-000000000000002a"
std::optional<uint32_t> segment_number(const std::string& name);     // Nothing: another file.
std::optional<Sequence> snapshot_sequence(const std::string& name);  // Nothing: another file.
inline constexpr char kSnapshotTemporary[] = "snapshot.tmp";

// "FILE: offset N: why".
base::Error corrupt(const std::string& file, uint64_t offset, const std::string& why);
base::Error newer(const std::string& file, uint32_t version);

}  // namespace wal
