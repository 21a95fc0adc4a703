#include "engine/keep.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "engine/snapshot.h"

namespace engine {
namespace {

constexpr uint64_t kIndexBytes = 80;         // Of a message in a snapshot, about.
constexpr size_t kWalkSlice = 16'384;        // Messages that compaction looks at in a turn.
constexpr size_t kCopyBytesSlice = 1 << 20;  // That compaction reads for a turn.
constexpr size_t kFoundMax = 1 << 17;        // Messages of one compaction.
constexpr base::Duration kLookEvery = std::chrono::seconds(1);
constexpr base::Duration kRetry = std::chrono::seconds(30);  // After a snapshot that failed.
constexpr uint64_t kTag = 1;                                 // Of reads that are the keeper's.

}  // namespace

struct Keeper::State {
  State(KeeperOptions keeping, base::Disk& on_disk, Books& all, wal::Log& records,
        Engine::Metrics& counts)
      : options(std::move(keeping)), disk(on_disk), books(all), log(records), metrics(counts) {}

  // Snapshots.
  bool wanted(base::Time now) const;
  void begin();
  void slice(base::Time now);
  void chore(SnapshotSlices::Records records, bool last);
  void ended(base::Time now);

  // Segments.
  void remove_dead();
  void choose();
  void look();
  void read_on();

  const KeeperOptions options;
  base::Disk& disk;
  Books& books;
  wal::Log& log;
  Engine::Metrics& metrics;

  std::unique_ptr<SnapshotSlices> slices;
  std::unique_ptr<wal::CheckpointWriter> writer;  // Touched by chores only, while one is made.
  base::Status writing;                           // What chores say.
  std::function<void()> next_chore;
  bool chore_out = false;
  bool last = false;  // All slices are made; `ending` is written when ends_at is durable.
  SnapshotSlices::Records ending;
  wal::Sequence ends_at = 0;
  bool restarted = false;
  bool sync_asked = false;
  uint64_t appended = 0;  // Bytes since the last snapshot began.
  wal::Sequence snapshot_from = 1;
  base::Time not_before{};
  base::Time looked{};

  std::vector<uint32_t> sparse;  // Segments that are being compacted, in order.
  uint64_t cursor = 0;           // Of the walk for their messages.
  bool walking = false;
  std::deque<std::pair<queue::Number, Place>> found;
  std::deque<std::pair<queue::Number, Place>> reading;  // As in the log's reads.
};

Keeper::Keeper(KeeperOptions options, base::Disk& disk, Books& books, wal::Log& log,
               Engine::Metrics& metrics)
    : state_(std::make_unique<State>(std::move(options), disk, books, log, metrics)) {}
Keeper::~Keeper() = default;

base::Result<Keeper::Loaded> Keeper::load(base::Disk& disk, const KeeperOptions& options,
                                          Books& books) {
  SnapshotLoader loader(books);
  if (const base::Status made = disk.make_dir(options.dir); !made) return made.error();
  const auto read = wal::read_checkpoint(disk, options.dir, options.shard,
                                         [&](wal::Kind kind, std::string_view body) {
                                           return loader.take(static_cast<Kind>(kind), body);
                                         });
  if (!read) return read.error();
  Loaded loaded = loader.loaded();
  if (*read) loaded.from = (*read)->from;
  return loaded;
}

void Keeper::opened(wal::Sequence snapshot_from) {
  State& s = *state_;
  s.snapshot_from = snapshot_from;
  for (const wal::SegmentFacts& segment : s.log.segments()) {
    if (segment.first >= snapshot_from) s.appended += segment.bytes;
  }
}

void Keeper::appended(size_t bytes) { state_->appended += bytes; }

// What the last slice says was so before.
void Keeper::restart() {
  if (state_->slices && !state_->last) state_->restarted = true;
}

bool Keeper::State::wanted(base::Time now) const {
  const uint64_t index = books.store().messages() * kIndexBytes;
  // One walk through the messages at a time: it marks the flows that it has shown.
  return now >= not_before && !walking &&
         appended >= std::max(options.snapshot_after_bytes, 2 * index);
}

void Keeper::State::begin() {
  slices = std::make_unique<SnapshotSlices>(books, log.appended() + 1);
  appended = 0;
  restarted = last = sync_asked = false;
  ending.clear();
  ends_at = 0;
  writing = {};
}

void Keeper::State::chore(SnapshotSlices::Records records, bool is_last) {
  next_chore = [this, records = std::move(records), is_last, from = slices->from()] {
    if (!writer) {
      auto created = wal::CheckpointWriter::create(disk, options.dir, options.shard);
      if (!created) {
        writing = created.error();
        return;
      }
      writer = std::move(*created);
    }
    for (const auto& [kind, body] : records) {
      if (writing) writing = writer->append(static_cast<wal::Kind>(kind), body);
    }
    if (writing) writing = is_last ? writer->finish(from) : writer->flush();
  };
}

void Keeper::State::slice(base::Time now) {
  if (restarted) {
    writer.reset();
    return begin();
  }
  if (!last) {
    SnapshotSlices::Records records = slices->next();
    if (!records.empty()) return chore(std::move(records), false);
    ending = slices->end(log.appended() + 1, now);
    ends_at = log.appended();
    last = true;
  }
  // Slices told of records that a crash could still take; then the snapshot must not be there.
  if (log.durable() >= ends_at) chore(std::move(ending), true);
}

void Keeper::State::ended(base::Time now) {
  const bool finished = writing.has_value() && last && ending.empty();
  if (finished) {
    snapshot_from = slices->from();
    metrics.snapshots.add(1);
  }
  if (finished || !writing) {
    if (!writing) not_before = now + kRetry;  // The disk may be full; the log lives on.
    writer.reset();
    slices.reset();
    remove_dead();
  }
}

std::function<void()> Keeper::take_chore() {
  State& s = *state_;
  if (s.chore_out || !s.next_chore) return nullptr;
  s.chore_out = true;
  return std::exchange(s.next_chore, nullptr);
}

void Keeper::chore_done(base::Time now) {
  state_->chore_out = false;
  state_->ended(now);
}

bool Keeper::busy() const {
  const State& s = *state_;
  if (s.walking || (!s.found.empty() && s.reading.empty())) return true;
  return s.slices && !s.chore_out && !s.next_chore &&
         (s.restarted || !s.last || s.log.durable() >= s.ends_at);
}

void Keeper::tick(base::Time now) {
  State& s = *state_;
  if (!s.slices && s.wanted(now)) s.begin();
  if (s.slices && !s.chore_out && !s.next_chore) {
    s.slice(now);
    if (!s.next_chore && s.last && !s.sync_asked) {
      s.sync_asked = true;
      sync();
    }
  }
  if (s.walking) s.look();
  if (!s.walking) s.read_on();
  if (now - s.looked < kLookEvery) return;
  s.looked = now;
  s.remove_dead();
  s.choose();
}

// Segments that the snapshot has made superfluous, but for the bodies that live in them.
void Keeper::State::remove_dead() {
  const std::vector<wal::SegmentFacts> segments = log.segments();
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    if (segments[i + 1].first == segments[i].first) {  // A start that wrote nothing.
      log.remove(segments[i].number);
      continue;
    }
    if (segments[i + 1].first > snapshot_from) break;
    if (books.live().of(segments[i].number) <= 0) log.remove(segments[i].number);
  }
}

