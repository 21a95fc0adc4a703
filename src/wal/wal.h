// The door of the room: a segmented log that turns appends into durable prefixes.
//
//   Log (the shard's thread)                    Writer (the log's thread)
//   append() ──► bytes of the next batch
//   take()   ──────────── Batch ──────────────► run(): create, write, read, remove, one sync
//   give_back() ◄──────── Batch ───────────────  status; what it read; how much room there is
//
// Format: docs/formats/log.md. Group commit is the owner's: append many, take() one batch, answer
// everyone whose sequence is <= durable() when it is back. At most one batch is out at a time.
// A batch that failed ends the log: everything after it is refused with the first error (P11).
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "base/result.h"
#include "base/time.h"

namespace wal {

using Sequence = uint64_t;  // 1 for the first record ever appended; 0: none.

// Of a record's first byte. {0, 0}: nowhere (segments count from 1).
struct Position {
  uint32_t segment = 0;
  uint32_t offset = 0;
  friend constexpr auto operator<=>(const Position&, const Position&) = default;
};

// A record's kind is its owner's business, but for 0, 254 and 255, which are the log's own.
using Kind = uint8_t;

struct Record {
  Sequence sequence = 0;
  Position position;
  Kind kind = 0;
  std::string_view body;  // Valid during the call.
};

inline constexpr size_t kRecordHeaderBytes = 24;
inline constexpr size_t kBodyBytesMax = size_t{4} << 20;
inline constexpr size_t kMarkBytes = 40;  // Each batch with records costs one beside its records.
constexpr size_t record_bytes(size_t body) {  // On disk, padding included.
  return (kRecordHeaderBytes + body + 7) & ~size_t{7};
}

struct Options {
  uint32_t shard = 0;                           // Stored in every segment; must match.
  uint32_t segment_bytes = uint32_t{64} << 20;  // Of new segments. 64 KiB … 1 GiB, and room for
                                                // the largest record.
  uint64_t salt = 0;  // Of a new directory: a number nobody can guess, so that no body can pose as
                      // a record. A directory that is there keeps its own.
};

// What a batch reads for its owner, after it has written.
struct Read {
  Position position;
  std::string body;     // Out: the record's body, its checksum and sequence verified.
  Kind kind = 0;        // Out.
  base::Status status;  // Out. kIo "FILE: offset N: …": corrupt or unreadable.
  uint64_t tag = 0;     // The owner's.
};

// One trip of the writer. Plain values but for files; made by Log::take(), run by Writer::run().
struct Batch {
  std::string bytes;  // Of all records, in order.
  struct Piece {      // Where parts of `bytes` go.
    uint32_t segment;
    uint32_t offset;
    size_t begin, end;
  };
  std::vector<Piece> pieces;
  Sequence last = 0;               // Of its records; 0: it has none.
  bool sync = false;               // Some record needs it.
  uint32_t spares_wanted = 0;      // Segments to keep preallocated behind the last one in use.
  std::vector<uint32_t> removals;  // Segments that are not needed any more.
  std::vector<Read> reads;
  // Out:
  base::Status status;         // Of creating, writing and syncing.
  uint32_t last_spare = 0;     // The highest segment that exists.
  bool disk_full = false;      // Fewer spares than wanted, because the disk is full.
  base::Duration sync_took{};  // Of the sync alone, by `clock` if there is one.
};

// A segment as its owner may reckon with it.
struct SegmentFacts {
  uint32_t number = 0;
  uint32_t bytes = 0;  // Of records; preallocated room aside.
  Sequence first = 0;  // Of its records; those of all before it are lower.
};

class Writer;

class Log {
 public:
  struct Opened {
    std::unique_ptr<Log> log;
    uint32_t start = 1;         // Counts openings of this directory; never the same again.
    base::Time last_instant{};  // See stamp().
    uint64_t torn_bytes = 0;    // Cut from the tail: never answered.
  };

  // Replays every record from `from` on, in order (Sequence 1: all), cuts a torn tail, begins a new
  // segment. Segments before the one that holds `from` are only listed. Creates `dir` if it is not
  // there. Errors: kIo "FILE: offset N: …" where what was synced is corrupt or missing, where the
  // format is unknown ("written by a newer version"), or the shard is another.
  // An error of `replay` ends it and is returned with file and offset put before it.
  static base::Result<Opened> open(base::Disk& disk, const std::string& dir, Options options,
                                   Sequence from,
                                   const std::function<base::Status(const Record&)>& replay);
  ~Log();

