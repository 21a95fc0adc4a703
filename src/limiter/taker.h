// The door of a shard to what its deliveries are charged with: the limits of this process
// (Limiter), or limits that many processes share in a store (store/tickets.h).
//
//   take() ─► nothing: taken, now ·············► renew() … release()     untake(): as if it had not
//         └─► an obstacle ─► watch(its state), take() again: then wait for its instant, or to be
//         told
//
// A Taker that must ask somebody far away answers with an obstacle that is `asking`, and tells the
// watcher of that state when the answer has come; the next take() of the same ask then has it.
//
// Thread: the shard's, at least; Limiter's: any.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"
#include "limiter/ask.h"

namespace limiter {

// What keeps a delivery, or a CHECK that waits, from going now.
struct Obstacle {
  base::Hash128 state{};         // Of the limit that frees last, or of a block: what to wait at.
  std::string limited_by;        // Its name; "blocked".
  base::Duration retry_after{};  // As Decision's; kNever: the cost can never fit.
  bool taken_turn = false;       // Not asked: somebody else waits at `state` (TakeTerms::queued).
  // Not refused yet: a durable limit waits for its journal, or a store for its answer. Watchers are
  // told when.
  bool asking = false;
  // `asking`, and units for so many of the ask are on their way. They are kept for it for a moment
  // only, so nobody should ask for more of them than consumers want. Else 0.
  uint64_t sent_for = 0;
};

struct TakeTerms {
  uint64_t hold_id = 0;      // Of the holds; unique for ever, not 0 if `holds`.
  base::Duration ttl{};      // Of the holds; not cut to the laws' ttl_max.
  bool holds = true;         // False: concurrency limits are only tested (CHECK ... WAIT).
  uint64_t promised_to = 0;  // The taker's own promise does not stand in its way.
  // Where the answer of somebody far away is to be told: the state that the taker waits at, so that
  // it keeps its turn there. Nothing: a state of the ask's own.
  std::optional<base::Hash128> waits_at{};
  uint64_t wanted = 1;  // So many equal asks would be taken one after the other, this one included.
  // Called for each distinct state that could refuse, before anything is decided; true: others wait
  // there, so the answer is an obstacle with taken_turn. May be null. Must not call the limiter.
  const std::function<bool(base::Hash128)>* queued = nullptr;
  // If not null, take() writes here what it met but did not charge (shadows and limits of quota
  // mode that refused, keys without room that were let through), and untake() reads it. Without it
  // untake() gives such limits nothing back.
  std::vector<base::Hash128>* uncharged = nullptr;
};

class Taker {
 public:
  virtual ~Taker() = default;

  // All or none, with the holds of concurrency limits taken under an id of the caller's; limits of
  // quota mode, shadows and blocks as in Limiter::decide(). Nothing: taken. kNotFound: the domain.
  // `answer`, if not null, is filled as decide() would fill it; its views live until this thread's
  // next take() or look().
  // REQUIRES of all seven: validate(ask) is ok; hold ids and ttl or until as TakeTerms says.
  virtual base::Result<std::optional<Obstacle>> take(const Ask& ask, const TakeTerms& terms,
                                                     base::Time now, Answer* answer = nullptr) = 0;
  // This ask will soon be taken, if the one before it goes: whoever must ask far away may do so
  // now. Nobody is told of the answer. Returns for how many units were sent.
  virtual uint64_t expect(const Ask& ask, const TakeTerms& terms, base::Time now) = 0;
  // Takes back a take() of the same ask, terms and instant, with no reload between them, as if it
  // had not been. (A sliding log that another thread has charged at a later instant keeps it.)
  virtual void untake(const Ask& ask, const TakeTerms& terms, base::Time now) = 0;
  virtual void release(const Ask& ask, uint64_t hold_id, base::Time now) = 0;  // A lease ends.
  virtual void renew(const Ask& ask, uint64_t hold_id, base::Time until, base::Time now) = 0;
  // After a replay: a live lease has its holds again, even over the cap and the table's ceiling.
  virtual void restore(const Ask& ask, uint64_t hold_id, base::Time until, base::Time now) = 0;
  // What decide() would answer, charging nothing, as far as it is known here and now.
  virtual Answer look(const Ask& ask, base::Time now) = 0;

  // ---- Waking (watchers.h). A watcher (a shard's number, 0 ... 63) is told when units of a state
  // that it watches come free before their time: release, a shorter renew, cancel, commit of less,
  // untake, forget, unblock, a promise withdrawn, an answer that was awaited. What ends by its time
  // is not told: retry_after says when. Told: at least once after each such event that happened
  // after watch() returned. `watch` before asking again, so that no wake-up is lost. Watching twice
  // is watching once.
  static constexpr uint32_t kWatchersMax = 64;
  virtual void watch(base::Hash128 state, uint32_t watcher) = 0;
  virtual void unwatch(base::Hash128 state, uint32_t watcher) = 0;

  // ---- Promises: for a flow that was passed over too often. At the returned instant t* all rate
  // limits that the ask meets have room for it, of those of quota mode the one that is first: until
  // then any other charge of those states, by whomever, is taken only if the promised cost still
  // fits at t* (else refused with a retry_after that is not early). Nothing is charged, also not by
  // a take() that has `promised_to`; withdraw the promise after it. One promise a state: kFull if
  // one of them has another's already, kInvalid ("cost") if the cost can never fit, kNotFound
  // (domain); over a store nobody can promise: kFull. An owner (not 0) has one promise at a time: a
  // new one replaces it. Over by itself a second after t*; a reload ends all.
  virtual base::Result<base::Time> promise(const Ask& ask, uint64_t owner, base::Time now) = 0;
  virtual void withdraw(uint64_t owner) = 0;
};

}  // namespace limiter
