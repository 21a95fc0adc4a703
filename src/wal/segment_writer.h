// The half of the log that touches files: runs batches, on whatever thread its owner has for it.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/disk.h"
#include "wal/format.h"

namespace wal {

// The files of a log's segments, the most recently used of them open.
class SegmentFiles {
 public:
  SegmentFiles(base::Disk& disk, std::string dir) : disk_(disk), dir_(std::move(dir)) {}

  std::string path(uint32_t number) const { return dir_ + "/" + segment_name(number); }
  base::Result<base::File*> get(uint32_t number);  // Valid until the next get() or remove().
  base::Status remove(uint32_t number);
  // A new one with `bytes` preallocated; nothing is left of it where that fails.
  base::Status create(uint32_t number, uint32_t bytes);
  base::Status sync_dir() { return disk_.sync_dir(dir_); }

  // Written and not synced: kept open, because only the descriptor that wrote is told of errors.
  std::set<uint32_t> dirty;

 private:
  struct Entry {
    std::unique_ptr<base::File> file;
    uint64_t used = 0;
  };
  void close_the_oldest();

  base::Disk& disk_;
  std::string dir_;
  std::map<uint32_t, Entry> open_;
  uint64_t uses_ = 0;
};

// Reads records, most often one behind the other.
class RecordReader {
 public:
  RecordReader(SegmentFiles& files, uint64_t salt) : files_(files), salt_(salt) {}
  void read(Read& read);
  void forget(uint32_t segment);  // Its bytes have changed.

 private:
  base::Result<std::string_view> at(Position position, size_t bytes);

  SegmentFiles& files_;
  uint64_t salt_;
  std::string block_;
  Position block_at_;
};

class SegmentWriter final : public Writer {
 public:
  struct Setup {
    uint32_t current = 0;  // The segment that is written next, and the last that exists.
    uint32_t segment_bytes = 0;
    uint64_t salt = 0;
  };
  SegmentWriter(base::Disk& disk, std::string dir, Setup setup);
  void run(Batch& batch) override;
  // Gives back what is preallocated behind `end` of the segment that is written. Best effort: what
  // fails is cut at the next opening.
  void close(uint32_t current, uint32_t end);

 private:
  base::Status write_and_sync(Batch& batch);
  base::Status write(const Batch& batch);
  base::Status sync(Batch& batch);
  base::Status remove(const Batch& batch);
  base::Status make_spares(Batch& batch);

  SegmentFiles files_;
  RecordReader reader_;
  uint32_t segment_bytes_;
  uint32_t last_used_;
  uint32_t last_spare_;
  base::Status status_;  // The first error: after it nothing is written any more.
};

}  // namespace wal
