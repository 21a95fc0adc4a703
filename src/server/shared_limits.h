// Limits that this process shares with others in a store: one Store a thread, and for each shard
// what its deliveries are charged with.
//
//   made ─► takers() ─► [the engines open] ─► begin(loops) ─► … ─► end() on each thread ─► gone
//
// Gone before the loops are, and after the threads have ended.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/loop.h"
#include "limiter/taker.h"
#include "metric/metric.h"
#include "store/store.h"
#include "store/ticket_common.h"
#include "store/tickets.h"

namespace server {

class SharedLimits {
 public:
  struct Queues {
    uint32_t shards = 0;  // Shard i belongs to thread i % threads. 0: there are no queues.
    std::string name;     // No other data directory has it, and it stays with the directory.
  };
  // `limits` says which there are, and has those of this process' own. It and the clock outlive
  // this.
  SharedLimits(store::Options options, limiter::Limiter& limits, const base::Clock& clock,
               Queues queues);
  ~SharedLimits();

  // By shard. Nothing but restore() until begin().
  std::vector<limiter::Taker*> takers() const;
  // Before the loops run. `freed` hears which shard may ask again, at which state; thread: any.
  void begin(std::span<io::Loop* const> loops,
             std::function<void(uint32_t shard, base::Hash128 state)> freed);
  store::Store& store(size_t thread) { return *stores_[thread]; }
  // The shards of `thread` have stopped: what nobody uses is given back. Thread: that one.
  void end(size_t thread);

  // Thread: any, for the rest.
  bool has_queues() const { return !tickets_.empty(); }
  base::Duration deadline() const { return common_.options().deadline; }
  bool up() const { return common_.up(); }
  unsigned instances() const { return common_.instances(); }
  void collect(metric::Families& families) const;

 private:
  store::Common common_;
  store::TicketCommon ticket_common_;
  std::vector<std::unique_ptr<store::Store>> stores_;     // By thread.
  std::vector<std::unique_ptr<store::Tickets>> tickets_;  // By shard.
};

}  // namespace server
