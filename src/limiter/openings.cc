#include "limiter/openings.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/random.h"

namespace limiter {

DescriptorCopy::DescriptorCopy(std::span<const Descriptor> descriptors) {
  size_t bytes = 0, entries = 0;
  for (const Descriptor& descriptor : descriptors) {
    entries += descriptor.size();
    for (const Entry& entry : descriptor) bytes += entry.key.size() + entry.value.size();
  }
  text_.reserve(bytes);  // Nothing below may move.
  entries_.reserve(entries);
  const auto keep = [&](std::string_view part) {
    text_.append(part);
    return std::string_view(text_).substr(text_.size() - part.size());
  };
  for (const Descriptor& descriptor : descriptors) {
    for (const Entry& entry : descriptor) {
      const std::string_view key = keep(entry.key);
      entries_.push_back({key, keep(entry.value)});
    }
    descriptors_.push_back(std::span<const Entry>(entries_).last(descriptor.size()));
  }
}

Ids::Ids(uint64_t seed) {
  base::Random random(seed);
  for (SipKey* key : {&text_high_, &text_low_, &hold_}) *key = {random.next(), random.next()};
}

Ids::Id Ids::next(OpenKind kind) {
  static constexpr char kHex[] = "0123456789abcdef";
  const uint64_t n = count_.fetch_add(1, std::memory_order_relaxed);
  Id id{std::string(1, static_cast<char>(kind)), siphash(hold_, n)};
  for (const uint64_t word : {siphash(text_high_, n), siphash(text_low_, n)}) {
    for (int shift = 60; shift >= 0; shift -= 4) id.text += kHex[(word >> shift) & 15];
  }
  return id;
}

bool Openings::take_place() {
  if (places_.fetch_add(1, std::memory_order_relaxed) < open_max_) return true;
  give_up();
  return false;
}

Openings::Shard& Openings::shard_of(std::string_view id) {
  return shards_[base::hash128(id, 0).low % kShards];
}

void Openings::put(std::unique_ptr<Opening> opening) {
  const std::string_view id = opening->id;
  Shard& shard = shard_of(id);
  count_of(OpenKind{id.front()}).fetch_add(1, std::memory_order_relaxed);
  base::Guard guard(shard.mutex);
  const auto end = shard.by_end.emplace(opening->ends, opening.get());
  CHECK(shard.by_id.emplace(id, Place{std::move(opening), end}).second);
}

std::unique_ptr<Opening> Openings::remove(Shard& shard, std::string_view id) {
  const auto found = shard.by_id.find(id);
  CHECK(found != shard.by_id.end());
  std::unique_ptr<Opening> opening = std::move(found->second.opening);
  shard.by_end.erase(found->second.end);
  shard.by_id.erase(found);
  count_of(OpenKind{opening->id.front()}).fetch_sub(1, std::memory_order_relaxed);
  give_up();
  return opening;
}

std::unique_ptr<Opening> Openings::take(std::string_view id, OpenKind kind, base::Time now) {
  if (id.empty() || id.front() != static_cast<char>(kind)) return nullptr;
  Shard& shard = shard_of(id);
  base::Guard guard(shard.mutex);
  const auto found = shard.by_id.find(id);
  if (found == shard.by_id.end()) return nullptr;
  std::unique_ptr<Opening> opening = remove(shard, id);
  return opening->ends <= now ? nullptr : std::move(opening);
}

void Openings::end_due(base::Time now, size_t each) {
  for (Shard& shard : shards_) {
    base::Guard guard(shard.mutex);
    for (size_t i = 0; i < each; ++i) {
      const auto first = shard.by_end.begin();
      if (first == shard.by_end.end() || first->first > now) break;
      remove(shard, first->second->id);
    }
  }
}

size_t Openings::size(OpenKind kind) const {
  return (kind == OpenKind::kHold ? holds_ : reservations_).load(std::memory_order_relaxed);
}

}  // namespace limiter
