#include "limiter/verdict.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "base/check.h"
#include "base/wide.h"

namespace limiter {

std::string_view to_string(Outcome outcome) {
  static constexpr std::string_view kNames[kOutcomes] = {"allowed", "limited", "blocked",
                                                         "shadow_limited"};
  return kNames[static_cast<size_t>(outcome)];
}

namespace {

constexpr uint32_t kNobody = Met::kNoHit;
constexpr std::string_view kByBlock = "blocked";

// A shadow takes no part: it neither refuses with the others nor holds the door open for them.
bool in_quota(const Limit& limit) { return limit.spec.quota && !limit.spec.shadow; }

// What the hits of an ask, as they were decided, mean for its limits.
class Reading {
 public:
  Reading(const Gathered& gathered, const GatheredSpan& span,
          std::span<const limit::Decision> decisions)
      : met_(std::span(gathered.met).subspan(span.met, span.met_end - span.met)),
        first_hit_(span.hits),
        decisions_(decisions) {}

  const limit::Decision& of(const Met& met) const {
    return met.hit == Met::kNoHit ? kUnlimited : decisions_[met.hit - first_hit_];
  }
  std::span<const Met> met() const { return met_; }

  // All or none: every limit has room, and of those of quota mode one.
  bool allows() const {
    bool quota = false;
    for (const Met& met : met_) quota |= in_quota(*met.limit);
    return !refused_outside_quota() && (!quota || open_in_quota() != nullptr);
  }

  // Of what refused, the limit that frees last; the limits of quota mode free with their first.
  const Met* frees_last() const {
    const Met* last = nullptr;
    const Met* quota = nullptr;
    bool quota_open = false;
    for (const Met& met : met_) {
      if (met.limit->spec.shadow) continue;
      const limit::Decision& decision = of(met);
      if (in_quota(*met.limit)) {
        quota_open |= decision.allowed;
        if (!decision.allowed && (!quota || decision.retry_after < of(*quota).retry_after))
          quota = &met;
      } else if (!decision.allowed && (!last || decision.retry_after > of(*last).retry_after)) {
        last = &met;
      }
    }
    if (!quota || (quota_open && last)) return last;
    return last && of(*last).retry_after >= of(*quota).retry_after ? last : quota;
  }

  // The limit with the least share left; a limit that cannot refuse only if there is no other.
  const Met* nearest() const {
    const Met* best = nullptr;
    for (const Met& met : met_) {
      if (!best || rank(met) < rank(*best) ||
          (rank(met) == rank(*best) && less_left(of(met), of(*best))))
        best = &met;
    }
    return best;
  }

  bool shadow_refused() const {
    return std::any_of(met_.begin(), met_.end(),
                       [&](const Met& met) { return met.limit->spec.shadow && !of(met).allowed; });
  }
  const Met* open_in_quota() const {
    for (const Met& met : met_) {
      if (in_quota(*met.limit) && of(met).allowed) return &met;
    }
    return nullptr;
  }
  bool refused_outside_quota() const {
    return std::any_of(met_.begin(), met_.end(), [&](const Met& met) {
      return !met.limit->spec.quota && !met.limit->spec.shadow && !of(met).allowed;
    });
  }

 private:
  int rank(const Met& met) const {
    if (met.limit->spec.shadow || !of(met).allowed) return 2;
    return met.hit == Met::kNoHit ? 1 : 0;
  }
  static bool less_left(const limit::Decision& a, const limit::Decision& b) {
    // A limit of nothing has nothing left: 0 of 1.
    const int64_t a_limit = std::max<int64_t>(a.limit, 1), b_limit = std::max<int64_t>(b.limit, 1);
    return base::Int128{a.remaining} * b_limit < base::Int128{b.remaining} * a_limit;
  }

  std::span<const Met> met_;
  uint32_t first_hit_;
  std::span<const limit::Decision> decisions_;
};

// Decides the hits in the table.
class Verdict : public Reading {
 public:
  Verdict(Table& table, Gathered& gathered, const GatheredSpan& span, const Terms& terms,
          const HoldTerms& hold, std::span<limit::Decision> decisions)
      : Reading(gathered, span, decisions),
        table_(table),
        hits_(std::span(gathered.hits).subspan(span.hits, span.hits_end - span.hits)),
        first_hit_(span.hits),
        terms_(terms),
        hold_(hold),
        decisions_(decisions) {}

