// Deliveries: units of all limits of a message, or of none, under a hold id of the caller's; who
// waits for them, and who was promised some.
#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <utility>

#include "base/check.h"
#include "limiter/state.h"

namespace limiter {

namespace {

// What a thread's takes reuse, so that a steady state allocates nothing and takes no lock of the
// limits in force.
struct Scratch {
  std::shared_ptr<const Published> published;
  Gathered gathered;
  std::vector<limit::Decision> decisions;
  std::vector<LimitAnswer> rows;
  Answer answer;
};

Scratch& scratch_of_thread() {
  thread_local Scratch scratch;
  return scratch;
}

// Limits that refuse only together, and only if all of them do.
bool in_quota(const Met& met) { return met.limit->spec.quota && !met.limit->spec.shadow; }

bool counted(const Met& met) { return met.hit != Met::kNoHit; }

// Calls `use(hit, limit)` for each concurrency limit of the ask as it is now.
template <typename Use>
void each_hold(LimiterState& state, const Ask& ask, Use&& use) {
  Scratch& scratch = scratch_of_thread();
  state.refresh(scratch.published);
  scratch.gathered.clear();
  gather(state.keys, find(*scratch.published->limits, ask), ask, false, scratch.gathered);
  for (const Hit& hit : scratch.gathered.hits) {
    if (std::holds_alternative<limit::Concurrency>(*hit.law)) use(hit);
  }
}

class Taking {
 public:
  Taking(LimiterState& state, const Ask& ask, const TakeTerms& terms, base::Time now)
      : state_(state), ask_(ask), terms_(terms), now_(now), scratch_(scratch_of_thread()) {}

  base::Result<std::optional<Obstacle>> run() {
    state_.refresh(scratch_.published);
    scratch_.answer = {};
    const Domains domains = state_.find(*scratch_.published, ask_);
    if (unknown(domains, ask_)) {
      scratch_.answer.known_domain = false;
      return unknown_domain(ask_.domain);
    }
    scratch_.gathered.clear();
    span_ = gather(state_.keys, domains, ask_, state_.table.any_blocks(), scratch_.gathered);
    if (terms_.uncharged != nullptr) terms_.uncharged->clear();
    if (terms_.queued != nullptr) {
      if (auto turn = taken_turn()) return turn;
    }
    return decide(domains.counting());
  }

 private:
  std::optional<Obstacle> decide(const Limits::Domain* counting) {
    const Gathered& gathered = scratch_.gathered;
    scratch_.decisions.resize(gathered.hits.size());
    scratch_.rows.resize(gathered.met.size());
    boost::container::small_vector<bool, 16> uncounted;
    if (terms_.uncharged != nullptr && state_.options.table.when_full == WhenFull::kAllow)
      uncounted.resize(gathered.hits.size());
    Obstacle obstacle;
    const Terms terms{.now = now_,
                      .purpose = purpose(),
                      .hold = {.id = terms_.hold_id,
                               .ttl = terms_.ttl,
                               .cut = false,
                               .promised_to = terms_.promised_to},
                      .uncounted = uncounted,
                      .limited_at = &obstacle.state};
    const Outcome outcome = decide_ask(state_.table, state_.watchers, scratch_.gathered, span_,
                                       terms, scratch_.decisions, scratch_.rows, scratch_.answer);
    if (!ask_.dry_run && counting != nullptr) {
      DomainCounters& counters = *scratch_.published->counters[counting->number()];
      counters.decisions[static_cast<size_t>(outcome)].add();
    }
    if (scratch_.answer.allowed) {
      if (terms_.uncharged != nullptr) note_uncharged(uncounted);
      return std::nullopt;
    }
    obstacle.limited_by = scratch_.answer.limited_by;
    obstacle.asking = scratch_.answer.logging;
    obstacle.retry_after = scratch_.answer.numbers.retry_after;
    return obstacle;
  }

  Purpose purpose() const {
    if (ask_.dry_run) return Purpose::kPeek;
    return terms_.holds ? Purpose::kTake : Purpose::kCharge;
  }

  bool queued(base::Hash128 state) const { return (*terms_.queued)(state); }

  // Somebody else waits at one of the states, so this ask waits behind.
  std::optional<Obstacle> taken_turn() const {
    for (const Met& met : scratch_.gathered.met) {
      if (counted(met) && !met.limit->spec.shadow && !met.limit->spec.quota && queued(met.key))
        return behind(met.key, met.limit->name);
    }
    for (const base::Hash128 block : scratch_.gathered.blocks) {
      if (queued(block)) return behind(block, "blocked");
    }
    return span_.quota ? taken_quota() : std::nullopt;
  }

  // Limits of quota mode stand in the way only if all of them do: others wait there, or it refuses.
  std::optional<Obstacle> taken_quota() const {
    std::optional<Obstacle> first;
    for (const Met& met : scratch_.gathered.met) {
      if (!in_quota(met)) continue;
      if (!counted(met)) return std::nullopt;
      if (queued(met.key)) {
        if (!first) first = behind(met.key, met.limit->name);
      } else if (state_.table.peek(scratch_.gathered.hits[met.hit], now_).allowed) {
        return std::nullopt;
      }
    }
    return first;
  }

  static Obstacle behind(base::Hash128 state, std::string_view name) {
    Obstacle obstacle{.state = state, .limited_by = std::string(name)};
    obstacle.taken_turn = true;
    return obstacle;
  }

  void note_uncharged(std::span<const bool> uncounted) {
    const std::vector<Hit>& hits = scratch_.gathered.hits;
    for (size_t i = 0; i < hits.size(); ++i) {
      if (!scratch_.decisions[i].allowed || (!uncounted.empty() && uncounted[i]))
        terms_.uncharged->push_back(hits[i].key);
    }
  }

