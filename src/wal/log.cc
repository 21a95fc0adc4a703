// The half of the log that is memory: sequences, places, the bytes of the next batch.
#include <algorithm>
#include <cstring>
#include <map>

#include "base/check.h"
#include "wal/recovery.h"
#include "wal/segment_writer.h"
#include "wal/wal.h"

namespace wal {
namespace {

// Room that is not counted at the end of each segment, where the next short record may not fit.
constexpr uint64_t kEndBytes = size_t{1} << 10;

}  // namespace

struct Log::State {
  Options options;
  SegmentHeader header;  // Of the current segment.
  uint64_t seed = 0;
  std::unique_ptr<SegmentWriter> writer;

  // The next batch. A piece's end is known when the next one begins.
  Batch next;
  bool has_records = false;
  size_t mark_at = 0;  // In next.bytes.
  std::string recycled_bytes;
  std::vector<Batch::Piece> recycled_pieces;
  std::vector<uint32_t> recycled_removals;
  bool out = false;

  // Room. At the end of each segment stays the place of one mark.
  uint32_t offset = kSegmentHeaderBytes;
  uint32_t end = 0;  // Of the current segment, that place aside.
  uint32_t last_spare = 0;
  uint64_t wanted = 0;
  bool disk_full = false;
  bool try_again = false;

  Sequence appended = 0, written = 0, durable = 0;
  Sequence marked = 0;  // What the last mark said.
  base::Time instant{};
  base::Status status;
  std::vector<SegmentFacts> segments;
  uint64_t old_bytes = 0;  // Of segments before the current one.
  std::map<uint32_t, uint64_t> sizes;

  uint32_t spare_end() const { return options.segment_bytes - static_cast<uint32_t>(kMarkBytes); }
  uint64_t spare_room() const { return spare_end() - kSegmentHeaderBytes; }
  uint64_t spares() const { return last_spare - header.number; }
  uint64_t rest() const { return end - offset; }
  uint64_t mark_room() const { return has_records ? 0 : kMarkBytes; }
  uint32_t spares_wanted() const;
  bool wants_spares() const { return spares() < spares_wanted() && (!disk_full || try_again); }
  bool wants_mark() const { return !has_records && durable > marked; }

