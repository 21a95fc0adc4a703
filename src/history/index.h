// Names to indices: open addressing, one array. Names are hashes already.
#pragma once
#include <bit>
#include <cstddef>
#include <vector>

#include "base/check.h"
#include "history/event.h"

namespace history {

class Index {
 public:
  // At most `most` names will be added.
  explicit Index(size_t most) : slots_(std::bit_ceil(most * 2 + 2)) {}

  // kNone if the name is new: the caller writes its index there.
  uint32_t& operator[](Name name) {
    Slot& slot = slots_[place(name)];
    if (slot.name == 0) {
      CHECK(++used_ * 2 <= slots_.size());
      slot.name = name;
    }
    return slot.value;
  }

  uint32_t find(Name name) const {  // kNone: not there.
    return slots_[place(name)].value;
  }

 private:
  struct Slot {
    Name name = 0;
    uint32_t value = kNone;
  };

  size_t place(Name name) const {
    size_t at = name & (slots_.size() - 1);
    while (slots_[at].name != 0 && slots_[at].name != name) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace history
