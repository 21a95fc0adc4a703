// What is known of each host that requests go to: what is in flight, how it has answered, whether
// it is to be left alone. It decides about back-off and tells the limiter, which is what holds
// messages back: `block("outbound", [host=H])` (limiter.h).
//
//            breaker_failures events in a row            block over
//   closed ───────────────────────────────────► open ───────────────► half open ─ a probe at a time
//     ▲                                           ▲                      │  │
//     └── an answer that proves it alive ─────────┼──────────────────────┘  │
//                                                 └───── the probe failed ──┘
//
// An event is a request that failed the host (host_failed), or an answer that it is busy
// (host_busy). Busy: it is blocked for as long as it says or for our own back-off, whichever is
// longer; a block is never shortened. Own back-off doubles with each block in a row, whatever its
// kind; an answer that is neither busy nor a failure ends the row.
//
// A burst is one event: answers to requests that were on their way when the last event was counted,
// or that had slipped through when the block fell, say nothing new. So fifty 429 of one instant
// block the host once, at one level of back-off. Only a Retry-After that is longer by over a second
// counts among them: it extends the block. (An answer that it is busy counts where nothing blocks
// the host: the event before it was a failure, or the block is over.)
//
// Half open, the limiter lets one request through at a time, each for at most `probe` (limiter.h).
// A probe that says nothing about the host (dropped, refused) makes room for the next at once.
//
// Memory: a host is forgotten when nothing is in flight and nothing has happened for kIdle; at most
// hosts_max are kept. Over it a host that is not known is still blocked when it says so, but its
// row of events begins anew each time.
//
// Thread: any.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "dispatch/outcome.h"
#include "engine/template.h"
#include "limiter/limiter.h"
#include "metric/metric.h"

namespace dispatch {

// As messages of push queues ask (engine/template.h).
inline constexpr std::string_view kDomain = engine::kOutbound;
inline constexpr std::string_view kHostKey = engine::kHostKey;
inline constexpr std::string_view kGlobalKey = engine::kGlobalKey;
inline constexpr std::string_view kGlobalValue = engine::kGlobalValue;

struct HostsOptions {
  uint32_t breaker_failures = 5;                          // Events in a row that open it.
  base::Duration backoff_base = std::chrono::seconds(1);  // Doubles with each block in a row …
  base::Duration backoff_max = std::chrono::minutes(10);  // … up to this; ± 20 %.
  base::Duration probe = std::chrono::seconds(30);        // How long a probe has for itself.
  uint64_t seed = 0;                                      // Of jitter.
  size_t hosts_max = 1'000'000;
};

struct HostRow {
  std::string host;
  uint64_t in_flight = 0;
  uint64_t requests = 0;       // Ended, ever.
  base::Time blocked_until{};  // <= now: it is not.
  std::string_view
      reason;  // Of the block: "retry-after", "backoff", "breaker", "half open"; or "".
  int64_t per_second_milli = 0;  // Ended requests a second of the last ten, in thousandths.
};

class Hosts {
 public:
  static constexpr base::Duration kIdle = std::chrono::minutes(10);
  static constexpr size_t kLabelled = 20;  // Hosts with a label of their own in metrics.

  Hosts(limiter::Limiter& limiter, HostsOptions options);
  ~Hosts();

  // A request to `host` starts; end() or dropped() must follow.
  void begin(std::string_view host, base::Time now);
  struct Timing {
    base::Time started{};
    // From the start on, as http::Response::Phases; 0: not reached, or nothing to do.
    base::Duration dns{}, connect{}, tls{}, first_byte{}, total{};
  };
  // It has ended as `judgement` says: blocks, opens, closes as drawn above. `exchange` and `timing`
  // are for metrics, but for Timing::started.
  void end(std::string_view host, const Judgement& judgement, const Exchange& exchange,
           const Timing& timing, base::Time now);
  // It was dropped by ourselves (a stop): it says nothing about the host.
  void dropped(std::string_view host, base::Time now);

  // What the shards' walks found (engine::Targets), for metrics: {limit's name, messages}; the
  // epoch: nothing waits.
  void waiting(uint32_t shard, std::vector<std::pair<std::string, uint64_t>> reasons,
               base::Time oldest);

  HostRow row(std::string_view host, base::Time now) const;
  // Those with something in flight, blocked, or seen lately; most in flight first, at most `most`.
  std::vector<HostRow> rows(size_t most, base::Time now) const;
  uint64_t in_flight() const;
  void collect(metric::Families& families, base::Time now) const;
  void tick(base::Time now);  // Forgets a slice of what is idle.

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace dispatch
