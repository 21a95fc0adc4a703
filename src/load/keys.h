// Which key a request is about: the same one always, each in its turn, all alike, or Zipf's law, by
// which the key of rank r is drawn with a probability in proportion to r^-exponent.
//
// Zipf is drawn without a table, by rejection-inversion (W. Hörmann and G. Derflinger,
// "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6(3),
// 1996): constant memory and about one try a draw, for a hundred million keys as for ten.
#pragma once
#include <cstdint>

#include "base/random.h"

namespace load {

enum class KeysLike : uint8_t { kOne, kTurn, kUniform, kZipf };

struct KeyTerms {
  KeysLike like = KeysLike::kUniform;
  uint64_t count = 1;     // At least 1.
  double exponent = 0.0;  // Of Zipf's law: above 0.
};

// Thread: any (immutable).
class Keys {
 public:
  explicit Keys(const KeyTerms& terms);
  // In [0, count). `number`: of the request, for those that are drawn in turn. Zipf: 0 is drawn
  // most often.
  uint64_t draw(base::Random& random, uint64_t number) const;

 private:
  uint64_t zipf(base::Random& random) const;
  double area(double x) const;     // Of x^-exponent from 1 to x.
  double area_to(double y) const;  // The x that has this area.

  KeyTerms terms_;
  double area_first_ = 0, area_last_ = 0, sure_ = 0;
};

}  // namespace load
