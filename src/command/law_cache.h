// The laws that CL.THROTTLE brings along. To reduce a rate takes longer than to decide on it, and
// most requests of a thread name one of a few; so the last ones are kept, each in the slot that its
// numbers hash to.
//
// Thread: one owner.
#pragma once
#include <array>
#include <optional>

#include "limit/limit.h"

namespace command {

class LawCache {
 public:
  // Errors: as Gcra::make. The law is returned by value: the slot may be another's soon.
  base::Result<limit::Gcra> get(limit::Rate rate, int64_t burst);

 private:
  struct Slot {
    limit::Rate rate;
    int64_t burst = 0;
    std::optional<limit::Gcra> law;
  };
  static constexpr size_t kSlots = 64;  // A power of two.
  std::array<Slot, kSlots> slots_;
};

}  // namespace command
