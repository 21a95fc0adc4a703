#include "limiter/directory.h"

#include <algorithm>
#include <new>

namespace limiter {

static_assert(std::has_single_bit(Directory::kSegmentsMin));

Directory::Directory(size_t segments_max)
    : headers_(segments_max * sizeof(Segment)),
      windows_(segments_max * Segment::kWindowBytes),
      segments_(reinterpret_cast<Segment*>(headers_.begin())),
      segments_max_(std::min({segments_max, headers_.bytes() / sizeof(Segment),
                              windows_.bytes() / Segment::kWindowBytes})) {
  CHECK(segments_max_ >= kSegmentsMin && segments_max_ <= kCountMask / 2);
  construct(kSegmentsMin);
  publish(kSegmentsMin);
}

Directory::~Directory() { std::destroy_n(segments_, constructed_); }

void Directory::construct(size_t segments) {
  for (; constructed_ < segments; ++constructed_) {
    new (segments_ + constructed_) Segment(windows_.begin() + constructed_ * Segment::kWindowBytes);
  }
}

void Directory::publish(size_t segments) {
  const uint64_t mask = (std::bit_floor(segments) << 1) - 1;
  mapping_.store(mask << 32 | segments, std::memory_order_release);
}

Directory::Pair Directory::next_split() {
  const size_t n = segments();
  construct(n + 1);
  const size_t half = std::bit_floor(n);
  return {segments_[n - half], segments_[n], half};
}

Directory::Pair Directory::next_merge() {
  const size_t last = segments() - 1;
  const size_t half = std::bit_floor(last);
  return {segments_[last - half], segments_[last], half};
}

}  // namespace limiter
