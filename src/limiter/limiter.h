// The door of the room: keyed limits, decided all or none.
//
// A session hands over all the asks it has read as one Batch; the limiter resolves and hashes them
// together, prefetches their states, then decides each in order. Asks of one batch see each other's
// charges, in order.
//
// Thread: any. Reload swaps the compiled limits; a batch sees either the old ones or the new.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "limiter/limits.h"
#include "limiter/table.h"
#include "metric/metric.h"

namespace limiter {

// Who decided; with the store gone, what the limit says happens then.
enum class DecidedBy : uint8_t { kMemory, kStore, kGrant, kRefuse, kAllow, kLocal };
std::string_view to_string(DecidedBy by);

// One decision to make. Views must live until the batch is cleared.
struct Ask {
  std::string_view domain;
  std::span<const Descriptor> descriptors;
  int64_t cost = 1;       // >= 0; limits with `counts: requests` take 1 whatever it is.
  bool dry_run = false;
};

struct LimitAnswer {  // One limit that the ask met.
  const Limit* limit;
  Descriptor descriptor;
  limit::Decision decision;
};

struct Answer {
  bool known_domain = true;
  bool allowed = true;
  bool matched = false;            // False: no limit and no block matches; the numbers mean nothing.
  std::string_view limited_by;     // Empty: nobody. "blocked": a block. The one that frees last.
  // The numbers are those of limited_by, else of the limit with the least share left.
  limit::Decision numbers;
  std::string_view nearest;        // Whose numbers they are.
  DecidedBy decided_by = DecidedBy::kMemory;
  std::span<const LimitAnswer> limits;
};

// Asks and their answers; reused from batch to batch so that a steady state allocates nothing.
// Thread: one owner at a time.
class Batch {
 public:
  Batch();
  ~Batch();
  void add(const Ask& ask);
  // CL.THROTTLE: a key with a law of its own. The answer has no names; numbers are the law's.
  void add_throttle(std::string_view key, const limit::Gcra& law, int64_t cost);
  size_t size() const;
  const Answer& answer(size_t i) const;  // Valid after decide(), until clear().
  void clear();

 private:
  friend class Limiter;
  struct State;
  std::unique_ptr<State> state_;
};

struct WhyRow {
  const Limit* limit;              // Null: the row of a block without a limit.
  std::string descriptor;
  limit::Decision decision;        // Of a cost of 1, charging nothing.
  base::Time blocked_until{};      // The epoch: not blocked.
};

struct LimiterOptions {
  TableOptions table;
  uint64_t seed = 0;                      // Of the keys' hash: unguessable, new in each process.
  base::Duration ttl_max = std::chrono::hours(12);  // Of reservations and holds.
  size_t open_max = 1'000'000;            // Reservations and holds at a time; over it kFull.
};

class Limiter {
 public:
  explicit Limiter(LimiterOptions options);
  ~Limiter();

  void decide(Batch& batch, base::Time now);

  // Compiles and swaps; on errors the old limits stay. Returns all errors (empty: done).
  std::vector<SpecError> reload(std::vector<DomainSpec> specs);
  std::shared_ptr<const Limits> limits() const;

  // The charge now, the truth later. An answer that refuses leaves `id` empty; errors: kNotFound
  // (domain), kInvalid, kFull. A reservation commits by itself when its time is over.
  struct Opened {
    std::string id;
    std::string limited_by;          // As Answer's, when refused.
    limit::Decision numbers;
  };
  base::Result<Opened> reserve(const Ask& ask, base::Duration ttl, base::Time now);
  base::Result<int64_t> commit(std::string_view id, std::optional<int64_t> cost, base::Time now);
  base::Status cancel(std::string_view id, base::Time now);

  // Rates are charged and holds of concurrency limits taken, all or none.
  base::Result<Opened> acquire(const Ask& ask, base::Duration ttl, base::Time now);
  base::Status renew(std::string_view id, base::Duration ttl, base::Time now);
  base::Status release(std::string_view id, base::Time now);

  // Views in rows live as long as the returned `limits`.
  struct Why {
    std::shared_ptr<const Limits> limits;
    std::vector<WhyRow> rows;
  };
  base::Result<Why> why(std::string_view domain, std::span<const Descriptor> descriptors,
                        base::Time now);
  base::Status block(std::string_view domain, Descriptor descriptor, base::Time until);
  base::Status forget(std::string_view domain, Descriptor descriptor);

  // Housekeeping in a small slice: ends reservations whose time is over, sweeps some segments.
  void tick(base::Time now);

  void collect(metric::Families& families) const;
};

}  // namespace limiter
