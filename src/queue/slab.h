// Objects of one size in chunks that never move; a slot is a number of 32 bits.
//
//   chunk 0 [########....]   chunk 1 [##.#.###]   (given back)   chunk 3 [.####...]
//            in use fresh             free list
//
// A chunk that is wholly free is given back to the allocator, but for one that is kept. take() and
// give() touch one object and its chunk's head; nothing is copied, and what was never taken is
// never touched.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

#include "base/check.h"

namespace queue {

inline constexpr uint32_t kNone = ~uint32_t{0};

// REQUIRES of T: a member `uint32_t hash_next` (the free list runs through it), and
// `bool in_use() const` that is false after `T::vacate()`.
template <typename T, unsigned kChunkBits>
class Slab {
 public:
  static_assert(std::is_trivially_destructible_v<T>);
  static constexpr uint32_t kChunkItems = 1u << kChunkBits;

  Slab() = default;
  ~Slab() {
    for (Chunk* chunk : chunks_) ::operator delete(chunk);
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  T& operator[](uint32_t slot) { return chunks_[slot >> kChunkBits]->items()[slot & kMask]; }
  const T& operator[](uint32_t slot) const {
    return chunks_[slot >> kChunkBits]->items()[slot & kMask];
  }

  bool holds(uint32_t slot) const {  // Whether it is in use.
    const Chunk* chunk = slot < end() ? chunks_[slot >> kChunkBits] : nullptr;
    return chunk != nullptr && (slot & kMask) < chunk->fresh &&
           chunk->items()[slot & kMask].in_use();
  }

  uint32_t take() {  // A fresh T{}.
    if (room_ == kNone) add_chunk();
    Chunk& chunk = *chunks_[room_];
    const uint32_t id = room_;
    uint32_t index = chunk.free;
    if (index != kNone)
      chunk.free = chunk.items()[index].hash_next;
    else
      index = chunk.fresh++;
    if (chunk.used++ == 0) spare_ = kNone;
    if (chunk.used == kChunkItems) leave_room(chunk);
    ++used_;
    new (&chunk.items()[index]) T{};
    return id << kChunkBits | index;
  }

  void give(uint32_t slot) {
    const uint32_t id = slot >> kChunkBits;
    Chunk& chunk = *chunks_[id];
    T& item = chunk.items()[slot & kMask];
    item.vacate();
    item.hash_next = chunk.free;
    chunk.free = slot & kMask;
    if (chunk.used-- == kChunkItems) enter_room(chunk, id);
    --used_;
    if (chunk.used == 0) retire(chunk, id);
  }

  size_t used() const { return used_; }
  size_t bytes() const { return allocated_ * sizeof(Chunk) + chunks_.capacity() * sizeof(Chunk*); }

  // For walks: all slots in use are below `end()`. The first slot in use at or behind `slot`,
  // looking at `budget` slots at most (counted down); end() or the slot reached if there is none.
  uint32_t end() const { return static_cast<uint32_t>(chunks_.size() << kChunkBits); }
  uint32_t seek(uint32_t slot, size_t& budget) const {
    for (; slot < end() && budget > 0; --budget) {
      const Chunk* chunk = chunks_[slot >> kChunkBits];
      if (chunk == nullptr || (slot & kMask) >= chunk->fresh)
        slot = ((slot >> kChunkBits) + 1) << kChunkBits;
      else if (chunk->items()[slot & kMask].in_use())
        return slot;
      else
        ++slot;
    }
    return slot;
  }

 private:
  static constexpr uint32_t kMask = kChunkItems - 1;

  struct Chunk {
    uint32_t used = 0, fresh = 0, free = kNone;  // Items from `fresh` on were never taken.
    uint32_t prev = kNone, next = kNone;         // Among the chunks that have room.
    alignas(T) std::byte storage[sizeof(T) * kChunkItems];  // Uninitialised.
    Chunk() {}
    T* items() { return reinterpret_cast<T*>(storage); }
    const T* items() const { return reinterpret_cast<const T*>(storage); }
  };

  void add_chunk() {
    uint32_t id = static_cast<uint32_t>(chunks_.size());
    if (holes_.empty()) {
      CHECK(id < (kNone >> kChunkBits));
      chunks_.push_back(nullptr);
    } else {
      id = holes_.back();
      holes_.pop_back();
    }
    chunks_[id] = new (::operator new(sizeof(Chunk))) Chunk;
    ++allocated_;
    enter_room(*chunks_[id], id);
  }

  void enter_room(Chunk& chunk, uint32_t id) {
    chunk.prev = kNone;
    chunk.next = room_;
    if (room_ != kNone) chunks_[room_]->prev = id;
    room_ = id;
  }

  void leave_room(Chunk& chunk) {
    (chunk.prev == kNone ? room_ : chunks_[chunk.prev]->next) = chunk.next;
    if (chunk.next != kNone) chunks_[chunk.next]->prev = chunk.prev;
  }

  void retire(Chunk& chunk, uint32_t id) {
    if (spare_ == kNone) {
      spare_ = id;
      return;
    }
    leave_room(chunk);
    ::operator delete(&chunk);
    chunks_[id] = nullptr;
    holes_.push_back(id);
    --allocated_;
  }

  std::vector<Chunk*> chunks_;  // nullptr: given back.
  std::vector<uint32_t> holes_;
  uint32_t room_ = kNone;   // The first chunk with room.
  uint32_t spare_ = kNone;  // A chunk that is wholly free.
  size_t used_ = 0, allocated_ = 0;
};

}  // namespace queue
