// One host: how it has answered, as a state machine that is told what came of a request and says
// what the limiter is to be told. The rules are drawn in hosts.h.
//
// Thread: one owner at a time.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/random.h"
#include "base/time.h"
#include "dispatch/hosts.h"

namespace dispatch {

// How many events there were in the last ten seconds: whole seconds, and so much of the eleventh as
// is still within.
class Recent {
 public:
  static constexpr int64_t kSeconds = 10;
  void count(base::Time now);
  int64_t per_second_milli(base::Time now) const;

 private:
  static constexpr size_t kSlots = kSeconds + 1;
  std::array<uint32_t, kSlots> slots_{};
  int64_t second_ = 0;  // Of the newest slot; a slot is its second modulo kSlots.
};

class Host {
 public:
  // What limiter::Limiter::block() is to be told; `until` the epoch: the block ends.
  struct Block {
    base::Time until{};
    base::Duration probe{};
  };

  void begin(base::Time now);
  std::optional<Block> end(const Judgement& judgement, base::Time started, base::Time now,
                           const HostsOptions& options, base::Random& random);
  std::optional<Block> dropped(base::Time now, const HostsOptions& options);
  void unblocked();  // The limiter had no room for the block.

  // Nothing in flight, no block that holds, and nothing has happened for kIdle.
  bool idle(base::Time now) const;
  // Half open, so the limiter must be told when it is forgotten.
  bool breaker() const { return kind_ == Kind::kBreaker; }
  bool backing_off(base::Time now) const { return breaker() || blocked_until_ > now; }
  // May be forgotten before its time: the limiter needs not be told.
  bool spare(base::Time now) const { return in_flight_ == 0 && !backing_off(now); }
  uint64_t in_flight() const { return in_flight_; }
  HostRow row(std::string_view name, base::Time now) const;

 private:
  enum class Kind : uint8_t { kNone, kRetryAfter, kBackoff, kBreaker };

  std::optional<Block> hear(const Judgement& judgement, base::Time started, base::Time now,
                            const HostsOptions& options, base::Random& random);
  std::optional<Block> busy(std::optional<base::Duration> host_wait, base::Time now,
                            const HostsOptions& options, base::Random& random);
  std::optional<Block> longer(base::Duration host_wait, base::Time now,
                              const HostsOptions& options);
  std::optional<Block> failed(base::Time now, const HostsOptions& options, base::Random& random);
  std::optional<Block> alive();
  std::optional<Block> next_probe(base::Time now, const HostsOptions& options) const;
  base::Duration backoff(const HostsOptions& options, base::Random& random) const;
  void ended(base::Time now);

  uint64_t requests_ = 0;
  uint32_t in_flight_ = 0;
  uint32_t failures_ = 0;  // Events of failure in a row.
  uint32_t blocks_ = 0;    // Blocks in a row: the level of back-off.
  Kind kind_ = Kind::kNone;
  base::Time blocked_until_{};
  base::Time event_{};  // The last one; what had started by then says nothing new.
  base::Time seen_{};
  Recent recent_;
};

}  // namespace dispatch
