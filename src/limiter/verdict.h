// From the states that an ask meets to its answer.
#pragma once
#include <span>

#include "limiter/gather.h"
#include "limiter/limiter.h"
#include "limiter/table.h"
#include "limiter/watchers.h"

namespace limiter {

enum class Outcome : uint8_t { kAllowed, kLimited, kBlocked, kShadowLimited };
inline constexpr size_t kOutcomes = 4;
std::string_view to_string(Outcome outcome);

// What an unlimited limit answers.
inline constexpr limit::Decision kUnlimited{.allowed = true,
                                            .limit = std::numeric_limits<int64_t>::max(),
                                            .remaining = std::numeric_limits<int64_t>::max()};

struct Terms {
  base::Time now;
  Purpose purpose = Purpose::kCharge;
  HoldTerms hold{};
  std::span<bool> uncounted{};          // As Table::decide() writes it.
  base::Hash128* limited_at = nullptr;  // Written if refused: the state of limited_by.
};

// Charges every limit of the ask at `span`, or none; then answers.
//
// Limits of quota_mode refuse only all together. Still it is one decision of the table each time:
// one of them is elected to refuse and the others are asked as shadows. If only the elected one
// refuses, that same decision tells which other one has room; it is elected, and the ask is decided
// again. So what is allowed was charged while at least one of them had room, and a refusal has
// changed nothing.
//
// A block refuses whatever the limits say; the limits are then only looked at, because the ask
// fails until the block and the limits are over, and that is what `retry_after` must say.
//
// An ask that meets a half-open block looks at its limits first, then claims the probe, then is
// decided: so one that its limits refuse uses up no probe. If they refuse it after all, because
// others were faster, the probe is given back and `watchers` are told.
//
// `decisions` belongs to the hits at `span`, `rows` to the met limits; both have their sizes.
Outcome decide_ask(Table& table, const Watchers& watchers, Gathered& gathered,
                   const GatheredSpan& span, const Terms& terms,
                   std::span<limit::Decision> decisions, std::span<LimitAnswer> rows,
                   Answer& answer);

// What decide_ask() answers of hits that were decided elsewhere, all or none as it does: each as if
// it were alone, `blocked` is how long a block of the ask still lasts.
Outcome answer_ask(const Gathered& gathered, const GatheredSpan& span,
                   std::span<const limit::Decision> decisions, base::Duration blocked,
                   std::span<LimitAnswer> rows, Answer& answer);

// What an answer was counted as, or is to be counted as.
Outcome outcome_of(const Answer& answer);

}  // namespace limiter
