#include "wal/recovery.h"

#include <algorithm>

namespace wal {
namespace {

std::string records(Sequence from, Sequence to) {
  if (from == to) return "record " + std::to_string(from) + " is";
  return "records " + std::to_string(from) + " to " + std::to_string(to) + " are";
}

bool has_data(const Beyond& beyond) { return beyond.data_end != 0; }

base::Result<Beyond> look_into(base::Disk& disk, const Listed& segment, uint64_t salt,
                               uint32_t offset) {
  auto file = disk.open(segment.path);
  if (!file) return file.error();
  return look_beyond(**file, seed_of(salt, segment.number), offset);
}

}  // namespace

base::Status check_headers(const Listing& listing, uint32_t shard) {
  for (const Listed& segment : listing.segments) {
    if (segment.decoded.fault == HeaderFault::kNewer)
      return newer(segment.path, segment.decoded.version);
    if (segment.readable() && segment.header().shard != shard) {
      return corrupt(segment.path, 12,
                     "belongs to shard " + std::to_string(segment.header().shard) + ", not " +
                         std::to_string(shard));
    }
  }
  return {};
}

base::Result<Tail> Walk::run() {
  if (!listing_.any_readable) return no_header_is_readable();
  const auto first = find_first();
  if (!first) return first.error();
  last_ = listing_.segments[*first].header().first - 1;
  size_t index = *first;
  for (;;) {
    if (auto scanned = scan(index); !scanned) return scanned.error();
    const bool more = index + 1 < listing_.segments.size();
    if (!more || !listing_.segments[index + 1].readable() ||
        listing_.segments[index + 1].header().first != last_ + 1)
      break;
    ++index;
  }
  return judge_tail(index);
}

// No record was ever appended, or the only segment's header, which was synced before the first
// record, was destroyed.
base::Result<Tail> Walk::no_header_is_readable() const {
  for (const Listed& segment : listing_.segments) {
    const auto beyond = look_into(disk_, segment, 0, kSegmentHeaderBytes);
    if (!beyond) return beyond.error();
    if (has_data(*beyond)) return corrupt(segment.path, 0, "the segment's header is destroyed");
  }
  if (from_ > 1) {
    return base::Error{
        base::Code::kIo, records(1, from_ - 1) + " in the snapshot, but the log is missing", {}};
  }
  return Tail{.segment = listing_.segments.size()};
}

// A crash in the middle of an opening may leave spares that it had removed.
base::Result<bool> Walk::is_spare(const Listed& segment) const {
  if (segment.readable()) return false;
  const auto beyond = look_into(disk_, segment, listing_.salt, kSegmentHeaderBytes);
  if (!beyond) return beyond.error();
  return !has_data(*beyond);
}

// The last segment that begins at or before `from`; those before it are listed.
base::Result<size_t> Walk::find_first() const {
  const std::vector<Listed>& all = listing_.segments;
  for (size_t i = all.size(); i-- > 0;) {
    if (!all[i].readable() || all[i].header().first > from_) continue;
    for (size_t before = 0; before < i; ++before) {
      const auto spare = is_spare(all[before]);
      if (!spare) return spare.error();
      if (!*spare && !all[before].readable())
        return corrupt(all[before].path, 0, "the segment's header is destroyed");
    }
    return i;
  }
  const auto lowest = std::find_if(all.begin(), all.end(), [](auto& s) { return s.readable(); });
  return corrupt(lowest->path, 24,
                 records(from_, lowest->header().first - 1) + " missing before this segment");
}

base::Status Walk::scan(size_t index) {
  const Listed& segment = listing_.segments[index];
  if (facts_.empty()) {
    for (size_t i = 0; i < index; ++i) {
      const Listed& listed = listing_.segments[i];
      if (!listed.readable()) continue;
      facts_.push_back({.number = listed.number,
                        .bytes = static_cast<uint32_t>(listed.size - kSegmentHeaderBytes),
                        .first = listed.header().first});
    }
  }
  auto file = disk_.open(segment.path);
  if (!file) return file.error();
  synced_ = std::max(synced_, segment.header().synced);
  instant_ = std::max(instant_, segment.header().instant);
  SegmentCursor cursor(**file, seed_of(segment.header().salt, segment.number), last_);
  for (;;) {
    const auto found = cursor.next();
    if (!found) return found.error();
    bad_ = *found == Found::kBad;
    if (bad_ || *found == Found::kEnd) break;
    if (auto taken = take(segment.number, cursor, *found); !taken)
      return base::Error{taken.error().code,
                         corrupt(segment.path, cursor.at(), taken.error().what).what,
                         taken.error().field};
    last_ = cursor.last();
  }
  offset_ = cursor.offset();
  facts_.push_back({.number = segment.number,
                    .bytes = offset_ - static_cast<uint32_t>(kSegmentHeaderBytes),
                    .first = segment.header().first});
  return {};
}

base::Status Walk::take(uint32_t segment, const SegmentCursor& cursor, Found found) {
  if (found == Found::kMark) {
    const Mark mark = decode_mark(cursor.body());
    synced_ = std::max(synced_, mark.synced);
    instant_ = std::max(instant_, mark.instant);
  }
  if (found != Found::kRecord || cursor.last() < from_) return {};
  return replay_({.sequence = cursor.last(),
                  .position = {segment, cursor.at()},
                  .kind = cursor.kind(),
                  .body = cursor.body()});
}

base::Result<Beyond> Walk::look_behind(size_t index, uint64_t& torn_bytes) const {
  auto out = look_into(disk_, listing_.segments[index], listing_.salt, offset_);
  if (!out) return out.error();
  if (has_data(*out)) torn_bytes += out->data_end - offset_;
  for (size_t i = index + 1; i < listing_.segments.size(); ++i) {
    const Listed& segment = listing_.segments[i];
    const auto beyond = look_into(disk_, segment, listing_.salt, kSegmentHeaderBytes);
    if (!beyond) return beyond.error();
    if (has_data(*beyond)) torn_bytes += beyond->data_end;
    out->synced = std::max(out->synced, beyond->synced);
    if (segment.readable()) out->synced = std::max(out->synced, segment.header().synced);
  }
  return out;
}

base::Error Walk::refuse(size_t index) const {
  const Listed& here = listing_.segments[index];
  if (!bad_ && index + 1 < listing_.segments.size()) {
    const Listed& next = listing_.segments[index + 1];
    if (!next.readable() && next.decoded.fault == HeaderFault::kBad)
      return corrupt(next.path, 0, "the segment's header is destroyed");
    if (next.readable() && next.header().first > last_ + 1) {
      return corrupt(here.path, offset_,
                     records(last_ + 1, next.header().first - 1) + " missing behind this");
    }
  }
  return corrupt(here.path, offset_,
                 "record " + std::to_string(last_ + 1) + " was synced and is corrupt");
}

base::Result<Tail> Walk::judge_tail(size_t index) {
  Tail tail{.segment = index, .offset = offset_, .last = last_};
  const auto beyond = look_behind(index, tail.torn_bytes);
  if (!beyond) return beyond.error();
  if (std::max(beyond->synced, synced_) > last_) return refuse(index);
  if (from_ > last_ + 1) {
    return corrupt(listing_.segments[index].path, offset_,
                   records(last_ + 1, from_ - 1) + " in the snapshot and missing here");
  }
  return tail;
}

}  // namespace wal
