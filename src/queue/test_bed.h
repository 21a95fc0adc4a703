// A store with one queue or more, and short words for what tests do to it.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/queue.h"

namespace queue {

class Bed {
 public:
  static constexpr base::Time at(int64_t seconds) {
    return base::Time(std::chrono::seconds(seconds));
  }

  struct Asked {
    std::string_view key = {};
    std::string_view descriptors = {};
    uint32_t priority = kPriorityDefault;
    int64_t delay = 0;    // Seconds.
    int64_t expires = 0;  // A second; 0: never.
    int64_t cost = 1;
    QueueId queue = 1;
  };

  explicit Bed(const Settings& settings = {}) { store.set_queue(1, "q", settings); }

  Number enqueue() { return enqueue(Asked{}); }
  Number enqueue(const Asked& asked) {
    const Number number = next_number++;
    store.enqueue({.queue = asked.queue,
                   .number = number,
                   .key = asked.key,
                   .descriptors = asked.descriptors,
                   .priority = asked.priority,
                   .enqueued = now,
                   .due = now + std::chrono::seconds(asked.delay),
                   .expires = at(asked.expires),
                   .cost = asked.cost,
                   .place = number * 10,
                   .bytes = 100});
    return number;
  }

  // Leases the next message; 0: there is none.
  Number lease(QueueId id = 1) {
    const FlowId flow = store.next(id);
    if (flow == kNoFlow) return 0;
    const Number head = store.flow(flow).head;
    move(head, State::kLeased, 30);
    return head;
  }
  bool move(Number number, State state, int64_t in_seconds = 0) {
    const auto view = store.find(number);
    if (!view) return false;
    const bool leased = state == State::kLeased;
    return store.move(number,
                      {.state = state,
                       .at = now + std::chrono::seconds(in_seconds),
                       .delivered = static_cast<uint16_t>(view->standing.delivered + leased),
                       .failed = view->standing.failed,
                       .start = leased ? 7u : 0u});
  }
  std::vector<Number> drain(QueueId id = 1) {  // Leases and removes until nothing goes.
    std::vector<Number> order;
    for (Number n; (n = lease(id)) != 0; store.remove(n)) order.push_back(n);
    return order;
  }
  void reap_all() {
    while (store.reap(now, 1000)) {
    }
  }
  Depths depths(QueueId id = 1) const { return store.find(id)->depths; }

  std::vector<std::pair<Place, uint32_t>> gone;
  Store store{[this](Place place, uint32_t bytes) { gone.emplace_back(place, bytes); }};
  base::Time now = at(1000);
  Number next_number = 1;
};

}  // namespace queue
