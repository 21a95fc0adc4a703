// What a desk takes from grants.
#include <algorithm>
#include <utility>

#include "limiter/verdict.h"
#include "store/desk.h"

namespace store {

using limiter::Hit;
using limiter::Purpose;
using Known = Grants::Answer::Known;

// Blocks are not seen by what is spent here: beside them nothing is.
bool Desk::may_be_granted(const Round& round, const Item& item) {
  if (item.failed || round.wants_store || item.purpose != Purpose::kCharge ||
      common_.names.placement() != Placement::kDomain)
    return false;
  const base::Time now = common_.clock.now();
  for (const limiter::Limits::Domain* const domain : {item.domains.first, item.domains.also}) {
    if (domain != nullptr && place_of(domain->name()).blocks_until > now) return false;
  }
  return item.span.hits != item.span.hits_end;
}

bool Desk::take_local(Round& round, uint32_t i) {
  Item& item = round.items[i];
  if (!may_be_granted(round, item)) return false;
  const Grants::Terms terms{.now = common_.clock.now(), .sharers = common_.sharers()};
  size_t taken = 0, refused = 0;
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    const Hit& hit = round.gathered.hits[h];
    const limiter::LimitSpec& spec = round.gathered.met[round.met_of[h]].limit->spec;
    if (spec.mode != limiter::Mode::kGranted || spec.quota || hit.shadow) continue;
    round.local.resize(round.gathered.hits.size());
    round.local[h] = grants_.take(hit, *round.laws[h], terms);
    if (round.local[h].wants) send_for(round, h);
    taken += round.local[h].known == Known::kTaken;
    refused += round.local[h].known == Known::kRefused;
  }
  const size_t hits = item.span.hits_end - item.span.hits;
  if (taken + refused == hits) {
    answer_here(round, item, round.answers[i]);
    return true;
  }
  // Others have to be asked, and then it is all one question.
  if (refused > 0) put_back(round, item);
  return false;
}

void Desk::send_for(const Round& round, size_t h) {
  const Hit& hit = round.gathered.hits[h];
  const limiter::Met& met = round.gathered.met[round.met_of[h]];
  const std::string& domain = met.limit->domain;
  const Grants::Terms terms{.now = common_.clock.now(), .sharers = common_.sharers()};
  grant_calls_.send(grants_.send_for(
      hit.key, *round.laws[h], {state_name(*round.limits, met), domain, hit.law_number}, terms));
  tending_.within(round.laws[h]->grant_life());
  for (Grants::Request& along : grants_.send_along(domain, terms)) {
    tending_.within(along.law->grant_life());
    grant_calls_.send(std::move(along));
  }
}

void Desk::answer_here(Round& round, Item& item, limiter::Answer& answer) {
  const limiter::GatheredSpan& span = item.span;
  const auto all = std::span(round.local).subspan(span.hits, span.hits_end - span.hits);
  const bool allowed =
      std::ranges::all_of(all, [](const auto& each) { return each.known == Known::kTaken; });
  for (size_t n = 0; n < all.size(); ++n)
    round.decisions[span.hits + n] = allowed ? all[n].spent : all[n].kept;
  limiter::answer_ask(round.gathered, span,
                      std::span(round.decisions).subspan(span.hits, all.size()), {},
                      std::span(round.rows).subspan(span.met, span.met_end - span.met), answer);
  answer.decided_by = limiter::DecidedBy::kGrant;
  if (!allowed) put_back(round, item);
}

void Desk::put_back(Round& round, const Item& item) {
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    if (!round.taken(h)) continue;
    grants_.put_back(round.gathered.hits[h].key, round.local[h].taken, common_.clock.now());
    round.local[h].known = Known::kNothing;
  }
}

void Desk::tend_grants() {
  const base::Time now = common_.clock.now();
  for (Grants::Return& back : grants_.due(now)) grant_calls_.send(std::move(back));
  if (const auto next = grants_.next_due())
    tending_.within(std::max<base::Duration>(*next - now, std::chrono::milliseconds(1)));
}

}  // namespace store
