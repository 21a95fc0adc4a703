// What the limit step has learnt, whoever decided.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "limiter/limiter.h"

namespace gateway {

// Why a decision came out so.
enum class Reason : uint8_t {
  kLimits,
  kBlocked,
  kNoLimit,  // No limit matches.
  // The store of a limit is gone, and this is what the limit says of that:
  kStoreRefuse,
  kStoreAllow,
  kStoreLocal,
  // Nobody decided:
  kNoInstance,
  kDeadline,
  kFailure,
  kUnknownDomain,
  kBadAsk,  // An instance refused to answer it.
};
inline constexpr size_t kReasons = 11;
std::string_view to_string(Reason reason);  // "limits", "store_refuse", …

struct Decision {
  enum class Outcome : uint8_t {
    kAllowed,
    kLimited,
    kRefused,  // The limits' store is gone, and a limit says `refuse`.
    kNobody,   // Nobody decided; the route's when_none does.
  };
  Outcome outcome = Outcome::kNobody;
  Reason reason = Reason::kNoInstance;
  std::string limited_by;                 // kLimited: the limit's name, or "blocked".
  std::optional<int64_t> retry_after_ms;  // kLimited: -1 for never.
  // Fields of the answer, as the draft spells them; empty: left out.
  std::string rate_limit, rate_limit_policy, retry_after;
};

// Of limits that were asked in this process.
Decision decision_of(const limiter::Answer& answer);

}  // namespace gateway
