#include "wal/format.h"

#include <charconv>
#include <cstring>

#include "base/hash.h"

namespace wal {
namespace {

constexpr std::string_view kSegmentMagic = "RLMQlog\n";
constexpr std::string_view kSnapshotMagic = "RLMQsnp\n";
constexpr size_t kVersionAt = 8;
constexpr size_t kHeaderChecksumAt = kSegmentHeaderBytes - 8;
static_assert(kSegmentMagic.size() == kVersionAt && kSnapshotMagic.size() == kVersionAt);

template <typename T>
void put(char* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

template <typename T>
T get(std::string_view from, size_t at) {
  T value;
  std::memcpy(&value, from.data() + at, sizeof(value));
  return value;
}

uint64_t hash(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

using HeaderBytes = std::array<char, kSegmentHeaderBytes>;

HeaderBytes begin_header(std::string_view magic) {
  HeaderBytes bytes{};
  std::memcpy(bytes.data(), magic.data(), magic.size());
  put(&bytes[kVersionAt], kFormatVersion);
  return bytes;
}

void seal_header(HeaderBytes& bytes) {
  put(&bytes[kHeaderChecksumAt], hash({bytes.data(), kHeaderChecksumAt}, 0));
}

// The version stands before the checksum is looked at: a later one may have its checksum elsewhere.
HeaderFault judge(std::string_view bytes, std::string_view magic) {
  if (bytes.find_first_not_of('\0') == bytes.npos) return HeaderFault::kEmpty;
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(magic)) return HeaderFault::kBad;
  if (get<uint32_t>(bytes, kVersionAt) > kFormatVersion) return HeaderFault::kNewer;
  const bool sound =
      get<uint32_t>(bytes, kVersionAt) == kFormatVersion &&
      get<uint64_t>(bytes, kHeaderChecksumAt) == hash(bytes.substr(0, kHeaderChecksumAt), 0);
  return sound ? HeaderFault::kNone : HeaderFault::kBad;
}

template <typename T>
std::string hex(std::string_view prefix, T number) {
  std::string name(prefix);
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 4; shift >= 0; shift -= 4)
    name += "0123456789abcdef"[number >> shift & 15];
  return name;
}

template <typename T>
std::optional<T> parse_hex(const std::string& name, std::string_view prefix) {
  if (name.size() != prefix.size() + 2 * sizeof(T) || !name.starts_with(prefix)) return {};
  T number{};
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, number, 16);
  if (error != std::errc{} || stop != end || hex(prefix, number) != name) return {};
  return number;
}

constexpr std::string_view kSegmentPrefix = "log-";
constexpr std::string_view kSnapshotPrefix = "snapshot-";

}  // namespace

std::array<char, kSegmentHeaderBytes> encode(const SegmentHeader& header) {
  HeaderBytes bytes = begin_header(kSegmentMagic);
  put(&bytes[12], header.shard);
  put(&bytes[16], header.number);
  put(&bytes[20], header.start);
  put(&bytes[24], header.first);
  put(&bytes[32], header.synced);
  put(&bytes[40], base::nanoseconds(header.instant));
  put(&bytes[48], header.salt);
  seal_header(bytes);
  return bytes;
}

DecodedHeader decode_segment_header(std::string_view bytes) {
  DecodedHeader out;
  out.fault = judge(bytes, kSegmentMagic);
  if (out.fault == HeaderFault::kNewer) out.version = get<uint32_t>(bytes, kVersionAt);
  if (out.fault != HeaderFault::kNone) return out;
  out.header = {.shard = get<uint32_t>(bytes, 12),
                .number = get<uint32_t>(bytes, 16),
                .start = get<uint32_t>(bytes, 20),
                .first = get<Sequence>(bytes, 24),
                .synced = get<Sequence>(bytes, 32),
                .instant = base::time_from(get<int64_t>(bytes, 40)),
                .salt = get<uint64_t>(bytes, 48)};
  return out;
}

std::array<char, kSegmentHeaderBytes> encode(const SnapshotHeader& header) {
  HeaderBytes bytes = begin_header(kSnapshotMagic);
  put(&bytes[12], header.shard);
  put(&bytes[16], header.from);
  put(&bytes[24], header.records);
  seal_header(bytes);
  return bytes;
}

DecodedSnapshotHeader decode_snapshot_header(std::string_view bytes) {
  DecodedSnapshotHeader out;
  out.fault = judge(bytes, kSnapshotMagic);
  if (out.fault == HeaderFault::kNewer) out.version = get<uint32_t>(bytes, kVersionAt);
  if (out.fault != HeaderFault::kNone) return out;
  out.header = {.shard = get<uint32_t>(bytes, 12),
                .from = get<Sequence>(bytes, 16),
                .records = get<uint64_t>(bytes, 24)};
  return out;
}

RecordHeader decode_record_header(std::string_view bytes) {
  return {.checksum = get<uint64_t>(bytes, 0),
          .length = get<uint32_t>(bytes, 8),
          .kind = get<Kind>(bytes, 12),
          .sequence = get<Sequence>(bytes, 16)};
}

uint64_t checksum_of(std::string_view record, uint64_t seed) {
  return hash(record.substr(8), seed);
}

void seal(std::string& bytes, size_t at, Kind kind, uint32_t length, Sequence sequence,
          uint64_t seed) {
  char* const record = bytes.data() + at;
  put(record + 8, length);
  put(record + 12, uint32_t{kind});
  put(record + 16, sequence);
  put(record, checksum_of({record, bytes.size() - at}, seed));
}

void append_record(std::string& bytes, Kind kind, std::string_view body, Sequence sequence,
                   uint64_t seed) {
  const size_t at = bytes.size();
  bytes.append(kRecordHeaderBytes, '\0').append(body);
  bytes.resize(at + record_bytes(body.size()));
  seal(bytes, at, kind, static_cast<uint32_t>(body.size()), sequence, seed);
}

std::array<char, kMarkBodyBytes> encode(const Mark& mark) {
  std::array<char, kMarkBodyBytes> bytes;
  put(&bytes[0], mark.synced);
  put(&bytes[8], base::nanoseconds(mark.instant));
  return bytes;
}

Mark decode_mark(std::string_view body) {
  return {get<Sequence>(body, 0), base::time_from(get<int64_t>(body, 8))};
}

std::string segment_name(uint32_t number) { return hex(kSegmentPrefix, number); }
std::string snapshot_name(Sequence from) { return hex(kSnapshotPrefix, from); }
std::optional<uint32_t> segment_number(const std::string& name) {
  return parse_hex<uint32_t>(name, kSegmentPrefix);
}
std::optional<Sequence> snapshot_sequence(const std::string& name) {
  return parse_hex<Sequence>(name, kSnapshotPrefix);
}

base::Error corrupt(const std::string& file, uint64_t offset, const std::string& why) {
  return {base::Code::kIo, file + ": offset " + std::to_string(offset) + ": " + why, {}};
}

base::Error newer(const std::string& file, uint32_t version) {
  return {base::Code::kIo,
          file + ": offset 8: format version " + std::to_string(version) +
              " is newer than this program's " + std::to_string(kFormatVersion),
          {}};
}

}  // namespace wal
