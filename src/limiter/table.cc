#include "limiter/table.h"

#include <algorithm>
#include <bit>
#include <variant>

#include "base/check.h"
#include "limiter/cell.h"
#include "limiter/locked.h"

namespace limiter {
namespace {

// Member by member: copied as a whole, both would be written to the stack in parts of 8 bytes and
// read back in 16, which stalls; 6 ns of 38.
void copy(limit::Decision& to, const limit::Decision& from) {
  to.allowed = from.allowed;
  to.limit = from.limit;
  to.remaining = from.remaining;
  to.retry_after = from.retry_after;
  to.reset_after = from.reset_after;
}
void put(Slot& slot, limit::GcraState state) {
  slot.words[0] = static_cast<uint64_t>(state.tat);
  slot.words[1] = state.part;
}

// A state of the past is as good as one of now. Told without a branch: whether a key is idle is a
// coin toss to the predictor, and costs 6 ns of 43.
limit::GcraState upcoming(const Slot& slot, base::Time now) {
  const auto tat = static_cast<int64_t>(slot.words[0]);
  const int64_t lead = tat - base::nanoseconds(now);
  const int64_t ahead = ~(lead >> 63);  // All ones, or none.
  return {base::nanoseconds(now) + (lead & ahead), slot.words[1] & static_cast<uint64_t>(ahead)};
}

// The numbers of a state that stays as it is.
void restate(limit::Decision& decision, const limit::Decision& uncharged) {
  decision.remaining = uncharged.remaining;
  decision.reset_after = uncharged.reset_after;
}

}  // namespace

bool Table::decide(std::span<const Hit> hits, base::Time now, Purpose purpose,
                   std::span<limit::Decision> decisions, HoldTerms hold,
                   std::span<bool> uncounted) {
  CHECK(hits.size() == decisions.size());
  const bool plain = hits.size() == 1 && !hits[0].shadow && !hits[0].durable;
  if (plain && uncounted.empty() && purpose != Purpose::kPeek) {
    const auto* const law = std::get_if<limit::Gcra>(hits[0].law);
    if (law != nullptr) return decide_gcra(hits[0], *law, now, decisions[0], hold);
  }
  const bool allowed = decide_all(hits, now, purpose, decisions, hold, uncounted);
  settle(now);
  return allowed;
}

// The common case: one lock, one search, at most one insert. The analysis cannot follow a lock that
// is returned.
bool Table::decide_gcra(const Hit& hit, const limit::Gcra& law, base::Time now,
                        limit::Decision& decision,
                        const HoldTerms& hold) NO_THREAD_SAFETY_ANALYSIS {
  const Place place = place_of(hit.key);
  Segment& segment = directory_.lock(hit.key.low);
  const Segment::Found found = segment.find(place);
  limit::GcraState state;
  const bool as_known = !found.present || found.at->labelled(Kind::kGcra, hit.law_number);
  if (!as_known || promises_.any()) [[unlikely]] {
    segment.lock.unlock();
    return decide_all({&hit, 1}, now, Purpose::kCharge, {&decision, 1}, hold);
  }
  if (found.present) {
    state = upcoming(*found.at, now);
    if (hit.law_number == kAdHoc) state = law.fitted(state);
  }
  const limit::Proposal<limit::GcraState> proposal = law.check(state, now, hit.cost);
  copy(decision, proposal.decision);
  if (!decision.allowed || hit.cost == 0 || found.present) [[likely]] {
    if (found.present && decision.allowed) {
      put(*found.at, proposal.next);
    }
    segment.lock.unlock();
    return decision.allowed;
  }
  Slot slot = Slot::make(place, Kind::kGcra, hit.law_number);
  put(slot, proposal.next);
  const bool added = add(segment, slot, now, Ceiling::kKept) != nullptr;
  segment.lock.unlock();
  settle(now);
  return added || !refuse_full(decision);
}

bool Table::decide_all(std::span<const Hit> hits, base::Time now, Purpose purpose,
                       std::span<limit::Decision> decisions, const HoldTerms& hold,
                       std::span<bool> uncounted) {
  CHECK(uncounted.empty() || uncounted.size() == hits.size());
  std::ranges::fill(uncounted, false);
  const Locked locked(directory_, hits);
  bool allowed = true;
  for (size_t i = 0; i < hits.size(); ++i) {
    decisions[i] = ask(hits[i], hits[i].cost, now, hold.promised_to);
    allowed &= decisions[i].allowed || hits[i].shadow;
  }
  if (allowed && purpose != Purpose::kPeek) {
    allowed = cover_all(hits, now, purpose, decisions, hold) &&
              charge_all(hits, now, purpose, decisions, hold, uncounted);
  }
  for (size_t i = 0; i < hits.size(); ++i) {
    if (!decisions[i].allowed || (allowed && charges(hits[i], purpose))) continue;
    restate(decisions[i], ask(hits[i], 0, now, hold.promised_to));
  }
  return allowed;
}

limit::Decision Table::ask(const Hit& hit, int64_t cost, base::Time now,
                           uint64_t promised_to) const {
  limit::Decision decision = check(find(hit.key), hit, cost, now, laws_);
  if (promises_.any()) [[unlikely]]
    keep_promise(hit, cost, now, promised_to, decision);
  return decision;
}

bool Table::charge_all(std::span<const Hit> hits, base::Time now, Purpose purpose,
                       std::span<limit::Decision> decisions, const HoldTerms& hold,
                       std::span<bool> uncounted) {
  Indexes present, absent;
  for (size_t i = 0; i < hits.size(); ++i) {
    if (!decisions[i].allowed || !charges(hits[i], purpose)) continue;
    (find(hits[i].key) != nullptr ? present : absent).push_back(i);
  }
  if (!absent.empty()) {
    // Room is made by dropping what is idle, so what is idle counts as absent from here on.
    const auto gone = std::remove_if(present.begin(), present.end(), [&](size_t i) {
      if (!droppable(*find(hits[i].key), now)) return false;
      erase(hits[i].key);
      absent.push_back(i);
      return true;
    });
    present.erase(gone, present.end());
  }
  int64_t earmarked = 0;
  const bool room = earmark_all(present, hits, now, decisions, uncounted, earmarked) &&
                    add_all(absent, hits, now, decisions, hold, uncounted);
  if (room) {
    for (const size_t i : present) charge(*find(hits[i].key), hits[i], now, hold);
  }
  count_bytes(-earmarked);
  return room;
}

bool Table::earmark_all(Indexes& present, std::span<const Hit> hits, base::Time now,
                        std::span<limit::Decision> decisions, std::span<bool> uncounted,
                        int64_t& earmarked) {
  const auto has_room = [&](size_t i) {
    const Slot* const slot = find(hits[i].key);
    if (!heap_has_room(slot, hits[i], now)) return false;
    const int64_t more = growth(slot, hits[i], now, laws_);
    earmarked += more;
    count_bytes(more);
    return true;
  };
  Indexes kept;
  for (const size_t i : present) {
    if (has_room(i)) {
      kept.push_back(i);
    } else if (!go_without(hits[i], decisions[i])) {
      return false;
    } else if (!uncounted.empty()) {
      uncounted[i] = true;
    }
  }
  present = kept;
  return true;
}

bool Table::add_all(const Indexes& absent, std::span<const Hit> hits, base::Time now,
                    std::span<limit::Decision> decisions, const HoldTerms& hold,
                    std::span<bool> uncounted) {
  Indexes added;
  for (const size_t i : absent) {
    if (add_charged(hits[i], now, hold)) {
      added.push_back(i);
    } else if (!go_without(hits[i], decisions[i])) {
      for (const size_t j : added) erase(hits[j].key);
      return false;
    } else if (!uncounted.empty()) {
      uncounted[i] = true;
    }
  }
  return true;
}

// Charged before it is added: an idle slot might be dropped to make room for the next one.
bool Table::add_charged(const Hit& hit, base::Time now,
                        const HoldTerms& hold) NO_THREAD_SAFETY_ANALYSIS {
  Segment& segment = directory_.of(hit.key.low);
  if (!heap_has_room(nullptr, hit, now) &&
      !(drop_idle(segment, now) && heap_has_room(nullptr, hit, now)))
    return false;
  Slot slot = fresh(hit);
  charge(slot, hit, now, hold);
  if (add(segment, slot, now, Ceiling::kKept) != nullptr) return true;
  end(slot);
  return false;
}

void Table::charge(Slot& slot, const Hit& hit, base::Time now, const HoldTerms& hold) {
  const int64_t before = heap_counted(slot);
  adopt(slot, hit, now, laws_);
  if (kind_of(*hit.law) == Kind::kHolds) {
    take(slot, hit, hold, now);
  } else {
    limiter::charge(slot, hit, now);
    if (hit.durable) watermarks_.charged(hit, hit.cost, slot, now);
  }
  count_bytes(recount(slot) - before);
}

bool Table::heap_has_room(const Slot* slot, const Hit& hit, base::Time now) const {
  const int64_t more = growth(slot, hit, now, laws_);
  return more == 0 || static_cast<size_t>(bytes_.load(std::memory_order_relaxed) + more) <=
                          options_.memory_bytes_max;
}

// A hit that has no room. False: it refuses the decision.
bool Table::go_without(const Hit& hit, limit::Decision& decision) {
  limit::Decision full = decision;
  if (!refuse_full(full) || hit.shadow) return true;
  decision = full;
  return false;
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

void Table::erase(base::Hash128 key) NO_THREAD_SAFETY_ANALYSIS {
  Slot* const slot = find(key);
  if (slot == nullptr) return;
  end(*slot);
  directory_.of(key.low).erase(slot);
}

}  // namespace limiter