  bool decide(Purpose purpose) {
    return hits_.empty() ||
           table_.decide(hits_, terms_.now, purpose, decisions_, hold_, terms_.uncounted);
  }

  bool decide_quota(Purpose purpose) {
    uint32_t elected = first_in_quota();
    for (size_t attempt = 0; attempt <= met().size(); ++attempt) {
      for (const Met& each : met()) {
        if (each.hit != Met::kNoHit && in_quota(*each.limit))
          hits_[each.hit - first_hit_].shadow = each.hit != elected;
      }
      if (decide(purpose)) return true;
      if (refused_outside_quota()) return false;
      const Met* const open = open_in_quota();
      if (open == nullptr || open->hit == kNobody) return false;
      elected = open->hit;
    }
    return false;  // Others took every place that was free, once for each limit.
  }

 private:
  uint32_t first_in_quota() const {  // Nobody, if an unlimited one keeps the door open.
    uint32_t first = kNobody;
    for (const Met& each : met()) {
      if (!in_quota(*each.limit)) continue;
      if (each.hit == Met::kNoHit) return kNobody;
      if (first == kNobody) first = each.hit;
    }
    return first;
  }

  Table& table_;
  std::span<Hit> hits_;
  uint32_t first_hit_;
  const Terms& terms_;
  const HoldTerms& hold_;
  std::span<limit::Decision> decisions_;
};

// The block of the descriptors that lasts longest; for 0: not blocked.
struct Blocked {
  base::Duration left{};
  base::Hash128 key{};
  bool half_open = false;  // One of them lets one ask go.
  bool is() const { return left.count() > 0; }
};
Blocked blocked_for(const Table& table, const Gathered& gathered, const GatheredSpan& span,
                    base::Time now) {
  Blocked longest;
  for (size_t i = span.blocks; i < span.blocks_end; ++i) {
    const base::Hash128 key = gathered.blocks[i];
    const Table::BlockView block = table.block_at(key, now);
    const base::Duration left = block.until - now;
    longest.half_open |= block.half_open;
    if (left > longest.left) {
      longest.left = left;
      longest.key = key;
    }
  }
  return longest;
}

// The probes of the half-open blocks that one ask meets: all of them or none.
class Probes {
 public:
  Probes(Table& table, const Watchers& watchers, std::span<const base::Hash128> blocks,
         base::Time now)
      : table_(table), watchers_(watchers), blocks_(blocks), now_(now) {}

  bool claim() {
    for (const base::Hash128 key : blocks_) {
      const Table::BlockView block = table_.block_at(key, now_);
      const bool open = block.until <= now_ && !block.half_open;
      if (open || std::find(claimed_.begin(), claimed_.end(), key) != claimed_.end()) continue;
      if (!table_.claim_probe(key, now_)) {
        give_back();
        return false;
      }
      claimed_.push_back(key);
    }
    return true;
  }
  void give_back() {
    for (const base::Hash128 key : claimed_) {
      if (table_.give_back_probe(key, now_)) watchers_.tell(key);
    }
    claimed_.clear();
  }

