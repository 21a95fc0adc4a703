// A seeded generator (splitmix64). One per owner; passed by reference; never global.
#pragma once
#include <cstdint>

namespace base {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t n) { return next() % n; }  // REQUIRES: n > 0. The bias is below 2^-32.

 private:
  uint64_t state_;
};

}  // namespace base
