#include "server/side_thread.h"

#include <utility>

#include "base/check.h"

namespace server {

SideThread::SideThread(std::function<void()> back)
    : back_(std::move(back)), thread_([this] { run(); }) {}

SideThread::~SideThread() {
  if (out_) state_.wait(kOut);
  state_.store(kEnd);
  state_.notify_one();
  thread_.join();
}

void SideThread::hand(std::function<void()> task) {
  CHECK(!out_);
  out_ = true;
  task_ = std::move(task);
  state_.store(kOut, std::memory_order_release);
  state_.notify_one();
}

bool SideThread::collect() {
  if (!out_ || state_.load(std::memory_order_acquire) != kBack) return false;
  out_ = false;
  task_ = nullptr;
  state_.store(kIdle, std::memory_order_relaxed);
  return true;
}

// Only the owner moves the state on from kIdle and kBack, and only this thread from kOut.
void SideThread::run() {
  for (;;) {
    const uint32_t state = state_.load(std::memory_order_acquire);
    if (state == kEnd) return;
    if (state != kOut) {
      state_.wait(state, std::memory_order_acquire);
      continue;
    }
    task_();
    state_.store(kBack, std::memory_order_release);
    state_.notify_one();  // Its end may wait for it.
    back_();
  }
}

}  // namespace server
