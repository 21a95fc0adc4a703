// Reading segments from front to back, and looking on behind what is bad.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "wal/format.h"

namespace wal {

// A file through a window that moves forward: one read a MiB.
class Window {
 public:
  explicit Window(const base::File& file) : file_(file) {}
  // Fewer than asked for only at the end of the file. Valid until the next call.
  base::Result<std::string_view> at(uint64_t offset, size_t bytes);

 private:
  const base::File& file_;
  std::optional<uint64_t> size_;  // Of the file, which does not change meanwhile.
  std::string buffer_;
  uint64_t begin_ = 0;
};

// What stands at a place of a segment.
enum class Found : uint8_t {
  kRecord,
  kMark,
  kGap,  // `sequence` is the last one that a repair took out.
  kEnd,  // Zeros, or the end of the file.
  kBad,
};

class SegmentCursor {
 public:
  // `last`: the sequence before the segment's first.
  SegmentCursor(const base::File& file, uint64_t seed, Sequence last)
      : window_(file), seed_(seed), last_(last) {}

  // Moves over what stands next and says what it was; stays where it is at kEnd and kBad.
  base::Result<Found> next();

  // Of what next() moved over. The body is valid until the next next().
  Kind kind() const { return kind_; }
  std::string_view body() const { return body_; }
  uint32_t at() const { return at_; }

  // Goes on at another place, where `last` is the sequence before.
  void resume(uint32_t offset, Sequence last) {
    offset_ = offset;
    last_ = last;
  }

  uint32_t offset() const { return offset_; }  // Where next() looks.
  Sequence last() const { return last_; }

 private:
  base::Result<Found> judge(const RecordHeader& header);
  bool in_order(const RecordHeader& header) const;

  Window window_;
  uint64_t seed_;
  Sequence last_;
  uint32_t at_ = 0;
  uint32_t offset_ = kSegmentHeaderBytes;
  Kind kind_ = 0;
  std::string_view body_;
};

// What a segment holds from an offset on, record boundaries unknown.
struct Beyond {
  Sequence synced = 0;    // The highest that a valid mark names.
  uint64_t data_end = 0;  // Behind the last byte that is not zero; 0: all are.
};
base::Result<Beyond> look_beyond(const base::File& file, uint64_t seed, uint32_t offset);

// The first place from `offset` on where a valid record, mark or gap stands whose sequence is at
// least `least`.
struct Survivor {
  uint32_t offset;
  RecordHeader header;
};
base::Result<std::optional<Survivor>> find_survivor(const base::File& file, uint64_t seed,
                                                    uint32_t offset, Sequence least);

// The segments of a directory and what their headers say.
struct Listed {
  uint32_t number = 0;
  std::string path;
  uint64_t size = 0;
  DecodedHeader decoded;  // kBad too if it names another segment.
  bool readable() const { return decoded.fault == HeaderFault::kNone; }
  const SegmentHeader& header() const { return decoded.header; }
};
struct Listing {
  std::vector<Listed> segments;  // In order.
  std::vector<Sequence> snapshots;
  bool temporary = false;  // A snapshot that was not finished.
  // Of the readable headers:
  bool any_readable = false;
  uint64_t salt = 0;
  uint32_t start = 0;    // The highest.
  base::Time instant{};  // The highest.
};
base::Result<Listing> list_segments(base::Disk& disk, const std::string& dir);

}  // namespace wal