  void begin_piece(uint32_t at);
  void end_piece();
  void roll();
  void write_mark_place();
  void seal_mark();
  void add_lone_mark();
};

uint32_t Log::State::spares_wanted() const {
  // However far what is wanted is split into what comes now and what is reserved, has_room() holds.
  const uint64_t counted = spare_room() - kEndBytes;
  return static_cast<uint32_t>((wanted + kEndBytes + kMarkBytes + counted - 1) / counted);
}

void Log::State::begin_piece(uint32_t at) {
  next.pieces.push_back({header.number, at, next.bytes.size(), next.bytes.size()});
}

void Log::State::end_piece() {
  if (!next.pieces.empty()) next.pieces.back().end = next.bytes.size();
}

// On to the first spare: its header goes with the batch.
void Log::State::roll() {
  end_piece();
  sizes[header.number] = end + kMarkBytes;
  old_bytes += end + kMarkBytes;
  ++header.number;
  header.first = appended + 1;
  header.synced = durable;
  header.instant = instant;
  seed = seed_of(header.salt, header.number);
  begin_piece(0);
  const auto bytes = encode(header);
  next.bytes.append(bytes.data(), bytes.size());
  offset = kSegmentHeaderBytes;
  end = spare_end();
  segments.push_back({.number = header.number, .bytes = 0, .first = header.first});
}

void Log::State::write_mark_place() {
  if (next.pieces.empty()) begin_piece(offset);
  mark_at = next.bytes.size();
  // Sealed by take(), when it is known what is synced; its sequence is the last before it.
  static constexpr char kZeros[kMarkBodyBytes] = {};
  append_record(next.bytes, kMarkKind, {kZeros, kMarkBodyBytes}, appended, seed);
  offset += static_cast<uint32_t>(kMarkBytes);
  has_records = true;
}

void Log::State::seal_mark() {
  const auto body = encode(Mark{durable, instant});
  char* const mark = next.bytes.data() + mark_at;
  std::memcpy(mark + kRecordHeaderBytes, body.data(), body.size());
  // The batch begins with it, so it is in the first piece's segment, or behind that one's header.
  const uint64_t mark_seed = seed_of(header.salt, next.pieces.front().segment);
  const uint64_t checksum = checksum_of({mark, kMarkBytes}, mark_seed);
  std::memcpy(mark, &checksum, sizeof(checksum));
  marked = durable;
}

// When nothing follows. The next batch's first mark is written over it.
void Log::State::add_lone_mark() {
  begin_piece(offset);
  const auto body = encode(Mark{durable, instant});
  append_record(next.bytes, kMarkKind, {body.data(), body.size()}, appended, seed);
  marked = durable;
}

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
Log::~Log() = default;

base::Result<Log::Opened> Log::open(base::Disk& disk, const std::string& dir, Options options,
                                    Sequence from,
                                    const std::function<base::Status(const Record&)>& replay) {
  CHECK(options.segment_bytes >= kSegmentBytesMin && options.segment_bytes <= kSegmentBytesMax);
  CHECK(from >= 1);
  if (auto made = disk.make_dir(dir); !made) return made.error();
  const auto listing = list_segments(disk, dir);
  if (!listing) return listing.error();
  if (auto checked = check_headers(*listing, options.shard); !checked) return checked.error();
  Walk walk(disk, *listing, from, replay);
  const auto tail = walk.run();
  if (!tail) return tail.error();
  const auto begun = cut_and_begin(disk, dir, options, *listing, walk, *tail);
  if (!begun) return begun.error();

  auto state = std::make_unique<State>();
  state->options = options;
  state->header = begun->header;
  state->seed = seed_of(begun->header.salt, begun->header.number);
  state->writer = std::make_unique<SegmentWriter>(
      disk, dir,
      SegmentWriter::Setup{begun->header.number, options.segment_bytes, begun->header.salt});
  state->end = begun->bytes - static_cast<uint32_t>(kMarkBytes);
  state->last_spare = begun->header.number;
  state->appended = state->written = state->durable = state->marked = tail->last;
  state->instant = begun->header.instant;
  state->segments = walk.facts();
  for (size_t i = 0; i < listing->segments.size() && i <= tail->segment; ++i) {
    if (!listing->segments[i].readable()) continue;
    const uint64_t size = i == tail->segment ? tail->offset : listing->segments[i].size;
    state->old_bytes += state->sizes[listing->segments[i].number] = size;
  }
  state->segments.push_back(
      {.number = begun->header.number, .bytes = 0, .first = begun->header.first});
  Opened out;
  out.start = begun->header.start;
  out.last_instant = begun->header.instant;
  out.torn_bytes = tail->torn_bytes;
  out.log.reset(new Log(std::move(state)));
  return out;
}

base::Result<Log::Appended> Log::append(Kind kind, std::initializer_list<std::string_view> parts,
                                        bool needs_sync) {
  State& s = *state_;
  if (!s.status) return s.status.error();
  size_t length = 0;
  for (const std::string_view part : parts) length += part.size();
  const size_t size = record_bytes(length);
  CHECK(is_owners(kind) && length <= kBodyBytesMax && size + kMarkBytes <= s.spare_room());
  if (size + s.mark_room() > s.rest()) {
    if (s.spares() == 0) {
      return base::Error{
          base::Code::kReadOnly, "the log has no room for " + std::to_string(size) + " bytes", {}};
    }
    s.roll();
  }
  if (!s.has_records) s.write_mark_place();
  const size_t at = s.next.bytes.size();
  static constexpr char kZeros[kRecordHeaderBytes] = {};
  s.next.bytes.append(kZeros, kRecordHeaderBytes);
  for (const std::string_view part : parts) s.next.bytes.append(part);
  s.next.bytes.append(kZeros, size - kRecordHeaderBytes - length);
  const Appended out{++s.appended, {s.header.number, s.offset}};
  seal(s.next.bytes, at, kind, static_cast<uint32_t>(length), out.sequence, s.seed);
  s.offset += static_cast<uint32_t>(size);
  s.segments.back().bytes = s.offset - static_cast<uint32_t>(kSegmentHeaderBytes);
  s.next.sync |= needs_sync;
  return out;
}

bool Log::has_room(size_t bytes, uint64_t reserved) const {
  const State& s = *state_;
  const uint64_t need = bytes + s.mark_room();
  if (need + reserved <= s.rest()) return true;
  const uint64_t counted = s.spare_room() - kEndBytes;
  if (need <= s.rest()) return s.spares() * counted + s.rest() - need >= reserved + kEndBytes;
  return s.spares() * counted >= need + reserved;
}

bool Log::full() const { return state_->disk_full; }

void Log::want_room(uint64_t bytes) {
  state_->wanted = bytes;
  state_->try_again = true;
}

uint64_t Log::room() const { return state_->rest() + state_->spares() * state_->spare_room(); }

void Log::read(Position position, uint64_t tag) {
  Read& read = state_->next.reads.emplace_back();
  read.position = position;
  read.tag = tag;
}

void Log::remove(uint32_t segment) {
  State& s = *state_;
  CHECK(segment != s.header.number);
  const auto found = std::find_if(s.segments.begin(), s.segments.end(),
                                  [&](const SegmentFacts& f) { return f.number == segment; });
  CHECK(found != s.segments.end());
  s.segments.erase(found);
  s.old_bytes -= s.sizes[segment];
  s.sizes.erase(segment);
  s.next.removals.push_back(segment);
  s.try_again = true;
}

void Log::stamp(base::Time now) { state_->instant = std::max(state_->instant, now); }

bool Log::idle() const {
  const State& s = *state_;
  if (!s.status) return true;
  return !s.has_records && s.next.reads.empty() && s.next.removals.empty() && !s.wants_mark() &&
         !s.wants_spares();
}

Batch Log::take() {
  State& s = *state_;
  CHECK(!s.out);
  s.out = true;
  if (s.has_records) {
    s.seal_mark();
    s.next.last = s.appended;
  } else if (s.wants_mark()) {
    s.add_lone_mark();
  }
  s.end_piece();
  // What made a segment superfluous must be as sure as its removal.
  s.next.sync |= !s.next.removals.empty() && s.appended > s.durable;
  s.next.spares_wanted = s.spares_wanted();
  s.try_again = false;
  s.has_records = false;
  Batch batch = std::move(s.next);
  s.next = Batch{};
  s.next.bytes = std::move(s.recycled_bytes);
  s.next.pieces = std::move(s.recycled_pieces);
  s.next.removals = std::move(s.recycled_removals);
  return batch;
}

void Log::give_back(Batch& batch) {
  State& s = *state_;
  CHECK(s.out);
  s.out = false;
  if (!batch.status && s.status) s.status = batch.status;
  if (s.status) {
    s.written = std::max(s.written, batch.last);
    if (batch.sync) s.durable = s.written;
    s.last_spare = std::max(s.last_spare, batch.last_spare);
    s.disk_full = batch.disk_full;
  }
  batch.bytes.clear();
  batch.pieces.clear();
  batch.removals.clear();
  s.recycled_bytes = std::move(batch.bytes);
  s.recycled_pieces = std::move(batch.pieces);
  s.recycled_removals = std::move(batch.removals);
}

void Log::close() {
  State& s = *state_;
  CHECK(!s.out);
  // Behind the last record stands the mark of the idle log, if it has one.
  if (s.status) s.writer->close(s.header.number, s.offset + static_cast<uint32_t>(kMarkBytes));
}

Sequence Log::appended() const { return state_->appended; }
Sequence Log::written() const { return state_->written; }
Sequence Log::durable() const { return state_->durable; }
const base::Status& Log::status() const { return state_->status; }
const std::vector<SegmentFacts>& Log::segments() const { return state_->segments; }
uint64_t Log::bytes() const {
  const State& s = *state_;
  return s.old_bytes + s.end + kMarkBytes + s.spares() * s.options.segment_bytes;
}
Writer& Log::writer() { return *state_->writer; }

}  // namespace wal
