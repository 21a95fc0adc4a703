// The door of the room: keyed limits, decided all or none.
//
// A session hands over all the asks it has read as one Batch; the limiter resolves and hashes them
// together, prefetches their states, then decides each in order. Asks of one batch see each other's
// charges, in order.
//
// Thread: any. Reload swaps the compiled limits; a batch sees either the old ones or the new.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "limiter/ask.h"
#include "limiter/journal.h"
#include "limiter/limits.h"
#include "limiter/table.h"
#include "limiter/taker.h"
#include "metric/metric.h"

namespace limiter {

struct BatchState;    // batch.h
struct LimiterState;  // state.h

// Asks and their answers; reused from batch to batch so that a steady state allocates nothing.
// Thread: one owner at a time.
class Batch {
 public:
  Batch();
  ~Batch();
  // REQUIRES: cost >= 0 and at most kDescriptorsMax descriptors of each domain. Without a
  // descriptor nothing matches and the ask is allowed.
  void add(const Ask& ask);
  // CL.THROTTLE: a key with a law of its own. The answer has no names; numbers are the law's.
  // REQUIRES: cost >= 0.
  void add_throttle(std::string_view key, const limit::Gcra& law, int64_t cost);
  size_t size() const;
  const Ask& ask(size_t i) const;        // As it was added, until clear(); of a throttle its cost.
  const Answer& answer(size_t i) const;  // Valid after decide(), until clear().
  void clear();

 private:
  friend class Limiter;
  std::unique_ptr<BatchState> state_;
};

struct WhyRow {
  const Limit* limit;  // Null: the row of a block without a limit.
  std::string descriptor;
  limit::Decision decision;    // Of a cost of 1, charging nothing; refused while blocked.
  base::Time blocked_until{};  // The epoch: not blocked.
};

struct LimiterOptions {
  TableOptions table{};
  // Of the keys' hash: unguessable, new in each process. With durable limits the owner keeps it in
  // the data directory: the journal names states by their keys.
  uint64_t seed = 0;
  base::Duration ttl_max = std::chrono::hours(12);  // Of reservations and holds.
  size_t open_max = 1'000'000;  // Reservations and holds at a time; over it kFull.
};

class Limiter final : public Taker {
 public:
  explicit Limiter(LimiterOptions options);
  ~Limiter() override;

  // Once between two clear()s of the batch. Concurrency limits are tested for one more hold, not
  // taken. Limits of quota_mode refuse only if all of them do (verdict.h).
  void decide(Batch& batch, base::Time now);

  // Compiles and swaps; on errors the old limits stay. Returns all errors (empty: done).
  std::vector<SpecError> reload(std::vector<DomainSpec> specs);
  std::shared_ptr<const Limits> limits() const;

  // The charge now, the truth later. An answer that refuses leaves `id` empty; errors: kNotFound
  // (domain), kInvalid ("descriptors", "also_domain", "cost", "dry_run", "ttl_ms"), kFull. A
  // reservation commits by itself when its time is over. Ids are opaque ASCII of at most 48 bytes,
  // begin with a letter, and are never used again.
  //
  // The descriptors stay in memory while it is open: keys and values of one may have
  // kOpeningBytesMax in all, so `open_max` bounds the memory of all; over it kInvalid
  // ("descriptors").
  static constexpr size_t kOpeningBytesMax = 4096;
  struct Opened {
    std::string id;
    std::string limited_by;  // As Answer's, when refused.
    limit::Decision numbers;
  };
  base::Result<Opened> reserve(const Ask& ask, base::Duration ttl, base::Time now);
  // The true cost; nothing: the reserved one. Less than reserved: each limit gets the rest back, as
  // far as it has not leaked back. More: each limit is charged the rest as far as it has room, and
  // then up to its own overdraft; limits do so apart, a commit is not all or none. Returns the
  // units that every limit (shadows aside) has been charged in all. Limits that count requests
  // keep 1. kNotFound: the reservation is not there, or over. Limits are those in force at the
  // commit: one that a reload removed is left alone. One whose law a reload changed gets nothing
  // back, here and at a cancel: how much of the charge the conversion kept is not known.
  base::Result<int64_t> commit(std::string_view id, std::optional<int64_t> cost, base::Time now);
  // Gives back all that has not leaked back, also to limits that count requests.
  base::Status cancel(std::string_view id, base::Time now);

