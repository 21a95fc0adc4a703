#include "limiter/table.h"

#include <bit>
#include <boost/container/small_vector.hpp>
#include <variant>

#include "base/check.h"
#include "limiter/cell.h"
#include "limiter/locked.h"

namespace limiter {
namespace {

bool charges(const Hit& hit, Purpose purpose) {
  if (hit.cost == 0) return false;
  return kind_of(*hit.law) == Kind::kHolds ? purpose == Purpose::kTake : purpose != Purpose::kPeek;
}

// The numbers of a state that stays as it is.
void restate(limit::Decision& decision, const limit::Decision& uncharged) {
  decision.remaining = uncharged.remaining;
  decision.reset_after = uncharged.reset_after;
}

}  // namespace

bool Table::decide(std::span<const Hit> hits, base::Time now, Purpose purpose,
                   std::span<limit::Decision> decisions, HoldTerms hold) {
  CHECK(hits.size() == decisions.size());
  if (hits.size() == 1 && purpose != Purpose::kPeek && !hits[0].shadow) {
    const auto* const law = std::get_if<limit::Gcra>(hits[0].law);
    if (law != nullptr) return decide_gcra(hits[0], *law, now, decisions[0]);
  }
  const bool allowed = decide_all(hits, now, purpose, decisions, hold);
  settle(now);
  return allowed;
}

// The common case: one lock, one search, at most one insert. The analysis cannot follow a lock that
// is returned.
bool Table::decide_gcra(const Hit& hit, const limit::Gcra& law, base::Time now,
                        limit::Decision& decision) NO_THREAD_SAFETY_ANALYSIS {
  const Place place = place_of(hit.key);
  Segment& segment = directory_.lock(hit.key.low);
  const Segment::Found found = segment.find(place);
  limit::GcraState state;
  if (found.present) {
    if (!found.at->labelled(Kind::kGcra, hit.law_number)) [[unlikely]] {
      segment.lock.unlock();
      return decide_all({&hit, 1}, now, Purpose::kCharge, {&decision, 1}, {});
    }
    state = std::bit_cast<limit::GcraState>(found.at->words);
    if (hit.law_number == kAdHoc) state = law.fitted(state);
  }
  const limit::Proposal<limit::GcraState> proposal = law.check(state, now, hit.cost);
  decision = proposal.decision;
  if (!decision.allowed || hit.cost == 0 || found.present) [[likely]] {
    if (found.present && decision.allowed) {
      found.at->words = std::bit_cast<std::array<uint64_t, 2>>(proposal.next);
    }
    segment.lock.unlock();
    return decision.allowed;
  }
  Slot slot = Slot::make(place, Kind::kGcra, hit.law_number);
  slot.words = std::bit_cast<std::array<uint64_t, 2>>(proposal.next);
  const bool added = add(segment, slot, now, Ceiling::kKept) != nullptr;
  segment.lock.unlock();
  settle(now);
  return added || !refuse_full(decision);
}

bool Table::decide_all(std::span<const Hit> hits, base::Time now, Purpose purpose,
                       std::span<limit::Decision> decisions, const HoldTerms& hold) {
  const Locked locked(directory_, hits);
  bool allowed = true;
  for (size_t i = 0; i < hits.size(); ++i) {
    decisions[i] = check(find(hits[i].key), hits[i], hits[i].cost, now, laws_);
    allowed &= decisions[i].allowed || hits[i].shadow;
  }
  if (allowed && purpose != Purpose::kPeek) {
    allowed = charge_all(hits, now, purpose, decisions, hold);
  }
  for (size_t i = 0; i < hits.size(); ++i) {
    if (!decisions[i].allowed || (allowed && charges(hits[i], purpose))) continue;
    restate(decisions[i], check(find(hits[i].key), hits[i], 0, now, laws_));
  }
  return allowed;
}

bool Table::charge_all(std::span<const Hit> hits, base::Time now, Purpose purpose,
                       std::span<limit::Decision> decisions, const HoldTerms& hold) {
  if (!add_absent(hits, now, purpose, decisions)) return false;
  for (size_t i = 0; i < hits.size(); ++i) {
    const Hit& hit = hits[i];
    if (!decisions[i].allowed || !charges(hit, purpose)) continue;
    Slot* const slot = find(hit.key);  // Adding others may have moved it.
    if (slot == nullptr) continue;     // No room, and allowed uncounted.
    const int64_t before = heap_counted(*slot);
    adopt(*slot, hit, now, laws_);
    if (kind_of(*hit.law) == Kind::kHolds) {
      take(*slot, hit, hold, now);
    } else {
      charge(*slot, hit, now);
    }
    bytes_ += recount(*slot) - before;
  }
  return true;
}

bool Table::add_absent(std::span<const Hit> hits, base::Time now, Purpose purpose,
                       std::span<limit::Decision> decisions) NO_THREAD_SAFETY_ANALYSIS {
  boost::container::small_vector<base::Hash128, 16> added;
  for (size_t i = 0; i < hits.size(); ++i) {
    const Hit& hit = hits[i];
    if (!decisions[i].allowed || !charges(hit, purpose) || find(hit.key) != nullptr) continue;
    Slot slot = fresh(hit);
    if (add(directory_.of(hit.key.low), slot, now, Ceiling::kKept) != nullptr) {
      added.push_back(hit.key);
      continue;
    }
    drop(slot);
    limit::Decision full = decisions[i];
    if (!refuse_full(full) || hit.shadow) continue;
    decisions[i] = full;
    for (const base::Hash128 key : added) erase(directory_.of(key.low), find(key));
    return false;
  }
  return true;
}

// A key that has no room. False: it is allowed, uncounted.
bool Table::refuse_full(limit::Decision& decision) {
  refused_full_.fetch_add(1, std::memory_order_relaxed);
  if (options_.when_full == WhenFull::kAllow) return false;
  decision.allowed = false;
  decision.remaining = 0;
  decision.retry_after = kFullRetry;
  return true;
}

Slot* Table::find(base::Hash128 key) const NO_THREAD_SAFETY_ANALYSIS {
  const Segment::Found found = directory_.of(key.low).find(place_of(key));
  return found.present ? found.at : nullptr;
}

}  // namespace limiter