  // Appends one record whose body is the parts, one behind the other. The returned position and
  // sequence hold at once; durable is another matter. kReadOnly: has_room() is false. kIo:
  // failed().
  struct Appended {
    Sequence sequence;
    Position position;
  };
  base::Result<Appended> append(Kind kind, std::initializer_list<std::string_view> parts,
                                bool needs_sync);

  // Is there preallocated room for so many bytes of records, `reserved` bytes aside? Whoever gets
  // false gives way: full() says whether to wait for the batch that is out (false: a spare is being
  // made) or to refuse (true: the disk is full). What is reserved counts record_bytes() +
  // kMarkBytes for each record that may be a batch of its own, and holds for records of 1 KiB at
  // most.
  bool has_room(size_t bytes, uint64_t reserved = 0) const;
  bool full() const;
  // So many bytes should be preallocated: when they are, has_room(a, b) holds for a + b <= bytes.
  // While the disk is full each call lets the next batch try again.
  void want_room(uint64_t bytes);
  uint64_t room() const;  // Preallocated and not appended to.

  void read(Position position, uint64_t tag);  // With the next batch; its answer is in give_back().
  void remove(uint32_t segment);  // With the next batch. REQUIRES: not the current one.

  // An instant that comes back as last_instant of the next opening if a record behind it does.
  void stamp(base::Time now);

  bool idle() const;  // Nothing to take. After a batch came back with records, a mark still is.
  // REQUIRES: none is out. Begins with a mark: how far the log is known to be synced.
  Batch take();
  void give_back(Batch& batch);  // After its run(). Takes its buffers, but for the reads.

  // The end of a clean stop: what is preallocated is given back, so that the next opening need not
  // look through it. REQUIRES: idle, and no batch is out; nothing is called after it.
  void close();

  Sequence appended() const;
  Sequence written() const;                           // As far as the operating system has it.
  Sequence durable() const;                           // As far as it is synced.
  const base::Status& status() const;                 // The first error; ok while the log lives.
  const std::vector<SegmentFacts>& segments() const;  // In order; the last is the current one.
  uint64_t bytes() const;                             // Of all segments on disk.

  Writer& writer();  // Outlived by the log.

 private:
  struct State;
  explicit Log(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Thread: one at a time, not the log's owner's (or the owner's, between take() and give_back()).
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void run(Batch& batch) = 0;  // Never throws; status tells.
  // After write, before sync: everything of the batch is with the operating system. For owners that
  // promise no more than that; may be null.
  std::function<void(const Batch&)> on_written;
  std::function<base::Time()> clock;  // For sync_took; may be null.
};

// A file of records that is written in slices and is there whole or not at all: a snapshot.
// Thread: one at a time.
class CheckpointWriter {
 public:
  static base::Result<std::unique_ptr<CheckpointWriter>> create(base::Disk& disk,
                                                                const std::string& dir,
                                                                uint32_t shard);
  virtual ~CheckpointWriter() = default;                              // Unfinished: removed.
  virtual base::Status append(Kind kind, std::string_view body) = 0;  // Buffered.
  virtual base::Status flush() = 0;  // Writes what is buffered. For slices.
  // Syncs, renames to "snapshot-<from>", syncs the directory, removes older ones. `from`: the first
  // sequence that must be replayed on top of it. REQUIRES: all before it is durable.
  virtual base::Status finish(Sequence from) = 0;
};

// The newest snapshot of `dir`; nothing if there is none. Corruption: kIo with file and offset.
struct Checkpoint {
  Sequence from = 1;
};
base::Result<std::optional<Checkpoint>> read_checkpoint(
    base::Disk& disk, const std::string& dir, uint32_t shard,
    const std::function<base::Status(Kind kind, std::string_view body)>& each);

// Reads one record of a log that is not open (for inspect and tests).
base::Result<std::string> read_record(base::Disk& disk, const std::string& dir, Position position);

}  // namespace wal
