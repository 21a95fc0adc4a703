// The door of the room: limits whose states live in Redis or Redis Cluster, shared by any number of
// processes. The store's clock decides, in microseconds (docs/store.md).
//
//   decide() ─► asks of many callers, gathered for one loop round ─► one script call (strict)
//            └► a hot key of a limit with Mode::kGranted: units of a grant, spent in memory
//   the store gone or slow ─► per limit: refuse | allow | local, as long as the breaker is open
//
// Limits, their names and their laws are those of `limits`, a Limiter of this process, whose own
// states are not used. A change of limits is seen at the next ask.
//
// Thread: its loop's; one Store a thread, all of them share one Common.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/time.h"
#include "limiter/decider.h"
#include "metric/metric.h"
#include "redis/redis.h"

namespace io {
class Loop;
}

namespace store {

// Where in a cluster the states of one decision are.
enum class Placement : uint8_t {
  kDomain,  // One hash tag a domain: one call decides, and one node carries the whole domain.
  kSpread,  // Every state its own slot: reserve in each, then commit or give back in each.
};

struct Options {
  redis::Options redis;
  std::string prefix = "rl";  // Of all keys.
  Placement placement = Placement::kDomain;
  base::Duration deadline = std::chrono::milliseconds(10);  // Of every call; then when_gone.
  unsigned instances = 0;  // For `local`, until some have been counted in the store; 0: 1.
  // The breaker: so many calls in a row that failed or were late open it, for a pause that doubles
  // with jitter; then one call at a time tries.
  uint32_t breaker_failures = 5;
  base::Duration breaker_min = std::chrono::milliseconds(100);
  base::Duration breaker_max = std::chrono::seconds(5);
  base::Duration presence = std::chrono::seconds(2);  // How often this instance says it is there.
  base::Duration ttl_max = std::chrono::hours(12);    // Of reservations and holds.
  uint64_t seed = 0;                                  // Of ids, jitter, and the local limits' keys.
  // Of tests: the laws are told this clock's time instead of the store's, so that a history can be
  // played; nothing expires then.
  const base::Clock* store_clock = nullptr;
};

// kInvalid ("rate", "burst") if a law's numbers do not fit the store: cost · period in µs stays
// under 2^53, and periods are whole µs. A limit that does not fit is decided as if the store were
// gone; so is an ask that meets more than 255 limits.
base::Status check(const limiter::LimitSpec& spec);

// What the stores of one process share.
class Common {
 public:
  Common(Options options, limiter::Limiter& limits, const base::Clock& clock);
  ~Common();
  const Options& options() const;
  bool up() const;             // Some store of the process can reach it, and the breaker is closed.
  unsigned instances() const;  // As last counted; at least 1.
  void collect(metric::Families& families) const;
  // Thread: any, for all of these.

  struct Body;  // The room's own.
 private:
  friend class Store;
  friend class Tickets;
  std::unique_ptr<Body> body_;
};

// What a Store adds to Decider's words:
//   - A call whose answer is lost may have charged: it is never made again, its asks are decided as
//     their limits say, so a loss refuses too much and admits nothing.
//   - reserve() and acquire() need the store: with it gone they end with kIo, whatever `when_gone`
//     says, because an id must hold at every instance. An id does, of reservations and holds alike.
//   - commit(), cancel() and release() take the opening out of the store first; what they give back
//     is sent once, never again. An instance that dies in between loses units, and admits none.
//   - A block is seen by every instance at its next call, and by refusals that are remembered and
//     by units of grants a second later at most. With the store gone nobody sees it.
//   - Units of grants that are out when a key is forgotten may be spent beside the full burst.
class Store final : public limiter::Decider {
 public:
  Store(io::Loop& loop, Common& common);
  ~Store() override;

  void decide(std::span<const limiter::Ask> asks, Decided done) override;
  void reserve(const limiter::Ask& ask, base::Duration ttl, Opened done) override;
  void commit(std::string_view id, std::optional<int64_t> cost, Committed done) override;
  void cancel(std::string_view id, Ended done) override;
  void acquire(const limiter::Ask& ask, base::Duration ttl, Opened done) override;
  void renew(std::string_view id, base::Duration ttl, Ended done) override;
  void release(std::string_view id, Ended done) override;
  void why(std::string_view domain, std::span<const limiter::Descriptor> descriptors,
           Explained done) override;
  void block(std::string_view domain, limiter::Descriptor descriptor, base::Duration span,
             Ended done) override;
  void forget(std::string_view domain, limiter::Descriptor descriptor, Ended done) override;

  struct Body;  // The room's own.
 private:
  friend class Tickets;
  std::unique_ptr<Body> body_;
};

}  // namespace store