 private:
  Table& table_;
  const Watchers& watchers_;
  std::span<const base::Hash128> blocks_;
  const base::Time now_;
  boost::container::small_vector<base::Hash128, 4> claimed_;
};

// Returns the state of what refuses.
base::Hash128 name_refusal(const Reading& verdict, const Blocked& blocked, bool limits_allow,
                           Answer& answer) {
  const Met* const last = limits_allow ? nullptr : verdict.frees_last();
  CHECK(last != nullptr || blocked.is());
  if (last == nullptr || (blocked.is() && verdict.of(*last).retry_after <= blocked.left)) {
    answer.limited_by = answer.nearest = kByBlock;
    answer.numbers = {.allowed = false, .retry_after = blocked.left, .reset_after = blocked.left};
    return blocked.key;
  }
  answer.limited_by = answer.nearest = last->limit->name;
  answer.numbers = verdict.of(*last);
  return last->key;
}

void name_nearest(const Reading& verdict, Answer& answer) {
  const Met* const nearest = verdict.nearest();
  if (nearest == nullptr) return;
  answer.nearest = nearest->limit->name;
  answer.numbers = verdict.of(*nearest);
  answer.numbers.allowed = true;  // A shadow may think otherwise; the ask may go.
  answer.numbers.retry_after = {};
}

// Do the limits allow it? `blocked` is written; while it is(), nothing is charged.
bool decide_limits(Table& table, const Watchers& watchers, const Gathered& gathered,
                   const GatheredSpan& span, const Terms& terms, Verdict& verdict,
                   Blocked& blocked) {
  const auto decide = [&](Purpose purpose) {
    return span.quota ? verdict.decide_quota(purpose) : verdict.decide(purpose);
  };
  for (;;) {  // Again only if another took the probe, or ended the block, in between.
    blocked = blocked_for(table, gathered, span, terms.now);
    if (blocked.is() || terms.purpose == Purpose::kPeek) return decide(Purpose::kPeek);
    if (!blocked.half_open) [[likely]]
      return decide(terms.purpose);
    if (!decide(Purpose::kPeek)) return false;
    Probes probes(table, watchers,
                  std::span(gathered.blocks).subspan(span.blocks, span.blocks_end - span.blocks),
                  terms.now);
    if (!probes.claim()) continue;
    const bool allowed = decide(terms.purpose);
    if (!allowed) probes.give_back();
    return allowed;
  }
}

Outcome answer_of(const Reading& reading, bool limits_allow, const Blocked& blocked,
                  std::span<LimitAnswer> rows, Answer& answer, base::Hash128* limited_at) {
  const std::span<const Met> met = reading.met();
  for (size_t i = 0; i < met.size(); ++i)
    rows[i] = {met[i].limit, met[i].descriptor, reading.of(met[i])};
  answer.allowed = limits_allow && !blocked.is();
  answer.logging &= !answer.allowed;  // Another limit of quota mode had room.
  answer.matched = blocked.is() || !met.empty();
  answer.limits = rows;
  if (!answer.allowed) {
    const base::Hash128 at = name_refusal(reading, blocked, limits_allow, answer);
    if (limited_at != nullptr) *limited_at = at;
    return blocked.is() ? Outcome::kBlocked : Outcome::kLimited;
  }
  name_nearest(reading, answer);
  return reading.shadow_refused() ? Outcome::kShadowLimited : Outcome::kAllowed;
}

}  // namespace

Outcome outcome_of(const Answer& answer) {
  if (!answer.allowed) {
    return answer.limited_by == kByBlock ? Outcome::kBlocked : Outcome::kLimited;
  }
  const bool shadow_refused = std::ranges::any_of(answer.limits, [](const LimitAnswer& met) {
    return met.limit != nullptr && met.limit->spec.shadow && !met.decision.allowed;
  });
  return shadow_refused ? Outcome::kShadowLimited : Outcome::kAllowed;
}

Outcome decide_ask(Table& table, const Watchers& watchers, Gathered& gathered,
                   const GatheredSpan& span, const Terms& terms,
                   std::span<limit::Decision> decisions, std::span<LimitAnswer> rows,
                   Answer& answer) {
  HoldTerms hold = terms.hold;
  hold.logging = &answer.logging;
  Verdict verdict(table, gathered, span, terms, hold, decisions);
  Blocked blocked;
  const bool limits_allow = decide_limits(table, watchers, gathered, span, terms, verdict, blocked);
  return answer_of(verdict, limits_allow, blocked, rows, answer, terms.limited_at);
}

Outcome answer_ask(const Gathered& gathered, const GatheredSpan& span,
                   std::span<const limit::Decision> decisions, base::Duration blocked,
                   std::span<LimitAnswer> rows, Answer& answer) {
  const Reading reading(gathered, span, decisions);
  return answer_of(reading, reading.allows(), {.left = blocked}, rows, answer, nullptr);
}

}  // namespace limiter
