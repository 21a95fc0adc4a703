#include "server/log_thread.h"

#include <utility>

namespace server {

LogThread::LogThread(wal::Writer& writer, const base::Clock& clock, Manner manner)
    : writer_(writer), manner_(std::move(manner)), thread_([this] { manner_.back(); }) {
  writer_.clock = [&clock] { return clock.now(); };
  if (!manner_.tells_written) return;
  writer_.on_written = [this](const wal::Batch& batch) {
    // Without a sync the batch itself is back as soon.
    if (!batch.sync || batch.last == 0 || !manner_.tells_written()) return;
    written_.store(batch.last, std::memory_order_release);
    manner_.back();
  };
}

void LogThread::hand(wal::Batch batch) {
  batch_ = std::move(batch);
  thread_.hand([this] { writer_.run(batch_); });
}

std::optional<wal::Batch> LogThread::collect() {
  if (!thread_.collect()) return std::nullopt;
  return std::move(batch_);
}

}  // namespace server
