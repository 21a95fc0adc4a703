// The journal of durable limits (limiter/journal.h): DATA/limits/, a log of its own on a thread of
// its own.
//
//   decide ── append() ──► pending ──► [this thread] log, one sync for all ──► Limiter::journaled()
//
// A full disk: what is pending waits, durable limits refuse meanwhile, and it is tried again. A
// write or a sync that failed is the end: durable limits refuse from then on (P11).
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "limiter/limiter.h"
#include "wal/wal.h"

namespace server {

class Journal final : public limiter::Journal {
 public:
  struct Place {
    base::Disk& disk;  // Outlives it.
    std::string directory;
    uint64_t salt = 0;  // As wal::Options.
    uint32_t segment_bytes = 4u << 20;
  };
  // Replays what is there into `limiter`, as of `floor` or the last instant that it knows of,
  // whichever is later. Errors as wal::Log::open()'s.
  static base::Result<std::unique_ptr<Journal>> open(const Place& place, limiter::Limiter& limiter,
                                                     base::Time floor);
  ~Journal() override;  // Writes what is pending; then the limiter may not be asked any more.

  base::Time last_instant() const { return last_instant_; }
  void start(const base::Clock& clock);  // Begins to write. `clock` outlives it.

  uint64_t append(std::string_view record) override;

  std::string failure() const;  // Empty: none. Thread: any.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }  // Thread: any.

 private:
  Journal(limiter::Limiter& limiter, wal::Log::Opened opened);
  void run();
  bool write_pending();
  bool make_room(size_t bytes);
  bool trip();
  void compact();
  void fail(const base::Error& error);

  limiter::Limiter& limiter_;
  std::unique_ptr<wal::Log> log_;  // The thread's, once it runs.
  base::Time last_instant_;
  const base::Clock* clock_ = nullptr;
  uint64_t told_ = 0;            // Records that are durable.
  uint64_t appended_bytes_ = 0;  // Since the last compaction …
  uint64_t compact_at_ = 0;      // … and how many begin the next one.

  base::SpinLock lock_;
  std::string pending_ GUARDED_BY(lock_);
  uint64_t number_ GUARDED_BY(lock_) = 0;
  std::string writing_;
  std::atomic<uint32_t> calls_{0};  // Moves when something is pending.
  std::atomic<bool> ending_{false};
  std::atomic<uint64_t> bytes_{0};
  mutable base::Mutex failure_mutex_;
  std::string failure_ GUARDED_BY(failure_mutex_);
  std::thread thread_;
};

}  // namespace server
