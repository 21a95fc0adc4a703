#include "store/demand.h"

#include <algorithm>

namespace store {

int64_t Demand::count(base::Hash128 key, int64_t units, base::Time now, base::Duration span) {
  if (places_.empty()) places_.resize(kBuckets);
  std::array<Place, kWays>& bucket = places_[key.low % kBuckets];
  const auto found = std::ranges::find(bucket, key.high, &Place::tag);
  if (found != bucket.end()) {
    if (now - found->since >= span) *found = {.tag = key.high, .since = now, .units = 0};
    return found->units += units;
  }
  Place* least = bucket.begin();
  for (Place& place : bucket) {
    if (now - place.since >= span) place.units = 0;
    if (place.units < least->units) least = &place;
  }
  least->units -= units;
  if (least->units < 0) *least = {.tag = key.high, .since = now, .units = units};
  return units;
}

}  // namespace store
