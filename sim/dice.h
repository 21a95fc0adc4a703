// What a life draws from its seed, in the words of the clients.
#pragma once
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/time.h"

namespace sim {

using namespace std::chrono_literals;

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  base::Random& random() { return random_; }

  uint64_t below(uint64_t n) { return random_.below(n); }
  int64_t between(int64_t low, int64_t high) {  // Both included.
    return low + static_cast<int64_t>(random_.below(static_cast<uint64_t>(high - low + 1)));
  }
  bool chance(uint64_t per_thousand) { return random_.below(1000) < per_thousand; }
  base::Duration span(base::Duration low, base::Duration high) {
    return base::Duration(between(low.count(), high.count()));
  }
  template <typename T>
  T& pick(std::vector<T>& from) {
    return from[below(from.size())];
  }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  base::Random random_;
};

}  // namespace sim
