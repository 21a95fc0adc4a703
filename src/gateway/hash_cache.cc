#include "gateway/hash_cache.h"

namespace gateway {

void HashCache::link(uint32_t at) {
  entries_[at].newer = kNone;
  entries_[at].older = newest_;
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = at;
  newest_ = at;
}

void HashCache::unlink(uint32_t at) {
  const Entry& entry = entries_[at];
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

void HashCache::drop(uint32_t at) {
  unlink(at);
  rows_.erase(entries_[at].key);
  free_.push_back(at);
}

uint32_t HashCache::take_entry() {
  if (rows_.size() >= entries_max_) drop(oldest_);
  if (free_.empty()) {
    entries_.emplace_back();
    return static_cast<uint32_t>(entries_.size() - 1);
  }
  const uint32_t at = free_.back();
  free_.pop_back();
  return at;
}

std::optional<Digest> HashCache::find(const Digest& key, base::Time now) {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return std::nullopt;
  const uint32_t at = found->second;
  if (entries_[at].until <= now) {
    drop(at);
    return std::nullopt;
  }
  unlink(at);
  link(at);
  return entries_[at].hash;
}

void HashCache::put(const Digest& key, const Digest& hash, base::Time until) {
  if (entries_max_ == 0) return;
  if (const auto found = rows_.find(key); found != rows_.end()) drop(found->second);
  const uint32_t at = take_entry();
  entries_[at] = {.key = key, .hash = hash, .until = until};
  rows_.emplace(key, at);
  link(at);
}

}  // namespace gateway
