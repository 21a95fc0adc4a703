#include "command/law_cache.h"

namespace command {

base::Result<limit::Gcra> LawCache::get(limit::Rate rate, int64_t burst) {
  const uint64_t mixed = (static_cast<uint64_t>(rate.count) * 0x9e3779b97f4a7c15u) ^
                         (static_cast<uint64_t>(rate.period.count()) * 0xbf58476d1ce4e5b9u) ^
                         (static_cast<uint64_t>(burst) * 0x94d049bb133111ebu);
  Slot& slot = slots_[(mixed >> 32) % kSlots];
  if (slot.law && slot.burst == burst && slot.rate == rate) return *slot.law;
  base::Result<limit::Gcra> law = limit::Gcra::make(rate, burst);
  if (law) slot = {rate, burst, *law};
  return law;
}

}  // namespace command
