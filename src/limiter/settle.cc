// The charge now, the truth later: reservations and holds.
#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <limits>
#include <optional>
#include <utility>

#include "base/wide.h"
#include "limiter/state.h"

namespace limiter {

namespace {

using base::Code;

size_t text_bytes(const Ask& ask) {
  size_t bytes = 0;
  for (const Descriptor descriptor : ask.descriptors) {
    for (const Entry& entry : descriptor) bytes += entry.key.size() + entry.value.size();
  }
  return bytes;
}

}  // namespace

base::Status validate_ttl(base::Duration ttl, base::Duration ttl_max) {
  if (ttl.count() > 0 && ttl <= ttl_max) return {};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(ttl_max).count();
  return base::invalid("ttl_ms must be an integer between 1 and " + std::to_string(ms), "ttl_ms");
}

base::Status validate_opening(const Ask& ask, base::Duration ttl, base::Duration ttl_max) {
  if (!ask.also_domain.empty())
    return base::invalid("a reservation or hold has one domain", "also_domain");
  if (auto valid = validate(ask); !valid) return valid;
  if (text_bytes(ask) > Limiter::kOpeningBytesMax) {
    return base::invalid("the descriptors of a reservation or hold must have at most " +
                             std::to_string(Limiter::kOpeningBytesMax) + " bytes",
                         "descriptors");
  }
  if (ask.dry_run) return base::invalid("dry_run opens nothing", "dry_run");
  return validate_ttl(ttl, ttl_max);
}

base::Error not_open(std::string_view id, OpenKind kind) {
  const std::string what = kind == OpenKind::kHold ? "hold" : "reservation";
  return {Code::kNotFound, "there is no open " + what + " '" + std::string(id) + "'", "id"};
}

base::Duration cut_ttl(std::span<const Met> met, base::Duration ttl) {
  for (const Met& each : met) {
    if (is_concurrency(*each.limit))
      ttl = std::min(ttl, std::get<limit::Concurrency>(*each.limit->spec.law).ttl_max());
  }
  return ttl;
}

int64_t saturating_multiply(int64_t a, int64_t b) {  // REQUIRES: a, b >= 0.
  const base::Int128 product = base::Int128{a} * b;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return product > kMax ? kMax : static_cast<int64_t>(product);
}

namespace {

// What one ask charged: a shadow or a limit of quota mode that refused was not, nor what was let
// through because the table had no room.
std::vector<Charged> charges_of(const Gathered& gathered,
                                std::span<const limit::Decision> decisions,
                                std::span<const bool> uncounted, OpenKind kind) {
  std::vector<Charged> charges(gathered.hits.size());
  for (Charged& charge : charges) charge.times = 0;
  for (const Met& met : gathered.met) {
    if (met.hit == Met::kNoHit) continue;
    Charged& charge = charges[met.hit];
    charge.key = met.key;
    charge.law_number = gathered.hits[met.hit].law_number;
    charge.cost = gathered.hits[met.hit].cost;
    charge.counts_cost = counts_cost(*met.limit);
    charge.hold = is_concurrency(*met.limit);
    const bool charged = decisions[met.hit].allowed && !uncounted[met.hit] &&
                         !(charge.hold && kind == OpenKind::kReservation);
    if (charged) ++charge.times;
  }
  std::erase_if(charges, [](const Charged& charge) { return charge.times == 0; });
  return charges;
}

// The limits in force of what an opening charged: a reload may have changed their laws since.
class InForce {
 public:
  InForce(LimiterState& state, const Opening& opening)
      : published_(state.get()), opening_(opening) {
    const Ask ask{.domain = opening.domain, .descriptors = opening.descriptors.get()};
    gather(state.keys, find(*published_->limits, ask), ask, false, gathered_);
  }

