#include "server/log_thread.h"

#include <utility>

#include "base/check.h"

namespace server {

LogThread::LogThread(wal::Writer& writer, const base::Clock& clock, Manner manner)
    : writer_(writer), manner_(std::move(manner)) {
  writer_.clock = [&clock] { return clock.now(); };
  if (manner_.tells_written) {
    writer_.on_written = [this](const wal::Batch& batch) {
      // Without a sync the batch itself is back as soon.
      if (!batch.sync || batch.last == 0 || !manner_.tells_written()) return;
      written_.store(batch.last, std::memory_order_release);
      manner_.back();
    };
  }
  thread_ = std::thread([this] { run(); });
}

LogThread::~LogThread() {
  if (out_) state_.wait(kOut);
  state_.store(kEnd);
  state_.notify_one();
  thread_.join();
}

void LogThread::hand(wal::Batch batch) {
  CHECK(!out_);
  out_ = true;
  batch_ = std::move(batch);
  state_.store(kOut, std::memory_order_release);
  state_.notify_one();
}

std::optional<wal::Batch> LogThread::collect() {
  if (!out_ || state_.load(std::memory_order_acquire) != kBack) return std::nullopt;
  out_ = false;
  state_.store(kIdle, std::memory_order_relaxed);
  return std::move(batch_);
}

// Only the owner moves the state on from kIdle and kBack, and only this thread from kOut.
void LogThread::run() {
  for (;;) {
    const uint32_t state = state_.load(std::memory_order_acquire);
    if (state == kEnd) return;
    if (state != kOut) {
      state_.wait(state, std::memory_order_acquire);
      continue;
    }
    writer_.run(batch_);
    state_.store(kBack, std::memory_order_release);
    state_.notify_one();  // Its end may wait for it.
    manner_.back();
  }
}

}  // namespace server