  LimiterState& state_;
  const Ask& ask_;
  const TakeTerms& terms_;
  const base::Time now_;
  Scratch& scratch_;
  GatheredSpan span_;
};

bool was_charged(const TakeTerms& terms, const Met& met) {
  if (terms.uncharged == nullptr) return !met.limit->spec.shadow && !met.limit->spec.quota;
  return std::find(terms.uncharged->begin(), terms.uncharged->end(), met.key) ==
         terms.uncharged->end();
}

}  // namespace

base::Result<std::optional<Obstacle>> Limiter::take(const Ask& ask, const TakeTerms& terms,
                                                    base::Time now, Answer* answer) {
  CHECK(!terms.holds || ask.dry_run || terms.hold_id != 0);
  auto taken = Taking(*state_, ask, terms, now).run();
  if (answer != nullptr) *answer = scratch_of_thread().answer;
  return taken;
}

Answer Limiter::look(const Ask& ask, base::Time now) {
  thread_local Batch batch;
  batch.clear();
  Ask dry = ask;
  dry.dry_run = true;
  batch.add(dry);
  decide(batch, now);
  return batch.answer(0);
}

void Limiter::untake(const Ask& ask, const TakeTerms& terms, base::Time now) {
  Scratch& scratch = scratch_of_thread();
  state_->refresh(scratch.published);
  if (ask.dry_run) return;
  Gathered& gathered = scratch.gathered;
  gathered.clear();
  gather(state_->keys, find(*scratch.published->limits, ask), ask, state_->table.any_blocks(),
         gathered);
  for (const base::Hash128 block : gathered.blocks) {
    if (state_->table.give_back_probe(block, now)) state_->watchers.tell(block);
  }
  for (size_t i = 0; i < gathered.hits.size(); ++i) {
    const Hit& hit = gathered.hits[i];
    const auto met = std::find_if(gathered.met.begin(), gathered.met.end(),
                                  [&](const Met& each) { return each.hit == i; });
    if (!was_charged(terms, *met)) continue;
    if (is_concurrency(*met->limit)) {
      if (!terms.holds) continue;
      state_->table.release(hit, terms.hold_id, now);
    } else {
      state_->table.give_back(hit, now, hit.cost, now);
    }
    state_->watchers.tell(hit.key);
  }
}

void Limiter::release(const Ask& ask, uint64_t hold_id, base::Time now) {
  each_hold(*state_, ask, [&](const Hit& hit) {
    state_->table.release(hit, hold_id, now);
    state_->watchers.tell(hit.key);
  });
}

void Limiter::renew(const Ask& ask, uint64_t hold_id, base::Time until, base::Time now) {
  each_hold(*state_, ask, [&](const Hit& hit) {
    state_->table.extend(hit, hold_id, until, now);
    state_->watchers.tell(hit.key);  // It may end earlier than before.
  });
}

void Limiter::restore(const Ask& ask, uint64_t hold_id, base::Time until, base::Time now) {
  each_hold(*state_, ask, [&](const Hit& hit) { state_->table.hold(hit, hold_id, until, now); });
}

void Limiter::watch(base::Hash128 state, uint32_t watcher) {
  state_->watchers.watch(state, watcher);
}
void Limiter::unwatch(base::Hash128 state, uint32_t watcher) {
  state_->watchers.unwatch(state, watcher);
}
void Limiter::on_freed(std::function<void(uint32_t, base::Hash128)> told) {
  state_->watchers.on_freed(std::move(told));
}
void Limiter::on_reload(std::function<void()> told) { state_->watchers.on_reload(std::move(told)); }

namespace {

// The rates of the ask that a promise must stand beside: all but shadows, and of those of quota
// mode the one that is first, if none of them is unlimited.
std::vector<Hit> promised_hits(const Table& table, const Gathered& gathered, base::Time now) {
  std::vector<Hit> hits;
  const Hit* first = nullptr;
  base::Duration wait{};
  bool open = false;
  boost::container::small_vector<bool, 16> seen(gathered.hits.size());
  for (const Met& met : gathered.met) {
    if (met.limit->spec.shadow) continue;
    if (!counted(met)) open |= met.limit->spec.quota;
    if (!counted(met) || is_concurrency(*met.limit) || std::exchange(seen[met.hit], true)) continue;
    const Hit& hit = gathered.hits[met.hit];
    if (!met.limit->spec.quota) {
      hits.push_back(hit);
      continue;
    }
    const base::Duration waits = table.peek(hit, now).retry_after;
    if (first != nullptr && wait <= waits) continue;
    first = &hit;
    wait = waits;
  }
  if (first != nullptr && !open) hits.push_back(*first);
  return hits;
}

}  // namespace

base::Result<base::Time> Limiter::promise(const Ask& ask, uint64_t owner, base::Time now) {
  CHECK(owner != 0);
  withdraw(owner);
  Scratch& scratch = scratch_of_thread();
  state_->refresh(scratch.published);
  const Domains domains = find(*scratch.published->limits, ask);
  if (unknown(domains, ask)) return unknown_domain(ask.domain);
  scratch.gathered.clear();
  gather(state_->keys, domains, ask, state_->table.any_blocks(), scratch.gathered);
  base::Time unblocked = now;
  for (const base::Hash128 block : scratch.gathered.blocks)
    unblocked = std::max(unblocked, state_->table.blocked_until(block, now));
  return state_->table.promise(promised_hits(state_->table, scratch.gathered, now), owner,
                               unblocked, now);
}

void Limiter::withdraw(uint64_t owner) {
  for (const base::Hash128 state : state_->table.promises().withdraw(owner))
    state_->watchers.tell(state);
}

}  // namespace limiter
