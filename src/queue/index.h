// Linear hashing (W. Litwin, 1980) over slots that carry their own chain: the table grows and
// shrinks by single buckets, so no call moves more than a chain or two.
//
//   buckets 0 .. base-1 | base .. buckets-1        bucket of h: h mod 2·base, less base if that is
//   next to split ─►      their upper halves       not there yet
//
// A full table has a bucket for each slot: 4 bytes. The heads lie in chunks of 64 KiB.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "queue/slab.h"

namespace queue {

// Of Links: `uint32_t hash(uint32_t slot) const`, constant while the slot is in the table;
// `uint32_t& next(uint32_t slot)`, which is the table's while it is.
template <typename Links>
class Index {
 public:
  explicit Index(Links links) : links_(links) {}

  // The slot of this hash for which `match(slot)`; kNone: there is none.
  template <typename Match>
  uint32_t find(uint32_t hash, Match match) const {
    if (chunks_.empty()) return kNone;
    uint32_t slot = head(bucket(hash));
    while (slot != kNone && !match(slot)) slot = links_.next(slot);
    return slot;
  }

  void insert(uint32_t slot) {
    if (chunks_.empty()) add_chunk();
    if (size_ >= buckets_) grow();
    uint32_t& first = head(bucket(links_.hash(slot)));
    links_.next(slot) = first;
    first = slot;
    ++size_;
  }

  void erase(uint32_t slot) {  // REQUIRES: it is there.
    uint32_t* link = &head(bucket(links_.hash(slot)));
    while (*link != slot) link = &links_.next(*link);
    *link = links_.next(slot);
    --size_;
    for (int i = 0; i < 2 && buckets_ > kBucketsMin && size_ < buckets_ / 2; ++i) shrink();
  }

  size_t size() const { return size_; }
  size_t buckets() const { return buckets_; }
  size_t bytes() const { return chunks_.size() * sizeof(Chunk) + chunks_.capacity() * 8; }
  uint64_t moved() const { return moved_; }  // Slots that changed their bucket, ever.

 private:
  static constexpr uint32_t kChunkBits = 14, kBucketsMin = 1024;
  struct Chunk {
    uint32_t heads[1u << kChunkBits];
  };

  uint32_t bucket(uint32_t hash) const {
    const uint32_t wide = hash & (2 * base_ - 1);
    return wide < buckets_ ? wide : wide - base_;
  }
  uint32_t& head(uint32_t b) const {
    return chunks_[b >> kChunkBits]->heads[b & ((1u << kChunkBits) - 1)];
  }

  void add_chunk() {
    chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
    std::uninitialized_fill(std::begin(chunks_.back()->heads), std::end(chunks_.back()->heads),
                            kNone);
  }

  void grow() {
    if (buckets_ >> kChunkBits == chunks_.size()) add_chunk();
    uint32_t* stay = &head(buckets_ - base_);
    uint32_t* go = &head(buckets_);
    for (uint32_t slot = *stay; slot != kNone; slot = links_.next(slot)) {
      const bool goes = (links_.hash(slot) & (2 * base_ - 1)) == buckets_;
      moved_ += goes;
      uint32_t*& tail = goes ? go : stay;
      *tail = slot;
      tail = &links_.next(slot);
    }
    *stay = *go = kNone;
    if (++buckets_ == 2 * base_) base_ *= 2;
  }

  void shrink() {
    if (buckets_ == base_) base_ /= 2;
    uint32_t& last = head(--buckets_);
    uint32_t* link = &last;
    for (; *link != kNone; link = &links_.next(*link)) ++moved_;
    uint32_t& twin = head(buckets_ - base_);
    *link = twin;
    twin = last;
    last = kNone;
    if ((buckets_ >> kChunkBits) + 1 < chunks_.size()) chunks_.pop_back();
  }

  [[no_unique_address]] mutable Links links_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  uint32_t base_ = kBucketsMin, buckets_ = kBucketsMin;
  size_t size_ = 0;
  uint64_t moved_ = 0;
};

}  // namespace queue
