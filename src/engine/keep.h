// Keeping the log small: snapshots of the index, and compaction of segments.
//
// A snapshot is written in slices while work goes on. It begins at a sequence F; a message is
// written as it is when its turn comes; whoever loads it replays the log from F. Records are
// absolute (books.h), so a message that changed in between comes out right either way. Two things
// are not absolute, purges and queues that go: they make a snapshot that is being written start
// again.
//
// With a snapshot, the log before F matters only for the bodies of messages that are still there. A
// segment without any is removed. Those that are less than half alive are compacted when together
// they waste more than all that is alive: their messages are looked up in the index, read in
// slices, and each one that is still where it was is copied to the end of the log.
//
// Thread: one owner.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/disk.h"
#include "engine/books.h"
#include "engine/metrics.h"
#include "wal/wal.h"

namespace engine {

struct KeeperOptions {
  std::string dir;
  uint32_t shard = 0;
  uint64_t snapshot_after_bytes = 0;
};

class Keeper {
 public:
  Keeper(KeeperOptions options, base::Disk& disk, Books& books, wal::Log& log,
         Engine::Metrics& metrics);
  ~Keeper();

  // Loads the newest snapshot; returns the first sequence to replay and, in `last_instant` and
  // `counted_from`, the instant it knows of and where counting of totals begins.
  struct Loaded {
    wal::Sequence from = 1;
    wal::Sequence counted_from = 1;
    base::Time last_instant{};
  };
  static base::Result<Loaded> load(base::Disk& disk, const KeeperOptions& options, Books& books);

  void opened(wal::Sequence snapshot_from);  // The log is there; its segments are known.
  void restart();                            // A purge, or a queue has gone.
  void tick(base::Time now);                 // A slice, if there is something to do.
  bool busy() const;                         // Another slice waits to be done now.
  void appended(size_t bytes);               // To the log.
  std::function<void()> take_chore();        // As Engine's.
  void chore_done(base::Time now);
  // A read that tick() asked the log for has come back. True: it was the keeper's.
  bool take_read(const wal::Read& read);
  // Copies a message to the end of the log: set by the owner, who appends.
  std::function<bool(std::string_view record, queue::Number number)> copy;
  std::function<void()> sync;  // Has the log synced, by a record; set by the owner.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace engine