  // Calls `use(charge, hit, limit)` for each charge whose limit is still there and still of the
  // same kind: holds, or units.
  template <typename Use>
  void each(Use&& use) const {
    for (const Charged& charge : opening_.charges) {
      const auto met = std::find_if(
          gathered_.met.begin(), gathered_.met.end(),
          [&](const Met& one) { return one.hit != Met::kNoHit && one.key == charge.key; });
      if (met != gathered_.met.end() && is_concurrency(*met->limit) == charge.hold)
        use(charge, gathered_.hits[met->hit], *met->limit);
    }
  }

  base::Duration cut(base::Duration ttl) const { return cut_ttl(gathered_.met, ttl); }

 private:
  std::shared_ptr<const Published> published_;
  const Opening& opening_;
  Gathered gathered_;
};

class Opens {
 public:
  Opens(LimiterState& state, const Ask& ask, OpenKind kind, base::Time now)
      : state_(state), ask_(ask), kind_(kind), now_(now) {}

  base::Result<Limiter::Opened> run(base::Duration ttl) {
    const std::shared_ptr<const Published> published = state_.get();
    const Limits::Domain* const domain = state_.find(*published, ask_).first;
    if (domain == nullptr) return unknown_domain(ask_.domain);
    if (!state_.openings.take_place()) {
      return base::Error{Code::kFull,
                         "bounds.holds: " + std::to_string(state_.options.open_max) +
                             " reservations and holds are open",
                         {}};
    }
    Limiter::Opened opened = decide(*published, *domain, ttl);
    if (opened.id.empty()) state_.openings.give_up();
    return opened;
  }

 private:
  Limiter::Opened decide(const Published& published, const Limits::Domain& domain,
                         base::Duration ttl) {
    Gathered gathered;
    const GatheredSpan span =
        gather(state_.keys, {.first = &domain}, ask_, state_.table.any_blocks(), gathered);
    if (kind_ == OpenKind::kHold) ttl = cut_ttl(gathered.met, ttl);
    Ids::Id id = state_.ids.next(kind_);
    boost::container::small_vector<bool, 16> uncounted(gathered.hits.size());
    const Terms terms{
        .now = now_, .purpose = purpose(), .hold = {id.hold_id, ttl}, .uncounted = uncounted};
    std::vector<limit::Decision> decisions(gathered.hits.size());
    std::vector<LimitAnswer> rows(gathered.met.size());
    Answer answer;
    const Outcome outcome =
        decide_ask(state_.table, state_.watchers, gathered, span, terms, decisions, rows, answer);
    published.counters[domain.number()]->decisions[static_cast<size_t>(outcome)].add();
    if (!answer.allowed) return {{}, std::string(answer.limited_by), answer.numbers};
    auto opening = std::make_unique<Opening>(ask_.domain, ask_.descriptors);
    opening->id = id.text;
    opening->hold_id = id.hold_id;
    opening->charged = now_;
    opening->ends = now_ + ttl;
    opening->cost = ask_.cost;
    opening->charges = charges_of(gathered, decisions, uncounted, kind_);
    state_.openings.put(std::move(opening));
    return {std::move(id.text), {}, answer.numbers};
  }

  Purpose purpose() const { return kind_ == OpenKind::kHold ? Purpose::kTake : Purpose::kCharge; }

