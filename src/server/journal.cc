#include "server/journal.h"

#include <algorithm>

#include "io/log.h"

namespace server {
namespace {

constexpr wal::Kind kBlock = 1;
constexpr size_t kRecord = limiter::Journal::kRecordBytes;
constexpr size_t kOnDisk = wal::record_bytes(kRecord);
constexpr size_t kAtOnce = 4096;  // Records of one batch.
constexpr uint64_t kCompactAtLeast = 8u << 20;
constexpr uint64_t kCompactTimes = 4;  // What is written anew is at most a quarter of what was.
constexpr base::Duration kTryAgain = std::chrono::milliseconds(100);

}  // namespace

base::Result<std::unique_ptr<Journal>> Journal::open(const Place& place, limiter::Limiter& limiter,
                                                     base::Time floor) {
  std::string records;  // The instant of the restart is known behind the last one.
  base::Result<wal::Log::Opened> opened = wal::Log::open(
      place.disk, place.directory, {.segment_bytes = place.segment_bytes, .salt = place.salt}, 1,
      [&](const wal::Record& record) -> base::Status {
        if (record.kind != kBlock || record.body.size() != kRecord) {
          return base::Error{
              base::Code::kIo, "written by a newer version: no record of a block", {}};
        }
        records += record.body;
        return {};
      });
  if (!opened) return opened.error();
  std::unique_ptr<Journal> journal(new Journal(limiter, std::move(*opened)));
  journal->last_instant_ = std::max(journal->last_instant_, floor);
  limiter.use(journal.get());
  const std::string_view all = records;
  for (size_t at = 0; at < all.size(); at += kRecord) {
    const base::Status done = limiter.recover(all.substr(at, kRecord), journal->last_instant_);
    if (!done) return done.error();
  }
  journal->compact_at_ = std::max<uint64_t>(kCompactAtLeast, kCompactTimes * all.size());
  return journal;
}

Journal::Journal(limiter::Limiter& limiter, wal::Log::Opened opened)
    : limiter_(limiter), log_(std::move(opened.log)), last_instant_(opened.last_instant) {}

Journal::~Journal() {
  if (!thread_.joinable()) return;
  ending_ = true;
  calls_.fetch_add(1);
  calls_.notify_one();
  thread_.join();
}

void Journal::start(const base::Clock& clock) {
  clock_ = &clock;
  thread_ = std::thread([this] { run(); });
}

uint64_t Journal::append(std::string_view record) {
  uint64_t number = 0;
  bool first = false;
  {
    const base::Guard guard(lock_);
    first = pending_.empty();
    pending_ += record;
    number = ++number_;
  }
  if (first) {
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_one();
  }
  return number;
}

void Journal::run() {
  for (;;) {
    const uint32_t calls = calls_.load(std::memory_order_acquire);
    if (!write_pending()) return;
    if (appended_bytes_ >= compact_at_) compact();
    if (ending_) {
      trip();  // The mark behind the last batch.
      return;
    }
    calls_.wait(calls, std::memory_order_acquire);
  }
}

// All that is pending, one sync for each kAtOnce of them. False: the end.
bool Journal::write_pending() {
  for (;;) {
    {
      const base::Guard guard(lock_);
      writing_.clear();
      writing_.swap(pending_);
    }
    if (writing_.empty()) return log_->status().has_value();
    const std::string_view all = writing_;
    for (size_t at = 0; at < all.size();) {
      const size_t end = std::min(all.size(), at + kAtOnce * kRecord);
      if (!make_room((end - at) / kRecord * kOnDisk + wal::kMarkBytes)) return false;
      const size_t records = (end - at) / kRecord;
      for (; at < end; at += kRecord) {
        const auto appended = log_->append(kBlock, {all.substr(at, kRecord)}, true);
        if (!appended) return fail(appended.error()), false;
      }
      if (!trip()) return false;
      appended_bytes_ += records * kOnDisk;
      limiter_.journaled(told_ += records);
    }
  }
}

// Waits while the disk is full. False: the end has come.
bool Journal::make_room(size_t bytes) {
  while (!log_->has_room(bytes)) {
    log_->want_room(bytes + log_->room());
    if (!trip()) return false;
    if (log_->has_room(bytes)) break;
    if (ending_) return false;
    if (log_->full()) std::this_thread::sleep_for(kTryAgain);
  }
  return true;
}

bool Journal::trip() {
  log_->stamp(clock_->now());
  if (!log_->idle()) {
    wal::Batch batch = log_->take();
    log_->writer().run(batch);
    log_->give_back(batch);
  }
  bytes_.store(log_->bytes(), std::memory_order_relaxed);
  if (!log_->status()) fail(log_->status().error());
  return log_->status().has_value();
}

// Everything that counts is written anew; then what is before it goes.
void Journal::compact() {
  const uint32_t keep = log_->segments().back().number;
  appended_bytes_ = 0;
  for (size_t slice = 0; limiter_.rejournal(slice, clock_->now());) {
    if (!write_pending()) return;
  }
  if (!write_pending()) return;
  compact_at_ = std::max(kCompactAtLeast, kCompactTimes * appended_bytes_);
  appended_bytes_ = 0;
  std::vector<uint32_t> old;
  for (const wal::SegmentFacts& segment : log_->segments()) {
    if (segment.number < keep) old.push_back(segment.number);
  }
  for (const uint32_t number : old) log_->remove(number);
  trip();
}

void Journal::fail(const base::Error& error) {
  {
    const base::Guard guard(failure_mutex_);
    if (!failure_.empty()) return;
    failure_ = error.what;
  }
  io::log(io::Level::kError, "durable limits have stopped", {{"error", error.what}});
  limiter_.journal_failed();
}

std::string Journal::failure() const {
  const base::Guard guard(failure_mutex_);
  return failure_;
}

}  // namespace server