void Keeper::State::choose() {
  if (walking || slices || !found.empty() || !reading.empty()) return;
  sparse.clear();
  uint64_t wasted = 0, alive = 0;
  const std::vector<wal::SegmentFacts>& segments = log.segments();
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    if (segments[i + 1].first > snapshot_from) break;
    const auto live =
        static_cast<uint64_t>(std::max<int64_t>(0, books.live().of(segments[i].number)));
    alive += live;
    wasted += segments[i].bytes - std::min<uint64_t>(live, segments[i].bytes);
    if (live * 2 < segments[i].bytes) sparse.push_back(segments[i].number);
  }
  if (sparse.empty() || wasted <= alive) return sparse.clear();
  walking = true;
  cursor = 0;
}

void Keeper::State::look() {
  cursor = books.store().walk(
      cursor, kWalkSlice, [&](const queue::View& view, const queue::Store::Flow&, bool) {
        if (in_memory(view.place) || found.size() >= kFoundMax) return;
        if (std::binary_search(sparse.begin(), sparse.end(), position_of(view.place).segment))
          found.emplace_back(view.number, view.place);
      });
  if (cursor != 0) return;
  walking = false;
  // In the order of the log: consecutive ones are read together.
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
}

void Keeper::State::read_on() {
  if (!reading.empty()) return;
  size_t bytes = 0;
  while (!found.empty() && bytes < kCopyBytesSlice) {
    const auto [number, place] = found.front();
    found.pop_front();
    const auto view = books.store().find(number);
    if (!view || view->place != place) continue;
    log.read(position_of(place), kTag);
    reading.emplace_back(number, place);
    bytes += view->bytes;
  }
}

bool Keeper::take_read(const wal::Read& read) {
  if (read.tag != kTag) return false;
  State& s = *state_;
  const auto [number, place] = s.reading.front();
  s.reading.pop_front();
  const auto view = s.books.store().find(number);
  if (!read.status || !view || view->place != place) return true;
  if (!copy(read.body, number)) {  // No room: another time.
    s.found.clear();
  } else {
    s.metrics.compacted_bytes.add(read.body.size());
  }
  return true;
}

}  // namespace engine
