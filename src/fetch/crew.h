// Threads that run a function that blocks, one URL at a time each; started as they are needed.
//
// Thread: one owner, but for what is inside.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "fetch/pool.h"

namespace fetch {

class Crew {
 public:
  using Work = std::function<Result(const std::string& url)>;
  explicit Crew(Work work) : work_(std::move(work)) {}
  ~Crew();  // Waits for what runs; what has not begun is dropped.

  // `done` is called on the thread that ran it. What `work` throws is a result with an error.
  void run(std::string url, std::function<void(Result&&)> done);

 private:
  struct Task {
    std::string url;
    std::function<void(Result&&)> done;
  };
  void serve();
  Result work(const std::string& url) const;

  const Work work_;
  base::Mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Task> tasks_ GUARDED_BY(mutex_);
  size_t idle_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace fetch
