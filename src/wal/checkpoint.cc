// Snapshots: written under another name, synced, renamed.
#include <algorithm>

#include "wal/scan.h"

namespace wal {
namespace {

base::Status remove_snapshots(base::Disk& disk, const std::string& dir, Sequence below) {
  const auto names = disk.list(dir);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const auto from = snapshot_sequence(name);
    if (!from || *from >= below) continue;
    if (auto removed = disk.remove(dir + "/" + name); !removed) return removed;
  }
  return {};
}

class FileCheckpointWriter final : public CheckpointWriter {
 public:
  FileCheckpointWriter(base::Disk& disk, std::string dir, uint32_t shard,
                       std::unique_ptr<base::File> file)
      : disk_(disk), dir_(std::move(dir)), file_(std::move(file)) {
    header_.shard = shard;
  }
  ~FileCheckpointWriter() override {
    file_.reset();
    // Left behind it is no harm: nothing reads it, and the next one replaces it.
    if (!finished_) (void)disk_.remove(temporary());
  }

  base::Status append(Kind kind, std::string_view body) override {
    if (!status_) return status_;
    append_record(bytes_, kind, body, ++header_.records, kSnapshotSeed);
    return {};
  }

  base::Status flush() override {
    if (status_ && !bytes_.empty()) status_ = file_->write(offset_, bytes_);
    offset_ += bytes_.size();
    bytes_.clear();
    return status_;
  }

  base::Status finish(Sequence from) override {
    header_.from = from;
    if (auto flushed = flush(); !flushed) return flushed;
    status_ = publish();
    if (status_) status_ = remove_snapshots(disk_, dir_, from);
    return status_;
  }

 private:
  std::string temporary() const { return dir_ + "/" + kSnapshotTemporary; }

  base::Status publish() {
    const auto bytes = encode(header_);
    if (auto written = file_->write(0, {bytes.data(), bytes.size()}); !written) return written;
    if (auto synced = file_->sync(); !synced) return synced;
    const std::string name = dir_ + "/" + snapshot_name(header_.from);
    if (auto renamed = disk_.rename(temporary(), name); !renamed) return renamed;
    finished_ = true;
    return disk_.sync_dir(dir_);
  }

  base::Disk& disk_;
  std::string dir_;
  std::unique_ptr<base::File> file_;
  SnapshotHeader header_;
  uint64_t offset_ = kSegmentHeaderBytes;
  std::string bytes_;
  base::Status status_;
  bool finished_ = false;
};

base::Result<SnapshotHeader> read_header(const base::File& file, const std::string& path,
                                         uint32_t shard, Sequence from) {
  std::array<char, kSegmentHeaderBytes> bytes;
  const auto got = file.read(0, bytes);
  if (!got) return got.error();
  const DecodedSnapshotHeader decoded = decode_snapshot_header({bytes.data(), *got});
  if (decoded.fault == HeaderFault::kNewer) return newer(path, decoded.version);
  if (decoded.fault != HeaderFault::kNone || decoded.header.from != from)
    return corrupt(path, 0, "the snapshot's header is destroyed");
  if (decoded.header.shard != shard) {
    return corrupt(path, 12,
                   "belongs to shard " + std::to_string(decoded.header.shard) + ", not " +
                       std::to_string(shard));
  }
  return decoded.header;
}

base::Status read_records(const base::File& file, const std::string& path, uint64_t count,
                          const std::function<base::Status(Kind, std::string_view)>& each) {
  SegmentCursor cursor(file, kSnapshotSeed, 0);
  while (cursor.last() < count) {
    const auto found = cursor.next();
    if (!found) return found.error();
    if (*found != Found::kRecord) return corrupt(path, cursor.offset(), "the snapshot is corrupt");
    if (auto taken = each(cursor.kind(), cursor.body()); !taken) {
      return base::Error{taken.error().code, corrupt(path, cursor.at(), taken.error().what).what,
                         taken.error().field};
    }
  }
  return {};
}

}  // namespace

base::Result<std::unique_ptr<CheckpointWriter>> CheckpointWriter::create(base::Disk& disk,
                                                                         const std::string& dir,
                                                                         uint32_t shard) {
  const std::string path = dir + "/" + kSnapshotTemporary;
  if (auto removed = disk.remove(path); !removed && removed.error().code != base::Code::kNotFound)
    return removed.error();
  auto file = disk.create(path);
  if (!file) return file.error();
  return std::make_unique<FileCheckpointWriter>(disk, dir, shard, std::move(*file));
}

base::Result<std::optional<Checkpoint>> read_checkpoint(
    base::Disk& disk, const std::string& dir, uint32_t shard,
    const std::function<base::Status(Kind kind, std::string_view body)>& each) {
  const auto names = disk.list(dir);
  if (!names && names.error().code == base::Code::kNotFound) return std::nullopt;
  if (!names) return names.error();
  Sequence from = 0;
  for (const std::string& name : *names) from = std::max(from, snapshot_sequence(name).value_or(0));
  if (from == 0) return std::nullopt;
  const std::string path = dir + "/" + snapshot_name(from);
  auto file = disk.open(path);
  if (!file) return file.error();
  const auto header = read_header(**file, path, shard, from);
  if (!header) return header.error();
  if (auto read = read_records(**file, path, header->records, each); !read) return read.error();
  return Checkpoint{from};
}

base::Result<std::string> read_record(base::Disk& disk, const std::string& dir, Position position) {
  const std::string path = dir + "/" + segment_name(position.segment);
  auto file = disk.open(path);
  if (!file) return file.error();
  Window window(**file);
  const auto head = window.at(0, kSegmentHeaderBytes);
  if (!head) return head.error();
  const DecodedHeader decoded = decode_segment_header(*head);
  if (decoded.fault != HeaderFault::kNone)
    return corrupt(path, 0, "the segment's header is destroyed");
  const auto begin = window.at(position.offset, kRecordHeaderBytes);
  if (!begin) return begin.error();
  if (begin->size() < kRecordHeaderBytes)
    return corrupt(path, position.offset, "behind the end of the segment");
  const RecordHeader header = decode_record_header(*begin);
  if (!is_owners(header.kind) || header.length > kBodyBytesMax)
    return corrupt(path, position.offset, "no record stands here");
  const auto record = window.at(position.offset, record_bytes(header.length));
  if (!record) return record.error();
  const uint64_t seed = seed_of(decoded.header.salt, position.segment);
  if (record->size() < record_bytes(header.length) || checksum_of(*record, seed) != header.checksum)
    return corrupt(path, position.offset, "the record is corrupt");
  return std::string(record->substr(kRecordHeaderBytes, header.length));
}

}  // namespace wal
