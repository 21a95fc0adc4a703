// What an opening finds: replays, judges the tail, cuts it, begins a new segment.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "wal/scan.h"

namespace wal {

// Where the valid prefix of a directory ends, and what is behind it.
struct Tail {
  size_t segment = 0;   // An index into the listing; its size if nothing is there to be read.
  uint32_t offset = 0;  // Behind the last valid byte.
  Sequence last = 0;    // The last valid record.
  uint64_t torn_bytes = 0;
};

// The walk over all records from `from` on. Changes nothing on the disk.
class Walk {
 public:
  using Replay = std::function<base::Status(const Record&)>;
  Walk(base::Disk& disk, const Listing& listing, Sequence from, const Replay& replay)
      : disk_(disk), listing_(listing), from_(from), replay_(replay) {}

  // Errors: kIo "FILE: offset N: …" where something that was synced is corrupt or missing.
  base::Result<Tail> run();

  const std::vector<SegmentFacts>& facts() const { return facts_; }
  base::Time instant() const { return instant_; }  // The highest that was stamped.
  Sequence synced() const { return synced_; }      // The highest that a mark named.

 private:
  base::Result<size_t> find_first() const;
  base::Result<bool> is_spare(const Listed& segment) const;
  base::Result<Tail> no_header_is_readable() const;
  base::Status scan(size_t index);
  base::Status take(uint32_t segment, const SegmentCursor& cursor, Found found);
  base::Result<Tail> judge_tail(size_t index);
  base::Result<Beyond> look_behind(size_t index, uint64_t& torn_bytes) const;
  base::Error refuse(size_t index) const;

  base::Disk& disk_;
  const Listing& listing_;
  Sequence from_;
  const Replay& replay_;
  std::vector<SegmentFacts> facts_;
  base::Time instant_{};
  Sequence synced_ = 0;
  // Where the scan stands:
  Sequence last_ = 0;
  uint32_t offset_ = 0;
  bool bad_ = false;  // What stands there is neither a record nor the end.
};

// Headers that no opening may pass over, whatever else is there: a newer format, another shard.
base::Status check_headers(const Listing& listing, uint32_t shard);

// Cuts what is behind the tail, syncs what may not be, and begins the segment that is written next.
struct Begun {
  SegmentHeader header;
  uint32_t bytes = 0;  // Preallocated. Fewer than asked for if the disk is almost full.
};
base::Result<Begun> cut_and_begin(base::Disk& disk, const std::string& dir, const Options& options,
                                  const Listing& listing, const Walk& walk, const Tail& tail);

}  // namespace wal
