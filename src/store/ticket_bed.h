// For tests: the tickets of one shard, over an Instance of test_store.h.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "store/test_store.h"
#include "store/tickets.h"

namespace store {

class TicketShard {
 public:
  TicketShard(Instance& instance, std::string name, uint32_t shard = 0)
      : instance_(instance),
        tickets_(instance.common, common, instance.limiter,
                 {.name = std::move(name), .shard = shard}) {
    common.on_freed([this](uint32_t, base::Hash128 state) { freed.push_back(state); });
    tickets_.begin(instance.loop, *instance.store);
  }

  Tickets& get() { return tickets_; }
  base::Time now() const { return instance_.clock.now(); }

  // Once, whatever is on its way.
  std::optional<limiter::Obstacle> once(const limiter::Ask& ask,
                                        limiter::TakeTerms terms = rates()) {
    auto taken = tickets_.take(ask, terms, now());
    CHECK(taken);
    if (*taken) tickets_.watch((*taken)->state, 0);
    return *std::move(taken);
  }
  // Until the store has answered: asked again each time that its state is told.
  std::optional<limiter::Obstacle> take(const limiter::Ask& ask,
                                        limiter::TakeTerms terms = rates()) {
    for (;;) {
      auto obstacle = once(ask, terms);
      if (!obstacle || !obstacle->asking) return obstacle;
      CHECK(
          instance_.run([&] { return std::ranges::find(freed, obstacle->state) != freed.end(); }));
      freed.clear();
    }
  }

  static limiter::TakeTerms rates() { return {.holds = false}; }
  static limiter::TakeTerms hold(uint64_t id, base::Duration ttl = std::chrono::minutes(1)) {
    return {.hold_id = id, .ttl = ttl};
  }

  TicketCommon common;
  std::vector<base::Hash128> freed;

 private:
  Instance& instance_;
  Tickets tickets_;
};

}  // namespace store
