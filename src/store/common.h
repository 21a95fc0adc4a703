// What the stores of one process share (store.h), for the room's own use.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "base/random.h"
#include "limiter/gather.h"
#include "limiter/openings.h"
#include "metric/metric.h"
#include "store/breaker.h"
#include "store/gone.h"
#include "store/keys.h"
#include "store/store.h"

namespace store {

// Thread: any.
struct Common::Body {
  Body(Options store_options, limiter::Limiter& limiter_of_names, const base::Clock& process_clock);

  const Options options;
  limiter::Limiter& limits;
  const base::Clock& clock;
  const KeyNames names;
  const limiter::Keys keys;
  limiter::Ids ids;
  Breaker breaker;
  Gone gone;
  const std::string instance;  // Among those that are counted.

  unsigned instances() const;
  int64_t sharers() const;             // Desks that take grants, of all instances.
  std::string clock_argument() const;  // Of the scripts.
  base::Time ticking() const;        // What refusals are remembered by: runs as the store's clock.
  base::Time store_time() const;     // As the store's clock stands now, about.
  void heard(int64_t store_now_us);  // The store has just said its time.

  std::atomic<unsigned> counted{0};
  std::atomic<unsigned> desks{0};      // Of this process.
  std::atomic<unsigned> reachable{0};  // Stores whose client is connected.
  std::atomic<int64_t> lead_ns{0};     // Of the store's clock before ours.
  std::atomic<uint64_t> freed{0};      // Grows when units come free: refusals are forgotten.
  std::atomic<int64_t> present_until_ns{0};

  static constexpr size_t kWays = 6;
  std::array<metric::Counter, kWays> decisions;  // By DecidedBy.
  metric::Counter remembered;                    // Refused without asking the store again.
  metric::Counter calls, errors, given_back;
  struct {
    metric::Counter asked, units, returned;
  } grants;
  metric::Histogram batch;
  // Shared with the clients, which count into it.
  const std::shared_ptr<redis::Metrics> redis = std::make_shared<redis::Metrics>("store");

 private:
  Body(Options store_options, limiter::Limiter& limiter_of_names, const base::Clock& process_clock,
       base::Random seeds);
};

}  // namespace store
