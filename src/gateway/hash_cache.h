// Hashes that were computed, as long as they are believed: bounded, the least recently used goes
// first. Told the time.
//
// Thread: one owner at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "gateway/hash.h"

namespace gateway {

class HashCache {
 public:
  // `seed`: of the table's hash, so that nobody can choose keys that meet.
  HashCache(size_t entries_max, uint64_t seed)
      : entries_max_(entries_max), rows_(0, KeyHash{seed}) {}

  std::optional<Digest> find(const Digest& key, base::Time now);
  void put(const Digest& key, const Digest& hash, base::Time until);
  size_t size() const { return rows_.size(); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct KeyHash {
    uint64_t seed;
    size_t operator()(const Digest& key) const {
      return base::hash128({reinterpret_cast<const char*>(key.data()), key.size()}, seed).low;
    }
  };
  struct Entry {
    Digest key, hash;
    base::Time until;
    uint32_t newer = kNone, older = kNone;
  };
  uint32_t take_entry();
  void link(uint32_t at);  // As the newest.
  void unlink(uint32_t at);
  void drop(uint32_t at);

  size_t entries_max_;
  std::unordered_map<Digest, uint32_t, KeyHash> rows_;  // Into entries_.
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  uint32_t newest_ = kNone, oldest_ = kNone;
};

}  // namespace gateway
