#include "load/keys.h"

#include <algorithm>
#include <cmath>

namespace load {
namespace {

double unit(base::Random& random) {  // In [0, 1).
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

// (exp(x) - 1) / x and log(1 + x) / x, also where x is nearly 0.
double expm1_over(double x) { return std::abs(x) > 1e-9 ? std::expm1(x) / x : 1 + x / 2; }
double log1p_over(double x) { return std::abs(x) > 1e-9 ? std::log1p(x) / x : 1 - x / 2; }

}  // namespace

Keys::Keys(const KeyTerms& terms) : terms_(terms) {
  if (terms.like != KeysLike::kZipf) return;
  area_first_ = area(1.5) - 1;
  area_last_ = area(static_cast<double>(terms.count) + 0.5);
  sure_ = 2 - area_to(area(2.5) - std::pow(2.0, -terms.exponent));
}

uint64_t Keys::draw(base::Random& random, uint64_t number) const {
  switch (terms_.like) {
    case KeysLike::kOne:
      return 0;
    case KeysLike::kTurn:
      return number % terms_.count;
    case KeysLike::kUniform:
      return random.below(terms_.count);
    case KeysLike::kZipf:
      return zipf(random);
  }
  return 0;
}

uint64_t Keys::zipf(base::Random& random) const {
  for (;;) {
    const double drawn = area_last_ + unit(random) * (area_first_ - area_last_);
    const double x = area_to(drawn);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(terms_.count));
    if (rank - x <= sure_ || drawn >= area(rank + 0.5) - std::pow(rank, -terms_.exponent))
      return static_cast<uint64_t>(rank) - 1;
  }
}

double Keys::area(double x) const {
  const double log = std::log(x);
  return expm1_over((1 - terms_.exponent) * log) * log;
}

double Keys::area_to(double y) const {
  const double t = std::max((1 - terms_.exponent) * y, -1.0);
  return std::exp(log1p_over(t) * y);
}

}  // namespace load
