// Deliveries whose limits live in a store: a limiter::Taker that asks it for one message's units at
// a time, before the message is leased.
//
//   take() ─► a ticket is there ······► taken
//         └─► none: one is sent for ──► `asking` … the answer ─► told ─► take() again
//                                                    ├ allowed: a ticket, charged in the store
//                                                    └ refused: an obstacle, until its instant
//
// The first domain of an ask is the store's. The second (`also`: what pushes are charged with) is
// of this process and is charged in `local`, together with the use of the ticket or not at all.
//
// A ticket that nobody has used within its life is given back once: holds are released, of rates
// what has not flowed back by then. Holds have an id of the caller's, so that after a restart, and
// whoever asks, a lease finds its holds again. A release or renewal whose call failed is made again
// until it succeeds; repeating it does no harm.
//
// With the store gone each limit does as its `when_gone` says (store.h). A message that needs a
// hold waits instead, and asks again with the breaker's pauses, unless all its concurrency limits
// say `allow`.
//
// What frees units early is told within the process. What another process frees is met by asking
// again: a concurrency limit every 5 to 200 ms, a block every few seconds. Nobody promises:
// promise() is kFull, and the bound on starvation is that of the turns of this process.
//
// Thread: its loop's; restore() also before begin().
#pragma once
#include <memory>
#include <string>

#include "limiter/taker.h"
#include "store/store.h"
#include "store/ticket_common.h"

namespace store {

struct TicketOptions {
  // Of the holds in the store: no other data directory has it, and it stays with the directory.
  std::string name;
  uint32_t shard = 0;                                    // The watcher that is told.
  base::Duration life = std::chrono::milliseconds(250);  // Of a ticket that nobody uses.
  uint64_t together_max = 64;                            // Sent for in one call, for equal asks.
};

class Tickets final : public limiter::Taker {
 public:
  // All outlive it. `local`: the limits of this process, which `common` has its names from.
  Tickets(Common& common, TicketCommon& shared, limiter::Limiter& local, TicketOptions options);
  ~Tickets() override;

  // Before the first take(). The store is one of `common`, and of this loop.
  void begin(io::Loop& loop, Store& store);
  void end();  // Gives everything back; nothing is taken any more.

  base::Result<std::optional<limiter::Obstacle>> take(const limiter::Ask& ask,
                                                      const limiter::TakeTerms& terms,
                                                      base::Time now,
                                                      limiter::Answer* answer = nullptr) override;
  uint64_t expect(const limiter::Ask& ask, const limiter::TakeTerms& terms,
                  base::Time now) override;
  void untake(const limiter::Ask& ask, const limiter::TakeTerms& terms, base::Time now) override;
  void release(const limiter::Ask& ask, uint64_t hold_id, base::Time now) override;
  void renew(const limiter::Ask& ask, uint64_t hold_id, base::Time until, base::Time now) override;
  void restore(const limiter::Ask& ask, uint64_t hold_id, base::Time until,
               base::Time now) override;
  limiter::Answer look(const limiter::Ask& ask, base::Time now) override;
  void watch(base::Hash128 state, uint32_t watcher) override;
  void unwatch(base::Hash128 state, uint32_t watcher) override;
  base::Result<base::Time> promise(const limiter::Ask& ask, uint64_t owner,
                                   base::Time now) override;
  void withdraw(uint64_t owner) override;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace store
