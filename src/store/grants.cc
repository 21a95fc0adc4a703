#include "store/grants.h"

#include <algorithm>
#include <utility>

namespace store {
namespace {

limit::Decision numbers(const Law& law, bool allowed, int64_t left) {
  limit::Decision out{.allowed = allowed, .limit = law.burst(), .remaining = left};
  out.reset_after = law.span_of(law.burst() - std::min(left, law.burst()));
  return out;
}

}  // namespace

std::optional<limit::Decision> Grants::spend(const limiter::Hit& hit, const Law& law,
                                             base::Time now, unsigned instances, int64_t& block) {
  const base::Duration life = law.grant_life();
  if (life.count() == 0) return std::nullopt;
  const int64_t most = law.units_in(life);
  // More than what is left of the burst beside grants is a question for the store.
  if (hit.cost <= 0 || hit.cost > law.burst() - most - 1) return std::nullopt;
  if (keys_.size() >= kKeysMax) keys_.clear();
  Key& key = keys_[hit.key];
  if (now - key.span >= life) {
    key.demand_before = now - key.span < 2 * life ? key.demand : 0;
    key.demand = 0;
    key.span = now;
  }
  key.demand += hit.cost;
  for (Block* const each : {&key.first, &key.second}) {
    if (now >= each->until) each->units = 0;
  }
  const int64_t demand = std::max(key.demand, key.demand_before);
  const int64_t share = std::max(most / instances, kBlockMin);
  const int64_t wanted = std::clamp(demand / 2, kBlockMin, share);
  const bool enough = key.first.units + key.second.units >= hit.cost;
  if (enough) {
    const int64_t of_first = std::min(key.first.units, hit.cost);
    key.first.units -= of_first;
    key.second.units -= hit.cost - of_first;
  }
  const int64_t left = key.first.units + key.second.units;
  if (demand >= kHotUnits && !key.sent_for && now >= key.refused && left < (wanted + 1) / 2) {
    key.sent_for = true;
    block = wanted;
  }
  if (enough) return numbers(law, true, left);
  if (now >= key.refused) return std::nullopt;
  limit::Decision refusal = numbers(law, false, left);
  refusal.retry_after = std::max(key.refused, key.empty + law.span_of(hit.cost)) - now;
  return refusal;
}

void Grants::answered(base::Hash128 name, const Law& law, const Told& told) {
  const auto found = keys_.find(name);
  if (found == keys_.end()) return;
  Key& key = found->second;
  key.sent_for = false;
  if (told.units < 0) return;
  if (told.units > 0) {
    const base::Time until = told.sent + law.grant_life();
    if (key.first.units == 0) key.first = std::exchange(key.second, {});
    if (key.first.units == 0) {
      key.first = {told.units, until};
    } else if (key.second.units == 0) {
      key.second = {told.units, until};
    } else {
      key.second.units += told.units;  // A few, usually: they die with those that were there.
    }
  }
  if (told.units == told.block) return;
  // Worth asking again when half of it has come free.
  key.empty = told.now;
  key.refused = told.now + law.span_of(std::max<int64_t>((told.block - told.units) / 2, 1));
}

void Grants::keep_if(const std::shared_ptr<const limiter::Limits>& limits, uint64_t freed) {
  if (limits_ == limits && freed_ == freed) return;
  keys_.clear();
  limits_ = limits;
  freed_ = freed;
}

}  // namespace store
