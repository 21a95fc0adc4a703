// The second half of an opening: what changes the disk.
#include <algorithm>

#include "wal/recovery.h"

namespace wal {
namespace {

// What survived is now what was synced: the header of the new segment says so.
base::Status settle(base::Disk& disk, const Listing& listing, const Walk& walk, const Tail& tail) {
  for (size_t i = 0; listing.any_readable && i <= tail.segment; ++i) {
    const Listed& segment = listing.segments[i];
    const bool is_tail = i == tail.segment;
    if (!segment.readable()) continue;
    const bool synced = !is_tail && listing.segments[i + 1].readable() &&
                        listing.segments[i + 1].header().first <= walk.synced() + 1;
    if (synced) continue;
    auto file = disk.open(segment.path);
    if (!file) return file.error();
    if (is_tail && segment.size != tail.offset) {
      if (auto cut = (*file)->truncate(tail.offset); !cut) return cut;
    }
    if (auto s = (*file)->sync(); !s) return s;
  }
  return {};
}

base::Status remove_behind(base::Disk& disk, const std::string& dir, const Listing& listing,
                           const Tail& tail) {
  for (size_t i = 0; i < listing.segments.size(); ++i) {
    const bool kept = listing.any_readable && i <= tail.segment && listing.segments[i].readable();
    if (kept) continue;
    if (auto removed = disk.remove(listing.segments[i].path); !removed) return removed;
  }
  if (!listing.temporary) return {};
  return disk.remove(dir + "/" + kSnapshotTemporary);
}

base::Status write_header(base::File& file, const SegmentHeader& header) {
  const auto bytes = encode(header);
  if (auto written = file.write(0, {bytes.data(), bytes.size()}); !written) return written;
  return file.sync();
}

// A full disk must not keep what is there from being used: a smaller segment will do.
base::Result<uint32_t> reserve_some(base::File& file, uint32_t bytes) {
  for (;; bytes = std::max(bytes / 2, kSegmentBytesMin)) {
    const auto reserved = file.reserve(bytes);
    if (reserved) return bytes;
    if (reserved.error().code != base::Code::kReadOnly || bytes == kSegmentBytesMin)
      return reserved.error();
  }
}

base::Result<uint32_t> create_segment(base::Disk& disk, const std::string& dir, uint32_t bytes,
                                      const SegmentHeader& header) {
  const std::string path = dir + "/" + segment_name(header.number);
  auto file = disk.create(path);
  if (!file) return file.error();
  const auto reserved = reserve_some(**file, bytes);
  if (!reserved) {
    // What is left of it is a spare without room; the next opening removes it if this cannot.
    (void)disk.remove(path);
    return reserved.error();
  }
  if (auto written = write_header(**file, header); !written) return written.error();
  if (auto synced = disk.sync_dir(dir); !synced) return synced.error();
  return *reserved;
}

}  // namespace

base::Result<Begun> cut_and_begin(base::Disk& disk, const std::string& dir, const Options& options,
                                  const Listing& listing, const Walk& walk, const Tail& tail) {
  if (auto settled = settle(disk, listing, walk, tail); !settled) return settled.error();
  if (auto removed = remove_behind(disk, dir, listing, tail); !removed) return removed.error();
  Begun out;
  const uint32_t highest = listing.segments.empty() ? 0 : listing.segments.back().number;
  // A header that cannot be read may have been an opening's: its start is not used again.
  const auto unreadable =
      std::count_if(listing.segments.begin(), listing.segments.end(),
                    [](const Listed& s) { return s.decoded.fault == HeaderFault::kBad; });
  out.header = {.shard = options.shard,
                .number = highest + 1,
                .start = listing.start + 1 + static_cast<uint32_t>(unreadable),
                .first = tail.last + 1,
                .synced = tail.last,
                .instant = std::max(listing.instant, walk.instant()),
                .salt = listing.any_readable ? listing.salt : options.salt};
  const auto bytes = create_segment(disk, dir, options.segment_bytes, out.header);
  if (!bytes) return bytes.error();
  out.bytes = *bytes;
  return out;
}

}  // namespace wal
