// How decisions keep to the promises that stand beside states (limiter/promises.h).
#include <algorithm>

#include "limiter/cell.h"
#include "limiter/locked.h"
#include "limiter/table.h"

namespace limiter {

namespace {

bool is_rate(const Hit& hit) { return kind_of(*hit.law) != Kind::kHolds; }

}  // namespace

// The most of `most` units that may be charged now so that the promise is kept.
int64_t Table::spare(const Slot* slot, const Hit& hit, base::Time now,
                     const Promises::Promise& promise, const OverTerms& over) const {
  const auto keeps = [&](int64_t cost) {
    return fits_later(slot, hit,
                      {.first = cost,
                       .overdraft = over.overdraft,
                       .then = promise.cost,
                       .later = std::max(promise.at, now)},
                      now, laws_);
  };
  if (keeps(over.most)) return over.most;
  int64_t low = 0, high = over.most;  // What is kept, what is not.
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (keeps(middle) ? low : high) = middle;
  }
  return low;
}

void Table::keep_promise(const Hit& hit, int64_t cost, base::Time now, uint64_t promised_to,
                         limit::Decision& decision) const {
  if (!is_rate(hit)) return;
  const auto promise = promises_.find(hit.key, promised_to, now);
  if (!promise) return;
  const Slot* const slot = find(hit.key);
  const int64_t most = decision.remaining + (decision.allowed ? cost : 0);
  const int64_t spared = spare(slot, hit, now, *promise, {.most = most});
  const bool allowed = decision.allowed && cost <= spared;
  decision.remaining = allowed ? spared - cost : spared;
  if (allowed || cost == 0) return;
  // The first instant that is sure: the promise is over. If it is withdrawn earlier, watchers are
  // told.
  const base::Duration over = promise->over() - now;
  const base::Duration more = check(slot, hit, cost, promise->over(), laws_).retry_after;
  decision.allowed = false;
  decision.retry_after = more == limit::kNever ? more : over + more;
}

base::Result<base::Time> Table::promise(std::span<const Hit> hits, uint64_t owner,
                                        base::Time not_before, base::Time now) {
  const Locked locked(directory_, hits);
  base::Time at = std::max(now, not_before);
  for (const Hit& hit : hits) {
    if (promises_.find(hit.key, owner, now)) {
      return base::Error{base::Code::kFull, "a limit is promised to another", {}};
    }
    const auto wait = check(find(hit.key), hit, hit.cost, now, laws_).retry_after;
    if (wait == limit::kNever) return base::invalid("the cost can never fit", "cost");
    at = std::max(at, now + wait);
  }
  if (!hits.empty()) promises_.put(hits, owner, at);
  return at;
}

}  // namespace limiter
