#include "wal/segment_writer.h"

#include <algorithm>

namespace wal {
namespace {

constexpr size_t kFilesMax = 256;
constexpr size_t kBlockBytes = size_t{64} << 10;  // A read that goes on where the last one ended.
constexpr size_t kFirstBytes = size_t{4} << 10;   // One that does not.

}  // namespace

void SegmentFiles::close_the_oldest() {
  auto oldest = open_.end();
  for (auto i = open_.begin(); i != open_.end(); ++i) {
    if (dirty.contains(i->first)) continue;
    if (oldest == open_.end() || i->second.used < oldest->second.used) oldest = i;
  }
  if (oldest != open_.end()) open_.erase(oldest);
}

base::Result<base::File*> SegmentFiles::get(uint32_t number) {
  auto found = open_.find(number);
  if (found == open_.end()) {
    if (open_.size() >= kFilesMax) close_the_oldest();
    auto file = disk_.open(path(number));
    if (!file) return file.error();
    found = open_.emplace(number, Entry{std::move(*file)}).first;
  }
  found->second.used = ++uses_;
  return found->second.file.get();
}

base::Status SegmentFiles::remove(uint32_t number) {
  open_.erase(number);
  dirty.erase(number);
  return disk_.remove(path(number));
}

base::Status SegmentFiles::create(uint32_t number, uint32_t bytes) {
  auto file = disk_.create(path(number));
  if (!file) return file.error();
  if (auto reserved = (*file)->reserve(bytes); !reserved) {
    if (auto removed = disk_.remove(path(number)); !removed) return removed;
    return reserved;
  }
  if (open_.size() >= kFilesMax) close_the_oldest();
  open_.emplace(number, Entry{std::move(*file), ++uses_});
  return {};
}

void RecordReader::forget(uint32_t segment) {
  if (block_at_.segment == segment) block_.clear();
}

// Fewer than asked for only at the end of the file.
base::Result<std::string_view> RecordReader::at(Position position, size_t bytes) {
  const size_t block_end = block_at_.offset + block_.size();
  const bool same = position.segment == block_at_.segment && !block_.empty();
  const bool inside =
      same && position.offset >= block_at_.offset && position.offset + bytes <= block_end;
  if (!inside) {
    const bool goes_on =
        same && position.offset >= block_at_.offset && position.offset <= block_end + kFirstBytes;
    auto file = files_.get(position.segment);
    if (!file) return file.error();
    block_.resize(std::max(bytes, goes_on ? kBlockBytes : kFirstBytes));
    const auto got = (*file)->read(position.offset, block_);
    block_.resize(got ? *got : 0);
    block_at_ = position;
    if (!got) return got.error();
  }
  return std::string_view(block_).substr(position.offset - block_at_.offset, bytes);
}

void RecordReader::read(Read& read) {
  const auto bad = [&](const char* why) {
    read.status = corrupt(files_.path(read.position.segment), read.position.offset, why);
  };
  const auto head = at(read.position, kRecordHeaderBytes);
  if (!head) {
    read.status = head.error();
    return;
  }
  if (head->size() < kRecordHeaderBytes) return bad("behind the end of the segment");
  const RecordHeader header = decode_record_header(*head);
  if (!is_owners(header.kind) || header.length > kBodyBytesMax || header.sequence == 0)
    return bad("no record stands here");
  const auto record = at(read.position, record_bytes(header.length));
  if (!record) {
    read.status = record.error();
    return;
  }
  if (record->size() < record_bytes(header.length)) return bad("the record is cut off");
  if (checksum_of(*record, seed_of(salt_, read.position.segment)) != header.checksum)
    return bad("the record's checksum is wrong");
  read.body.assign(record->substr(kRecordHeaderBytes, header.length));
  read.kind = header.kind;
  read.status = {};
}

SegmentWriter::SegmentWriter(base::Disk& disk, std::string dir, Setup setup)
    : files_(disk, std::move(dir)),
      reader_(files_, setup.salt),
      segment_bytes_(setup.segment_bytes),
      last_used_(setup.current),
      last_spare_(setup.current) {}

void SegmentWriter::run(Batch& batch) {
  batch.disk_full = false;
  batch.sync_took = {};
  if (status_) status_ = write_and_sync(batch);
  batch.status = status_;
  batch.last_spare = last_spare_;
  for (Read& read : batch.reads) reader_.read(read);
  if (status_) status_ = remove(batch);
  if (status_) status_ = make_spares(batch);
  batch.status = status_;
  batch.last_spare = last_spare_;
}

base::Status SegmentWriter::write_and_sync(Batch& batch) {
  if (auto written = write(batch); !written) return written;
  if (on_written) on_written(batch);
  return batch.sync ? sync(batch) : base::Status{};
}

base::Status SegmentWriter::write(const Batch& batch) {
  for (const Batch::Piece& piece : batch.pieces) {
    auto file = files_.get(piece.segment);
    if (!file) return file.error();
    reader_.forget(piece.segment);
    files_.dirty.insert(piece.segment);
    const auto bytes = std::string_view(batch.bytes).substr(piece.begin, piece.end - piece.begin);
    if (auto written = (*file)->write(piece.offset, bytes); !written) return written;
    last_used_ = std::max(last_used_, piece.segment);
  }
  return {};
}

base::Status SegmentWriter::sync(Batch& batch) {
  const base::Time before = clock ? clock() : base::Time{};
  while (!files_.dirty.empty()) {
    auto file = files_.get(*files_.dirty.begin());
    if (!file) return file.error();
    if (auto synced = (*file)->sync(); !synced) return synced;
    files_.dirty.erase(files_.dirty.begin());
  }
  if (clock) batch.sync_took = clock() - before;
  return {};
}

base::Status SegmentWriter::remove(const Batch& batch) {
  for (const uint32_t number : batch.removals) {
    reader_.forget(number);
    if (auto removed = files_.remove(number); !removed) return removed;
  }
  return {};
}

// The directory is synced before the owner hears of a spare: what it writes there will be found.
base::Status SegmentWriter::make_spares(Batch& batch) {
  const uint32_t before = last_spare_;
  while (last_spare_ - last_used_ < batch.spares_wanted) {
    const auto created = files_.create(last_spare_ + 1, segment_bytes_);
    if (!created && created.error().code == base::Code::kReadOnly) {
      batch.disk_full = true;
      break;
    }
    if (!created) return created;
    ++last_spare_;
  }
  return last_spare_ == before ? base::Status{} : files_.sync_dir();
}

void SegmentWriter::close(uint32_t current, uint32_t end) {
  if (!status_) return;
  const base::Result<base::File*> file = files_.get(current);
  if (!file || !(*file)->truncate(end) || !(*file)->sync()) return;
  while (last_spare_ > current && files_.remove(last_spare_)) --last_spare_;
  (void)files_.sync_dir();
}

}  // namespace wal
