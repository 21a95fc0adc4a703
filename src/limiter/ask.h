// What is asked of limits, and what is answered: by the limiter of this process, and by whatever
// else decides (decider.h, taker.h).
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "base/result.h"
#include "limit/decision.h"
#include "limiter/limits.h"

namespace limiter {

// Who decided; with the store gone, what the limit says happens then.
enum class DecidedBy : uint8_t { kMemory, kStore, kGrant, kRefuse, kAllow, kLocal };
std::string_view to_string(DecidedBy by);

// One decision to make. Views must live until the batch is cleared.
struct Ask {
  std::string_view domain{};
  std::span<const Descriptor> descriptors{};
  // Of a second domain, charged with the first or not at all (pushes carry those of `outbound`). An
  // unknown one matches nothing; an empty one: there is none. With it `domain` may be empty: then
  // the ask is of the second only. `replaces` works within a domain, and decisions are counted in
  // the name of the first. Not of reserve() and acquire().
  std::string_view also_domain{};
  std::span<const Descriptor> also{};
  int64_t cost = 1;      // >= 0; limits with `counts: requests` take 1 whatever it is.
  bool dry_run = false;  // Charges nothing and is not counted as a decision.
};

// Is the ask within its bounds? 1 to 32 descriptors of each domain (of the first none, if it has no
// name and there is a second), of 1 to 16 entries, keys not empty, cost at least 0. kInvalid names
// the field: "descriptors" or "cost". Whoever takes asks from outside asks this first; the domain
// is looked up later.
base::Status validate(const Ask& ask);
base::Status validate(Descriptor descriptor);

// The `limit` and `remaining` of a decision that nothing bounds: of an unlimited limit, or of one
// whose store is gone and that allows then. Answers to clients leave them out.
inline constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

struct LimitAnswer {  // One limit that the ask met.
  const Limit* limit;
  Descriptor descriptor;
  limit::Decision decision;
};

struct Answer {
  bool known_domain = true;
  bool allowed = true;
  bool logging = false;         // Refused until a durable limit's journal has caught up: soon.
  bool matched = false;         // False: no limit and no block matches; the numbers mean nothing.
  std::string_view limited_by;  // Empty: nobody. "blocked": a block. The one that frees last.
  // The numbers are those of limited_by (limit 0: a block), else of the limit with the least share
  // left. A limit that cannot refuse gives them only if there is no other: first an unlimited one
  // (limit and remaining are the largest integer), then a shadow.
  limit::Decision numbers;
  std::string_view nearest;  // Whose numbers they are.
  DecidedBy decided_by = DecidedBy::kMemory;
  std::span<const LimitAnswer> limits;  // Each limit met, not those that another one displaces.
};

}  // namespace limiter
