// SipHash-2-4 of one 64-bit word: a keyed function whose outputs tell nothing about its key or its
// other outputs. Ids go out to clients, so XXH3, whose seed could be computed back, will not do.
// Source: J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF, 2012.
#pragma once
#include <bit>
#include <cstdint>

namespace limiter {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

inline uint64_t siphash(SipKey key, uint64_t word) {
  uint64_t v0 = key.k0 ^ 0x736f6d6570736575u, v1 = key.k1 ^ 0x646f72616e646f6du;
  uint64_t v2 = key.k0 ^ 0x6c7967656e657261u, v3 = key.k1 ^ 0x7465646279746573u;
  const auto round = [&] {
    v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
  };
  const auto absorb = [&](uint64_t m) {
    v3 ^= m;
    round(), round();
    v0 ^= m;
  };
  absorb(word);
  absorb(uint64_t{8} << 56);  // The length in bytes.
  v2 ^= 0xff;
  round(), round(), round(), round();
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace limiter
