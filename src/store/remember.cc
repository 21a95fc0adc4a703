#include "store/remember.h"

#include <algorithm>

namespace store {
namespace {

// Keys are keyed hashes, so any mixture of them will do. Hits that were taken from grants are none
// of the store's.
base::Hash128 name_of(const Round& round, const Item& item) {
  base::Hash128 name;
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    const base::Hash128 key = round.gathered.hits[h].key;
    if (!round.taken(h))
      name = {name.low * 0x9e3779b97f4a7c15u + key.low,
              (name.high << 5 | name.high >> 59) ^ key.high};
  }
  return name;
}

// For another cost a log or holds would have to be asked.
bool any_cost(const Round& round, const Item& item) {
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    if (!round.taken(h) && round.laws[h]->kind() >= Law::Kind::kLog) return false;
  }
  return true;
}

}  // namespace

void Remembered::keep_if(uint64_t freed) {
  if (freed_ == freed) return;
  refusals_.clear();
  freed_ = freed;
}

void Remembered::keep_if(const std::shared_ptr<const limiter::Limits>& limits) {
  if (limits_ == limits) return;
  refusals_.clear();
  limits_ = limits;
}

void Remembered::put(const Round& round, const Item& item, base::Duration retry_after,
                     base::Time now) {
  keep_if(round.limits);
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    // A hold may end at any time, wherever it is held; and of a log only so much is known: nothing
    // leaves it before one unit fits.
    if (round.taken(h)) continue;
    const bool one = round.gathered.hits[h].cost == 1 && !round.seen[h].allowed;
    if (round.laws[h]->holds() || (round.laws[h]->kind() == Law::Kind::kLog && !one)) return;
  }
  if (refusals_.size() >= kRefusalsMax) refusals_.clear();
  Refusal& refusal = refusals_[name_of(round, item)];
  if (refusal.until > now && refusal.cost < item.cost) return;  // It says more.
  refusal.heard = now;
  refusal.until = now + std::min(retry_after, kLongest);
  refusal.cost = item.cost;
  refusal.seen.clear();
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    if (!round.taken(h)) refusal.seen.push_back(round.seen[h]);
  }
}

void Remembered::charged(const Round& round, const Item& item) {
  if (!refusals_.empty()) refusals_.erase(name_of(round, item));
}

bool Remembered::answers(Round& round, Item& item, base::Time now, limiter::Answer& answer) {
  keep_if(round.limits);
  if (refusals_.empty()) return false;
  const auto found = refusals_.find(name_of(round, item));
  if (found == refusals_.end()) return false;
  const Refusal& refusal = found->second;
  if (now >= refusal.until || now < refusal.heard) {
    refusals_.erase(found);
    return false;
  }
  if (item.cost < refusal.cost || (item.cost > refusal.cost && !any_cost(round, item)))
    return false;
  auto seen = refusal.seen.begin();
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    if (!round.taken(h)) round.seen[h] = *seen++;
  }
  const int64_t then = refusal.seen.front().now + whole_us(now - refusal.heard);
  conclude(round, item, then, false, answer);
  return !answer.allowed;
}

}  // namespace store
