#include "store/round.h"

#include "limiter/cell.h"
#include "limiter/verdict.h"

namespace store {

void conclude(Round& round, Item& item, int64_t now, bool charges, limiter::Answer& answer) {
  const limiter::GatheredSpan& span = item.span;
  const auto decisions = std::span(round.decisions).subspan(span.hits, span.hits_end - span.hits);
  const auto rows = std::span(round.rows).subspan(span.met, span.met_end - span.met);
  for (size_t h = span.hits; h < span.hits_end; ++h) {
    if (round.taken(h)) {
      round.decisions[h] = round.local[h].spent;
      continue;
    }
    const Seen& seen = round.seen[h];
    const int64_t at = now != 0 ? now : seen.now;
    round.decisions[h] = round.laws[h]->decide(seen, at, round.gathered.hits[h].cost);
  }
  const base::Duration blocked =
      item.blocked_until > item.now ? from_us(item.blocked_until - item.now) : base::Duration{};
  const auto put_together = [&] {
    limiter::Answer put;
    limiter::answer_ask(round.gathered, span, decisions, blocked, rows, put);
    answer = put;
  };
  put_together();
  bool restated = false;
  for (size_t h = span.hits; h < span.hits_end; ++h) {
    limit::Decision& decision = round.decisions[h];
    const limiter::Hit& hit = round.gathered.hits[h];
    const bool charged = charges && answer.allowed && limiter::charges(hit, item.purpose);
    if (!decision.allowed || charged || hit.cost == 0) continue;
    restated = true;
    if (round.taken(h)) {
      decision = round.local[h].kept;
      continue;
    }
    const Seen& seen = round.seen[h];
    const limit::Decision as_it_is = round.laws[h]->decide(seen, now != 0 ? now : seen.now, 0);
    decision.remaining = as_it_is.remaining;
    decision.reset_after = as_it_is.reset_after;
  }
  if (restated) put_together();
  answer.decided_by = limiter::DecidedBy::kStore;
}

}  // namespace store
