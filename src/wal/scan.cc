#include "wal/scan.h"

#include <algorithm>
#include <cstring>

namespace wal {
namespace {

constexpr size_t kWindowBytes = size_t{1} << 20;

// The length a record of this kind may have at this place.
bool plausible(const RecordHeader& header) {
  if (header.kind == kMarkKind) return header.length == kMarkBodyBytes;
  if (header.kind == kGapKind) return header.length < kSegmentBytesMax;
  return header.kind != kEndKind && header.length <= kBodyBytesMax;
}

bool is_zeros(std::string_view bytes) { return bytes.find_first_not_of('\0') == bytes.npos; }

// Moves over whole blocks of zeros: most of a preallocated segment may be that.
base::Status skip_zeros(Window& window, uint64_t& at) {
  static constexpr std::array<char, 4096> kZeros{};
  while (at % kZeros.size() == 0) {
    const auto block = window.at(at, kZeros.size());
    if (!block) return block.error();
    const bool zeros = block->size() == kZeros.size() &&
                       std::memcmp(block->data(), kZeros.data(), kZeros.size()) == 0;
    if (!zeros) return {};
    at += kZeros.size();
  }
  return {};
}

// The whole valid record at `offset`, or nothing.
base::Result<std::optional<RecordHeader>> valid_at(Window& window, uint64_t offset, uint64_t seed) {
  auto head = window.at(offset, kRecordHeaderBytes);
  if (!head) return head.error();
  if (head->size() < kRecordHeaderBytes) return std::nullopt;
  const RecordHeader header = decode_record_header(*head);
  if (!plausible(header)) return std::nullopt;
  auto record = window.at(offset, record_bytes(header.length));
  if (!record) return record.error();
  if (record->size() < record_bytes(header.length)) return std::nullopt;
  if (checksum_of(*record, seed) != header.checksum) return std::nullopt;
  return header;
}

base::Result<Listed> look_at(base::Disk& disk, const std::string& dir, uint32_t number) {
  Listed out{.number = number, .path = dir + "/" + segment_name(number), .size = 0, .decoded = {}};
  auto file = disk.open(out.path);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  out.size = *size;
  std::array<char, kSegmentHeaderBytes> bytes;
  const auto got = (*file)->read(0, bytes);
  if (!got) return got.error();
  out.decoded = decode_segment_header({bytes.data(), *got});
  if (out.readable() && out.header().number != number) out.decoded.fault = HeaderFault::kBad;
  return out;
}

void note_header(Listing& listing, const SegmentHeader& header) {
  listing.any_readable = true;
  listing.salt = header.salt;
  listing.start = std::max(listing.start, header.start);
  listing.instant = std::max(listing.instant, header.instant);
}

}  // namespace

base::Result<std::string_view> Window::at(uint64_t offset, size_t bytes) {
  if (!size_) {
    const auto size = file_.size();
    if (!size) return size.error();
    size_ = *size;
  }
  if (offset >= *size_) return std::string_view();
  bytes = static_cast<size_t>(std::min<uint64_t>(bytes, *size_ - offset));
  if (offset < begin_ || offset + bytes > begin_ + buffer_.size()) {
    buffer_.resize(
        static_cast<size_t>(std::min<uint64_t>(std::max(bytes, kWindowBytes), *size_ - offset)));
    const auto got = file_.read(offset, buffer_);
    if (!got) return got.error();
    buffer_.resize(*got);
    begin_ = offset;
  }
  return std::string_view(buffer_).substr(static_cast<size_t>(offset - begin_), bytes);
}

bool SegmentCursor::in_order(const RecordHeader& header) const {
  if (header.kind == kMarkKind) return header.sequence == last_;
  if (header.kind == kGapKind) return header.sequence >= last_;
  return header.sequence == last_ + 1;
}

base::Result<Found> SegmentCursor::judge(const RecordHeader& header) {
  if (!plausible(header) || !in_order(header)) return Found::kBad;
  const size_t size = record_bytes(header.length);
  auto record = window_.at(offset_, size);
  if (!record) return record.error();
  if (record->size() < size || checksum_of(*record, seed_) != header.checksum) return Found::kBad;
  at_ = offset_;
  offset_ += static_cast<uint32_t>(size);
  last_ = header.sequence;
  kind_ = header.kind;
  body_ = record->substr(kRecordHeaderBytes, header.length);
  if (kind_ == kMarkKind) return Found::kMark;
  return kind_ == kGapKind ? Found::kGap : Found::kRecord;
}

base::Result<Found> SegmentCursor::next() {
  auto head = window_.at(offset_, kRecordHeaderBytes);
  if (!head) return head.error();
  if (is_zeros(*head)) return Found::kEnd;
  if (head->size() < kRecordHeaderBytes) return Found::kBad;
  return judge(decode_record_header(*head));
}

base::Result<Beyond> look_beyond(const base::File& file, uint64_t seed, uint32_t offset) {
  Window window(file);
  Beyond out;
  for (uint64_t at = offset;; at += 8) {
    if (auto moved = skip_zeros(window, at); !moved) return moved.error();
    auto word = window.at(at, 8);
    if (!word) return word.error();
    if (word->empty()) return out;
    if (is_zeros(*word)) continue;
    out.data_end = at + word->find_last_not_of('\0') + 1;
    auto mark = window.at(at, kMarkBytes);
    if (!mark) return mark.error();
    if (mark->size() < kMarkBytes) continue;
    const RecordHeader header = decode_record_header(*mark);
    if (header.kind != kMarkKind || header.length != kMarkBodyBytes) continue;
    if (checksum_of(*mark, seed) != header.checksum) continue;
    out.synced = std::max(out.synced, decode_mark(mark->substr(kRecordHeaderBytes)).synced);
  }
}

base::Result<std::optional<Survivor>> find_survivor(const base::File& file, uint64_t seed,
                                                    uint32_t offset, Sequence least) {
  Window window(file);
  for (uint64_t at = offset;; at += 8) {
    if (auto moved = skip_zeros(window, at); !moved) return moved.error();
    auto word = window.at(at, 8);
    if (!word) return word.error();
    if (word->empty()) return std::nullopt;
    if (is_zeros(*word)) continue;
    const auto header = valid_at(window, at, seed);
    if (!header) return header.error();
    if (*header && (*header)->sequence >= least)
      return Survivor{static_cast<uint32_t>(at), **header};
  }
}

base::Result<Listing> list_segments(base::Disk& disk, const std::string& dir) {
  const auto names = disk.list(dir);
  if (!names) return names.error();
  Listing out;
  for (const std::string& name : *names) {
    if (name == kSnapshotTemporary) out.temporary = true;
    if (const auto from = snapshot_sequence(name)) out.snapshots.push_back(*from);
    const auto number = segment_number(name);
    if (!number) continue;
    auto listed = look_at(disk, dir, *number);
    if (!listed) return listed.error();
    if (listed->readable()) note_header(out, listed->header());
    out.segments.push_back(std::move(*listed));
  }
  return out;
}

}  // namespace wal