  // Rates are charged and holds of concurrency limits taken, all or none: one hold of each limit,
  // however many descriptors lead to it. All holds end together: `ttl` is cut to the shortest
  // ttl_max of their laws, also in renew(). release() gives back the holds, not the rates.
  // kNotFound: the holds have ended.
  base::Result<Opened> acquire(const Ask& ask, base::Duration ttl, base::Time now);
  base::Status renew(std::string_view id, base::Duration ttl, base::Time now);
  base::Status release(std::string_view id, base::Time now);

  // ---- Deliveries (taker.h).
  base::Result<std::optional<Obstacle>> take(const Ask& ask, const TakeTerms& terms, base::Time now,
                                             Answer* answer = nullptr) override;
  uint64_t expect(const Ask&, const TakeTerms&, base::Time) override { return 0; }
  void untake(const Ask& ask, const TakeTerms& terms, base::Time now) override;
  void release(const Ask& ask, uint64_t hold_id, base::Time now) override;
  void renew(const Ask& ask, uint64_t hold_id, base::Time until, base::Time now) override;
  void restore(const Ask& ask, uint64_t hold_id, base::Time until, base::Time now) override;
  Answer look(const Ask& ask, base::Time now) override;
  base::Result<base::Time> promise(const Ask& ask, uint64_t owner, base::Time now) override;
  void withdraw(uint64_t owner) override;

  // Told on whichever thread frees; what is called may hold a lock of the room, and must not call
  // the limiter. Both are set once, before threads start.
  void watch(base::Hash128 state, uint32_t watcher) override;
  void unwatch(base::Hash128 state, uint32_t watcher) override;
  void on_freed(std::function<void(uint32_t watcher, base::Hash128 state)> told);
  void on_reload(std::function<void()> told);  // After each reload; all states may have room.

  // ---- Durable limits (journal.h). Without a journal, and after it failed, they refuse. A commit
  // of more than was reserved is charged even if the journal does not cover it yet.
  void use(Journal* journal);        // Outlives the limiter. Once, before threads start.
  void journaled(uint64_t through);  // Records with numbers up to it are durable. Tells watchers.
  void journal_failed();             // For good. Tells watchers.
  // REQUIRES: use(). One record of the log, in order, at the restart. A state is as that record
  // says with the whole block used at `now`. kInvalid: no record of this format; kFull: no room.
  base::Status recover(std::string_view record, base::Time now);
  // Appends all that the log must know anew, in slices: `slice` counts from 0. False: that was all.
  bool rejournal(size_t& slice, base::Time now);

  // Views in rows live as long as the returned `limits`.
  struct Why {
    std::shared_ptr<const Limits> limits;
    std::vector<WhyRow> rows;
  };
  // Every limit that matches, also one that another displaces; in a row of a block without a limit
  // only `descriptor`, `blocked_until` and a decision that waits for it. kNotFound: the domain.
  base::Result<Why> why(std::string_view domain, std::span<const Descriptor> descriptors,
                        base::Time now);
  // The epoch ends a block. kFull: the table has no room; nothing is blocked. kInvalid ("probe"):
  // it is below 0 or over a year.
  //
  // With `probe` above 0 the block does not end at `until` but is half open from then on: one ask
  // that meets it goes (if its limits let it), and keeps it closed for another `probe`; and so on,
  // until block() ends it or replaces it. An ask that is refused, taken back or a dry run uses up
  // no probe. Half open for an hour with nobody asking, it ends by itself.
  base::Status block(std::string_view domain, Descriptor descriptor, base::Time until,
                     base::Time now, base::Duration probe = {});
  base::Status forget(std::string_view domain, Descriptor descriptor);

  // Housekeeping in a small slice: ends reservations whose time is over, sweeps some segments.
  void tick(base::Time now);

  // A decision that was made elsewhere (decider.h): counted as one that is made here.
  void count(std::string_view domain, const Answer& answer);
  void collect(metric::Families& families) const;

 private:
  std::unique_ptr<LimiterState> state_;
};

}  // namespace limiter
