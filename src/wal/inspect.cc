#include "wal/inspect.h"

#include <algorithm>

#include "wal/scan.h"

namespace wal {
namespace {

// One pass over all segments, past whatever is damaged.
class Inspector {
 public:
  Inspector(base::Disk& disk, const std::string& dir, const Listing& listing)
      : disk_(disk), dir_(dir), listing_(listing) {}

  base::Result<Inspection> run() {
    if (auto read = read_snapshot(); !read) return read.error();
    if (auto s = find_synced(); !s) return s.error();
    for (const Listed& segment : listing_.segments) {
      if (auto s = visit(segment); !s) return s.error();
    }
    if (out_.snapshot && out_.snapshot->from > last_ + 1 && !torn_) {
      other(listing_.segments.empty() ? dir_ : listing_.segments.back().path,
            "records up to " + std::to_string(out_.snapshot->from - 1) +
                " are in the snapshot, but the log ends at " + std::to_string(last_));
    }
    return std::move(out_);
  }

 private:
  void other(const std::string& path, const std::string& why) {
    Damage damage;
    damage.path = path;
    damage.why = why;
    out_.damages.push_back(std::move(damage));
  }

  base::Status read_snapshot() {
    const uint32_t shard = first_shard();
    auto read = read_checkpoint(disk_, dir_, shard, [this](Kind, std::string_view) {
      ++out_.snapshot_records;
      return base::Status{};
    });
    if (read) {
      out_.snapshot = *read;
      return {};
    }
    const Sequence newest = *std::max_element(listing_.snapshots.begin(), listing_.snapshots.end());
    Damage damage;
    damage.what = whole_from_one() ? Damage::What::kSnapshot : Damage::What::kOther;
    damage.path = dir_ + "/" + snapshot_name(newest);
    damage.why = read.error().what;
    out_.damages.push_back(std::move(damage));
    return {};
  }

  uint32_t first_shard() const {
    for (const Listed& segment : listing_.segments)
      if (segment.readable()) return segment.header().shard;
    return 0;
  }

  bool whole_from_one() const {
    return !listing_.segments.empty() && listing_.segments[0].readable() &&
           listing_.segments[0].header().first == 1;
  }

  Sequence from() const { return out_.snapshot ? out_.snapshot->from : 1; }

  base::Status find_synced() {
    for (const Listed& segment : listing_.segments) {
      auto file = disk_.open(segment.path);
      if (!file) return file.error();
      const auto beyond =
          look_beyond(**file, seed_of(listing_.salt, segment.number), kSegmentHeaderBytes);
      if (!beyond) return beyond.error();
      out_.synced = std::max(out_.synced, beyond->synced);
      if (segment.readable()) out_.synced = std::max(out_.synced, segment.header().synced);
    }
    return {};
  }

  base::Status visit(const Listed& segment) {
    SegmentReport report;
    report.number = segment.number;
    report.path = segment.path;
    report.size = segment.size;
    auto file = disk_.open(segment.path);
    if (!file) return file.error();
    const uint64_t seed = seed_of(listing_.salt, segment.number);
    const auto beyond = look_beyond(**file, seed, kSegmentHeaderBytes);
    if (!beyond) return beyond.error();
    if (segment.decoded.fault == HeaderFault::kNewer) {
      other(segment.path, newer(segment.path, segment.decoded.version).what);
      report.spare = true;
    } else if (!segment.readable() && beyond->data_end == 0) {
      report.spare = true;
    } else if (!segment.readable() && !listing_.any_readable) {
      other(segment.path, "the segment's header is destroyed, and there is no other to go by");
      report.spare = true;
    } else {
      if (auto s = scan(**file, seed, segment, *beyond, report); !s) return s;
    }
    out_.segments.push_back(std::move(report));
    return {};
  }

  // The header as it was, as far as what is around tells.
  base::Result<SegmentHeader> rebuild(const base::File& file, uint64_t seed,
                                      uint32_t number) const {
    const auto survivor = find_survivor(file, seed, kSegmentHeaderBytes, last_);
    if (!survivor) return survivor.error();
    SegmentHeader header{.shard = first_shard(),
                         .number = number,
                         .start = listing_.start,
                         .first = last_ + 1,
                         .instant = listing_.instant,
                         .salt = listing_.salt};
    if (!began_ && *survivor) header.first = before(**survivor) + 1;
    return header;
  }

  // The sequence before what survived.
  Sequence before(const Survivor& survivor) const {
    if (survivor.header.kind == kMarkKind) return survivor.header.sequence;
    if (survivor.header.kind == kGapKind) return last_;
    return survivor.header.sequence - 1;
  }

  base::Status scan(const base::File& file, uint64_t seed, const Listed& segment,
                    const Beyond& beyond, SegmentReport& report) {
    report.header = segment.header();
    if (!segment.readable()) {
      const auto header = rebuild(file, seed, segment.number);
      if (!header) return header.error();
      report.header = *header;
      if (out_.synced > last_) {
        add(Damage::What::kHeader, report, 0, kSegmentHeaderBytes, 1, 0);
      } else {
        tear(segment.number, 0);
      }
    }
    join(report);
    SegmentCursor cursor(file, seed, last_);
    if (auto s = walk(file, seed, beyond, cursor, report); !s) return s;
    previous_ = report;
    return {};
  }

