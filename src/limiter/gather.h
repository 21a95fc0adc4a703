// From an ask to the states that it meets: descriptors are matched, displaced limits dropped, and
// costs that meet in one state summed.
//
//   descriptors ── match ──► met limits ── replaces ──► ── merge ──► hits (distinct keys)
//
// Limits of the ask's second domain are met beside those of the first. `replaces` works within a
// domain: the names of one mean nothing in another.
//
// Everything is appended to flat vectors, so that a batch of asks shares one set of them.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "limiter/limiter.h"
#include "limiter/table.h"
#include "limiter/tree.h"

namespace limiter {

// The name spaces of keys: each is hashed under a seed of its own, so that no domain, whatever its
// name, shares a state with a CL.THROTTLE key or a block.
class Keys {
 public:
  explicit Keys(uint64_t seed);
  base::Hash128 of_limits(std::string_view text) const { return base::hash128(text, limits_); }
  base::Hash128 of_throttle(std::string_view key) const { return base::hash128(key, throttle_); }
  base::Hash128 of_block(std::string_view text) const { return base::hash128(text, blocks_); }

 private:
  uint64_t limits_, throttle_, blocks_;
};

struct Met {                                        // One limit that one descriptor meets.
  static constexpr uint32_t kNoHit = ~uint32_t{0};  // Unlimited: nothing to count.
  const Limit* limit;
  Descriptor descriptor;
  base::Hash128 key;
  uint32_t hit = kNoHit;  // Index among all hits.
};

// Where the parts of one ask are within Gathered.
struct GatheredSpan {
  uint32_t met = 0, met_end = 0;
  uint32_t hits = 0, hits_end = 0;
  uint32_t blocks = 0, blocks_end = 0;
  bool quota = false;  // Has a limit of quota mode.
};

struct Gathered {
  std::vector<Met> met;
  std::vector<Hit> hits;
  std::vector<base::Hash128> blocks;  // Keys that a block of a descriptor would have.
  std::string text;                   // Reused: what is hashed.

  GatheredSpan nothing() const;  // An empty span at the end.
  void clear();
};

struct Domains {  // Of an ask. Null: not asked for, or unknown; it matches nothing.
  const Limits::Domain* first = nullptr;
  const Limits::Domain* also = nullptr;
  // In whose name the decision is counted; null: in nobody's.
  const Limits::Domain* counting() const { return first != nullptr ? first : also; }
};
Domains find(const Limits& limits, const Ask& ask);
// Does the ask name a first domain that is not there? Without a name it is of its second only.
inline bool unknown(const Domains& domains, const Ask& ask) {
  return domains.first == nullptr && (!ask.domain.empty() || ask.also_domain.empty());
}

// `with_blocks`: collect the keys of blocks too.
GatheredSpan gather(const Keys& keys, const Domains& domains, const Ask& ask, bool with_blocks,
                    Gathered& out);

// What a limit counts of a cost: 1 if it counts requests or holds, whatever the cost. A hold is one
// unit of work in flight, however many descriptors lead to its limit.
bool counts_cost(const Limit& limit);
bool is_concurrency(const Limit& limit);

}  // namespace limiter
