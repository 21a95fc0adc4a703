// A thread beside its owner's, for one task at a time that may take long.
//
//   owner: hand(task) ──► [this thread] task() ──► back() ──► owner: collect()
#pragma once
#include <atomic>
#include <functional>
#include <thread>

namespace server {

class SideThread {
 public:
  // `back`: a task is done. On the side thread.
  explicit SideThread(std::function<void()> back);
  ~SideThread();  // A task that is out runs to its end.

  // Thread: one owner.
  void hand(std::function<void()> task);  // REQUIRES: !out().
  bool out() const { return out_; }       // Handed, and not collected.
  bool collect();                         // It is done: from now on it is not out.

 private:
  enum State : uint32_t { kIdle, kOut, kBack, kEnd };
  void run();

  std::function<void()> back_;
  std::function<void()> task_;  // The thread's while kOut, the owner's else.
  bool out_ = false;
  std::atomic<uint32_t> state_{kIdle};
  std::thread thread_;
};

}  // namespace server
