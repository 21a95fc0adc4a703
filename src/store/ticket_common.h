// What the tickets of one process share: who waits for states in the store, and counts.
//
// Thread: any.
#pragma once
#include <cstdint>
#include <functional>

#include "base/hash.h"
#include "limiter/watchers.h"
#include "metric/metric.h"

namespace store {

class TicketCommon {
 public:
  // As Limiter::on_freed. Once, before threads start.
  void on_freed(std::function<void(uint32_t watcher, base::Hash128 state)> told);
  void collect(metric::Families& families) const;

  // ---- The room's own.
  void tell(uint32_t watcher, base::Hash128 state) const { told_(watcher, state); }

  limiter::Watchers watchers;
  metric::Counter asked;     // Sent for.
  metric::Counter used;      // A delivery, or a CHECK that waited, has gone with it.
  metric::Counter returned;  // Given back, unused.
  metric::Gauge in_flight;   // Sent for, not answered.
  metric::Gauge kept;        // There, not used.
  metric::Gauge owed;        // Changes of holds that the store has not confirmed.

 private:
  std::function<void(uint32_t, base::Hash128)> told_ = [](uint32_t, base::Hash128) {};
};

}  // namespace store
