// What is in the directory of a log that is not open, what is wrong with it, and taking that out.
// Thread: one at a time. REQUIRES: no Log has the directory open.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "wal/format.h"

namespace wal {

struct SegmentReport {
  uint32_t number = 0;
  std::string path;
  uint64_t size = 0;     // Of the file.
  bool spare = false;    // Not used yet; the rest is not set.
  SegmentHeader header;  // Of a destroyed one: as a repair would write it.
  Sequence last = 0;     // Of its records; below `first`: it has none.
  uint64_t records = 0, marks = 0, gaps = 0;
  uint32_t data_end = 0;  // Behind the last record, mark or gap.
};

// A place where something that was synced is not what it should be. An opening refuses it.
struct Damage {
  enum class What : uint8_t {
    kBytes,     // [begin, end) is no record; a repair puts a gap there.
    kHeader,    // The segment's header; a repair writes it anew.
    kMissing,   // Whole segments behind this place; a repair puts a gap there.
    kSnapshot,  // A repair puts the snapshot aside, if the log is whole from its first record on.
    kOther,     // Nothing that a repair can do: `why`.
  } what = What::kOther;
  std::string path;
  uint32_t segment = 0;
  uint64_t begin = 0, end = 0;
  Sequence first_lost = 0, last_lost = 0;  // None if first > last.
  std::string why;
  // A gap is a record: less room than its header takes holds none.
  bool repairable() const {
    return what != What::kOther && (what != What::kBytes || end >= begin + kRecordHeaderBytes);
  }
};
std::string to_string(const Damage& damage);  // One line, for people.

struct Inspection {
  std::vector<SegmentReport> segments;
  std::array<uint64_t, 256> kinds{};  // Records by kind.
  std::optional<Checkpoint> snapshot;
  uint64_t snapshot_records = 0;
  Sequence synced = 0;  // The highest that is known to have been synced.
  base::Time instant{};
  std::optional<Position> torn;  // Where the next opening cuts. No damage.
  std::vector<Damage> damages;
};

// Reads everything and changes nothing. An error: the disk's.
base::Result<Inspection> inspect(base::Disk& disk, const std::string& dir);

// Copies every damaged file to DIR/quarantine, then takes out what inspect() found. Every valid
// record stays where it is. Refuses (kInvalid), before it changes anything, if one of the damages
// is not repairable. Durable when it returns.
base::Status repair(base::Disk& disk, const std::string& dir, const Inspection& found);

}  // namespace wal
