// The thread on which the batches of one log are written and synced.
//
//   owner: hand(batch) ──► [this thread] Writer::run ──► back() rings ──► owner: collect()
#pragma once
#include <atomic>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "server/side_thread.h"
#include "wal/wal.h"

namespace server {

class LogThread {
 public:
  struct Manner {
    std::function<void()> back;  // A batch is back, or written() has moved. On the log's thread.
    // Tell how far the log is written before it is synced (wal::Writer::on_written). May be null.
    std::function<bool()> tells_written;
  };

  // `writer` and `clock` outlive it.
  LogThread(wal::Writer& writer, const base::Clock& clock, Manner manner);

  // Thread: one owner. At most one batch is out at a time; one that is out at the end is written.
  void hand(wal::Batch batch);
  bool out() const { return thread_.out(); }  // Handed, and not collected.
  std::optional<wal::Batch> collect();        // The batch, if it is back.
  wal::Sequence written() const { return written_.load(std::memory_order_acquire); }

 private:
  wal::Writer& writer_;
  Manner manner_;
  wal::Batch batch_;  // The thread's while it is out.
  std::atomic<wal::Sequence> written_{0};
  SideThread thread_;  // Ends first.
};

}  // namespace server