  // Is what this segment begins with what the one before ended with?
  void join(const SegmentReport& report) {
    const Sequence expected = last_ + 1;
    const Sequence first = report.header.first;
    if (!began_ && first > from()) {
      other(report.path, "records " + std::to_string(from()) + " to " + std::to_string(first - 1) +
                             " are missing before this segment");
    }
    if (began_ && first > expected && first > from()) {
      if (out_.synced > last_) {
        add(Damage::What::kMissing, previous_, previous_.data_end,
            previous_.data_end + kRecordHeaderBytes, expected, first - 1);
      } else {
        tear(previous_.number, previous_.data_end);
      }
    }
    began_ = true;
    last_ = first - 1;
  }

  base::Status walk(const base::File& file, uint64_t seed, const Beyond& beyond,
                    SegmentCursor& cursor, SegmentReport& report) {
    for (;;) {
      const auto found = cursor.next();
      if (!found) return found.error();
      if (*found != Found::kEnd && *found != Found::kBad) {
        note(cursor, *found, report);
        continue;
      }
      report.data_end = cursor.offset();
      report.last = last_;
      if (*found == Found::kEnd && beyond.data_end <= cursor.offset()) return {};
      const auto survivor = find_survivor(file, seed, cursor.offset() + 8, last_);
      if (!survivor) return survivor.error();
      if (!*survivor) return end_of(beyond, report);
      const Sequence resumed = std::max(last_, before(**survivor));
      bytes_lost(report, (*survivor)->offset, resumed);
      cursor.resume((*survivor)->offset, resumed);
      last_ = resumed;
    }
  }

  // Nothing valid follows in this segment.
  base::Status end_of(const Beyond& beyond, SegmentReport& report) {
    Sequence lost = std::max(out_.synced, last_);
    for (const Listed& next : listing_.segments)
      if (next.number > report.number && next.readable()) {
        lost = std::max(last_, std::min(lost, next.header().first - 1));
        break;
      }
    const uint64_t end = std::max<uint64_t>((beyond.data_end + 7) & ~uint64_t{7},
                                            report.data_end + kRecordHeaderBytes);
    bytes_lost(report, end, lost);
    if (out_.synced > last_) {
      last_ = report.last = lost;
      report.data_end = static_cast<uint32_t>(end);
    }
    return {};
  }

  void bytes_lost(const SegmentReport& report, uint64_t end, Sequence last_lost) {
    if (out_.synced > last_) {
      add(Damage::What::kBytes, report, report.data_end, end, last_ + 1, last_lost);
    } else {
      tear(report.number, report.data_end);
    }
  }

  void note(const SegmentCursor& cursor, Found found, SegmentReport& report) {
    last_ = cursor.last();
    if (found == Found::kGap) ++report.gaps;
    if (found == Found::kMark) {
      ++report.marks;
      out_.instant = std::max(out_.instant, decode_mark(cursor.body()).instant);
    }
    if (found == Found::kRecord) {
      ++report.records;
      ++out_.kinds[cursor.kind()];
    }
  }

  void tear(uint32_t segment, uint64_t offset) {
    torn_ = true;
    if (!out_.torn) out_.torn = Position{segment, static_cast<uint32_t>(offset)};
  }

  void add(Damage::What what, const SegmentReport& report, uint64_t begin, uint64_t end,
           Sequence first_lost, Sequence last_lost) {
    Damage damage;
    damage.what = what;
    damage.path = report.path;
    damage.segment = report.number;
    damage.begin = begin;
    damage.end = end;
    damage.first_lost = first_lost;
    damage.last_lost = last_lost;
    out_.damages.push_back(std::move(damage));
  }

  base::Disk& disk_;
  const std::string& dir_;
  const Listing& listing_;
  Inspection out_;
  SegmentReport previous_;
  bool began_ = false;
  bool torn_ = false;
  Sequence last_ = 0;
};

std::string lost(const Damage& damage) {
  if (damage.first_lost > damage.last_lost) return "no record is lost";
  if (damage.first_lost == damage.last_lost)
    return "record " + std::to_string(damage.first_lost) + " is lost";
  return "records " + std::to_string(damage.first_lost) + " to " +
         std::to_string(damage.last_lost) + " are lost";
}

}  // namespace

std::string to_string(const Damage& damage) {
  const std::string begin = damage.path + ": offset " + std::to_string(damage.begin);
  switch (damage.what) {
    case Damage::What::kBytes:
      return begin + ": bytes up to " + std::to_string(damage.end) + " are corrupt; " +
             lost(damage);
    case Damage::What::kHeader:
      return begin + ": the segment's header is destroyed; " + lost(damage);
    case Damage::What::kMissing:
      return begin + ": segments behind this one are missing; " + lost(damage);
    case Damage::What::kSnapshot:
      return damage.why + "; the log is whole without it";
    case Damage::What::kOther:
      return damage.why.starts_with(damage.path) ? damage.why : damage.path + ": " + damage.why;
  }
  return {};
}

base::Result<Inspection> inspect(base::Disk& disk, const std::string& dir) {
  const auto listing = list_segments(disk, dir);
  if (!listing) return listing.error();
  return Inspector(disk, dir, *listing).run();
}

}  // namespace wal
