// From text to a number, for maps that are filled once and then only read: open addressing, half
// empty, no building of strings to look one up.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace limiter {

// Thread: any, once filled.
class NameMap {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  uint32_t find(std::string_view text) const {  // kNone: not there.
    if (slots_.empty()) return kNone;
    const uint64_t hash = hash_of(text);
    for (size_t i = hash & mask();; i = (i + 1) & mask()) {
      const Slot& slot = slots_[i];
      if (slot.number == kNone) return kNone;
      if (slot.hash == hash && slot.text == text) return slot.number;
    }
  }

  // Puts `number` under `text`; false if the text is there already (nothing changes).
  bool insert(std::string_view text, uint32_t number) {
    if (find(text) != kNone) return false;
    if (2 * (used_ + 1) > slots_.size()) grow();
    place({std::string(text), hash_of(text), number});
    ++used_;
    return true;
  }

 private:
  struct Slot {
    std::string text;
    uint64_t hash = 0;
    uint32_t number = kNone;
  };

  static uint64_t hash_of(std::string_view text) { return base::hash128(text, 0).low; }
  size_t mask() const { return slots_.size() - 1; }

  void place(Slot slot) {
    size_t i = slot.hash & mask();
    while (slots_[i].number != kNone) i = (i + 1) & mask();
    slots_[i] = std::move(slot);
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 4 : 2 * slots_.size());
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.number != kNone) place(std::move(slot));
    }
  }

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace limiter
