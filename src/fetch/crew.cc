#include "fetch/crew.h"

#include <exception>
#include <utility>

namespace fetch {

Crew::~Crew() {
  {
    const base::Guard guard(mutex_);
    stopping_ = true;
    tasks_.clear();
  }
  wake_.notify_all();
  for (std::thread& each : threads_) each.join();
}

void Crew::run(std::string url, std::function<void(Result&&)> done) {
  bool needs_thread = false;
  {
    const base::Guard guard(mutex_);
    tasks_.push_back({std::move(url), std::move(done)});
    needs_thread = tasks_.size() > idle_;
  }
  wake_.notify_one();
  if (needs_thread) threads_.emplace_back([this] { serve(); });
}

Result Crew::work(const std::string& url) const {
  Result result;
  try {
    return work_(url);
  } catch (const std::exception& error) {
    result.error = error.what();
  } catch (...) {
    result.error = "an exception of unknown type";
  }
  return result;
}

void Crew::serve() {
  for (;;) {
    Task task;
    {
      const base::Guard guard(mutex_);
      ++idle_;
      while (tasks_.empty() && !stopping_) wake_.wait(mutex_);
      --idle_;
      if (stopping_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task.done(work(task.url));
  }
}

}  // namespace fetch
