// Instants of slots in a heap of four children, 12 bytes an entry, in chunks of 48 KiB. An instant
// behind all others goes in at O(1), and out again while it is among the last.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "queue/slab.h"

namespace queue {

// Of Owner: `uint32_t& position(uint32_t slot)`: the heap's; kNone before the first set().
template <typename Owner>
class Heap {
 public:
  explicit Heap(Owner owner) : owner_(owner) {}

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  int64_t first_at() const { return at(0).at(); }  // REQUIRES: not empty.
  uint32_t first() const { return at(0).slot; }    // REQUIRES: not empty.
  size_t bytes() const { return chunks_.size() * sizeof(Chunk) + chunks_.capacity() * 8; }

  void set(uint32_t slot, int64_t instant) {  // Adds it, or changes its instant.
    uint32_t i = owner_.position(slot);
    if (i == kNone) {
      i = size_++;
      if (i >> kChunkBits == chunks_.size())
        chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
    } else if (at(i).at() == instant) {
      return;
    }
    settle(i, Entry(instant, slot));
  }

  void erase(uint32_t slot) {  // If it is there.
    const uint32_t i = owner_.position(slot);
    if (i == kNone) return;
    owner_.position(slot) = kNone;
    const Entry last = at(--size_);
    if (i != size_) settle(i, last);
    if ((size_ >> kChunkBits) + 2 < chunks_.size()) chunks_.pop_back();
  }

 private:
  static constexpr uint32_t kChunkBits = 12;

  struct Entry {
    Entry() {}
    Entry(int64_t instant, uint32_t s)
        : low(static_cast<uint32_t>(instant)),
          high(static_cast<uint32_t>(static_cast<uint64_t>(instant) >> 32)),
          slot(s) {}
    int64_t at() const { return static_cast<int64_t>(uint64_t{high} << 32 | low); }
    uint32_t low, high, slot;
  };
  static_assert(sizeof(Entry) == 12);
  struct Chunk {
    Entry entries[1u << kChunkBits];
  };

  Entry& at(uint32_t i) const {
    return chunks_[i >> kChunkBits]->entries[i & ((1u << kChunkBits) - 1)];
  }
  void put(uint32_t i, const Entry& entry) {
    at(i) = entry;
    owner_.position(entry.slot) = i;
  }

  void settle(uint32_t i, const Entry entry) {  // Position i is free to be written.
    const int64_t instant = entry.at();
    while (i > 0 && at((i - 1) / 4).at() > instant) {
      put(i, at((i - 1) / 4));
      i = (i - 1) / 4;
    }
    for (uint64_t child; (child = uint64_t{i} * 4 + 1) < size_;) {
      uint32_t best = static_cast<uint32_t>(child);
      const uint32_t end = static_cast<uint32_t>(std::min<uint64_t>(child + 4, size_));
      for (uint32_t c = best + 1; c < end; ++c)
        if (at(c).at() < at(best).at()) best = c;
      if (at(best).at() >= instant) break;
      put(i, at(best));
      i = best;
    }
    put(i, entry);
  }

  [[no_unique_address]] mutable Owner owner_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  uint32_t size_ = 0;
};

}  // namespace queue
