// A keyed 128-bit hash (XXH3). Whoever does not know the seed cannot choose keys that collide, and
// two of 10^9 keys collide with a chance below 10^-20, so a table may keep the hash and forget the
// key's text.
#pragma once
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace base {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
};

inline Hash128 hash128(std::string_view bytes, uint64_t seed) {
  const XXH128_hash_t h = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {h.low64, h.high64};
}

// The key of one of several states that belong to one hashed text: bijective in `hash` for a given
// `salt`, so it adds no collisions of its own. salt 0 changes nothing.
inline Hash128 salted(Hash128 hash, uint64_t salt) {
  const uint64_t spread = salt * 0x9e3779b97f4a7c15u;
  return {hash.low ^ spread, hash.high ^ (spread << 32 | spread >> 32)};
}

}  // namespace base
