#include "gateway/choice.h"

#include "base/check.h"
#include "base/hash.h"

namespace gateway {
namespace {

size_t least_loaded(std::span<const Candidate> of, base::Random& random) {
  if (of.size() == 1) return 0;
  const size_t a = random.below(of.size());
  const size_t b = (a + 1 + random.below(of.size() - 1)) % of.size();
  if (of[a].in_flight != of[b].in_flight) return of[a].in_flight < of[b].in_flight ? a : b;
  return of[b].latency < of[a].latency ? b : a;
}

size_t rendezvous(std::span<const Candidate> of, std::string_view key) {
  size_t best = 0;
  uint64_t highest = 0;
  for (size_t i = 0; i < of.size(); ++i) {
    const uint64_t score = base::hash128(key, of[i].hash).low;
    if (i > 0 && score <= highest) continue;
    highest = score;
    best = i;
  }
  return best;
}

}  // namespace

size_t choose(Choose how, std::span<const Candidate> candidates, std::string_view key,
              base::Random& random) {
  CHECK(!candidates.empty());
  switch (how) {
    case Choose::kRandom:
      return random.below(candidates.size());
    case Choose::kLeastLoaded:
      return least_loaded(candidates, random);
    case Choose::kRendezvous:
      return rendezvous(candidates, key);
  }
  return 0;
}

}  // namespace gateway
