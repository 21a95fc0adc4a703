// Answers that wait until what they say is durable.
//
// Batches are numbered in the order in which they are taken. An answer that was made now speaks of
// what is logged so far, so it waits for the next batch if something is not yet in one, else for
// the batch that is out, else for nothing.
//
// Thread: one owner.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "engine/request.h"
#include "queue/settings.h"

namespace engine {

class Answers {
 public:
  std::function<void(Request&)> done;

  // `batch`: the number of the batch that it waits for; 0: it waits for none.
  void add(Request& request, uint64_t batch, queue::Durability durability) {
    if (batch == 0) {
      ready_.push_back(&request);
    } else {
      (durability == queue::Durability::kOs ? written_ : synced_).push_back({batch, &request});
    }
  }
  void written(uint64_t batch) { pass(written_, batch); }
  void returned(uint64_t batch) {
    pass(written_, batch);
    pass(synced_, batch);
  }
  // The log has failed: whoever waits may or may not have happened.
  void fail(const base::Error& error) {
    for (auto* waiting : {&written_, &synced_}) {
      for (const Waiting& each : *waiting) {
        each.request->status = error;
        ready_.push_back(each.request);
      }
      waiting->clear();
    }
  }
  void release() {
    while (!ready_.empty()) {  // done() may make more of them.
      batch_.swap(ready_);
      for (Request* const request : batch_) done(*request);
      batch_.clear();
    }
  }
  bool any_ready() const { return !ready_.empty(); }

 private:
  struct Waiting {
    uint64_t batch;
    Request* request;
  };
  void pass(std::deque<Waiting>& waiting, uint64_t batch) {
    while (!waiting.empty() && waiting.front().batch <= batch) {
      ready_.push_back(waiting.front().request);
      waiting.pop_front();
    }
  }
  std::deque<Waiting> written_, synced_;
  std::vector<Request*> ready_, batch_;
};

}  // namespace engine