  LimiterState& state_;
  const Ask& ask_;
  const OpenKind kind_;
  const base::Time now_;
};

// A charge under a law that is no longer in force gives nothing back: the state was converted
// since, or will be, and what the conversion keeps of one charge is not known. Too little never
// harms.
void give_back(LimiterState& state, const Opening& opening, const Charged& charge, const Hit& hit,
               int64_t units, base::Time now) {
  if (hit.law_number != charge.law_number) return;
  state.table.give_back(hit, opening.charged, units, now);
  state.watchers.tell(hit.key);
}

// Gives each limit back what of `cost` was not used. The charge's own instant decides how much of
// it has leaked back by itself.
void give_back_rest(LimiterState& state, const Opening& opening, int64_t cost, base::Time now) {
  const int64_t rest = opening.cost - cost;
  InForce(state, opening).each([&](const Charged& charge, const Hit& hit, const Limit&) {
    if (!charge.counts_cost) return;
    const int64_t units = std::min(saturating_multiply(rest, charge.times), charge.cost);
    give_back(state, opening, charge, hit, units, now);
  });
}

// Returns how many of `extra` units every limit has been charged.
int64_t charge_extra(LimiterState& state, const Opening& opening, int64_t extra, base::Time now) {
  int64_t by_all = extra;
  InForce(state, opening).each([&](const Charged& charge, const Hit& hit, const Limit& limit) {
    if (!charge.counts_cost) return;
    const int64_t units = saturating_multiply(extra, charge.times);
    const int64_t charged = state.table.charge_over(hit, now, units, limit.spec.overdraft);
    if (!limit.spec.shadow) by_all = std::min(by_all, charged / charge.times);
  });
  return by_all;
}

}  // namespace

base::Result<Limiter::Opened> Limiter::reserve(const Ask& ask, base::Duration ttl, base::Time now) {
  if (auto valid = validate_opening(ask, ttl, state_->options.ttl_max); !valid)
    return valid.error();
  return Opens(*state_, ask, OpenKind::kReservation, now).run(ttl);
}

base::Result<int64_t> Limiter::commit(std::string_view id, std::optional<int64_t> cost,
                                      base::Time now) {
  if (cost && *cost < 0) {
    return base::invalid("cost must be an integer between 0 and " +
                             std::to_string(std::numeric_limits<int64_t>::max()),
                         "cost");
  }
  const auto opening = state_->openings.take(id, OpenKind::kReservation, now);
  if (!opening) return not_open(id, OpenKind::kReservation);
  const int64_t reserved = opening->cost;
  if (!cost || *cost == reserved) return reserved;
  if (*cost > reserved) return reserved + charge_extra(*state_, *opening, *cost - reserved, now);
  give_back_rest(*state_, *opening, *cost, now);
  return *cost;
}

base::Status Limiter::cancel(std::string_view id, base::Time now) {
  const auto opening = state_->openings.take(id, OpenKind::kReservation, now);
  if (!opening) return not_open(id, OpenKind::kReservation);
  InForce(*state_, *opening).each([&](const Charged& charge, const Hit& hit, const Limit&) {
    give_back(*state_, *opening, charge, hit, charge.cost, now);
  });
  return {};
}

base::Result<Limiter::Opened> Limiter::acquire(const Ask& ask, base::Duration ttl, base::Time now) {
  if (auto valid = validate_opening(ask, ttl, state_->options.ttl_max); !valid)
    return valid.error();
  return Opens(*state_, ask, OpenKind::kHold, now).run(ttl);
}

namespace {

void release_holds(LimiterState& state, const Opening& opening, base::Time now) {
  InForce(state, opening).each([&](const Charged& charge, const Hit& hit, const Limit&) {
    if (!charge.hold) return;
    state.table.release(hit, opening.hold_id, now);
    state.watchers.tell(hit.key);
  });
}

}  // namespace

base::Status Limiter::renew(std::string_view id, base::Duration ttl, base::Time now) {
  if (auto valid = validate_ttl(ttl, state_->options.ttl_max); !valid) return valid;
  const bool renewed =
      state_->openings.change(id, OpenKind::kHold, now, [&](const Opening& opening) {
        const InForce in_force(*state_, opening);
        const base::Time until = now + in_force.cut(ttl);
        bool all = true;
        in_force.each([&](const Charged& charge, const Hit& hit, const Limit&) {
          if (!charge.hold) return;
          all &= state_->table.renew(hit, opening.hold_id, until, now);
          if (until < opening.ends) state_->watchers.tell(hit.key);
        });
        if (all) return until;
        release_holds(*state_, opening, now);  // One was forgotten; the others are of no use alone.
        return now;
      });
  if (!renewed) return not_open(id, OpenKind::kHold);
  return {};
}

base::Status Limiter::release(std::string_view id, base::Time now) {
  const auto opening = state_->openings.take(id, OpenKind::kHold, now);
  if (!opening) return not_open(id, OpenKind::kHold);
  release_holds(*state_, *opening, now);
  return {};
}

}  // namespace limiter
