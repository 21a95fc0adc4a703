#include "server/shared_limits.h"

#include <utility>

namespace server {

SharedLimits::SharedLimits(store::Options options, limiter::Limiter& limits,
                           const base::Clock& clock, Queues queues)
    : common_(std::move(options), limits, clock) {
  for (uint32_t shard = 0; shard < queues.shards; ++shard) {
    tickets_.push_back(std::make_unique<store::Tickets>(
        common_, ticket_common_, limits,
        store::TicketOptions{.name = queues.name, .shard = shard}));
  }
}

SharedLimits::~SharedLimits() = default;

std::vector<limiter::Taker*> SharedLimits::takers() const {
  std::vector<limiter::Taker*> takers;
  for (const auto& each : tickets_) takers.push_back(each.get());
  return takers;
}

void SharedLimits::begin(std::span<io::Loop* const> loops,
                         std::function<void(uint32_t, base::Hash128)> freed) {
  ticket_common_.on_freed(std::move(freed));
  for (io::Loop* const loop : loops) {
    stores_.push_back(std::make_unique<store::Store>(*loop, common_));
  }
  for (size_t shard = 0; shard < tickets_.size(); ++shard) {
    const size_t thread = shard % loops.size();
    tickets_[shard]->begin(*loops[thread], *stores_[thread]);
  }
}

void SharedLimits::end(size_t thread) {
  for (size_t shard = thread; shard < tickets_.size(); shard += stores_.size()) {
    tickets_[shard]->end();
  }
}

void SharedLimits::collect(metric::Families& families) const {
  common_.collect(families);
  if (has_queues()) ticket_common_.collect(families);
}

}  // namespace server
