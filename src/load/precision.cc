#include "load/precision.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/wide.h"

namespace load {
namespace {

using base::Int128;

// One key's, in the order of their answers. Instants are kept times count, units times period, so
// that all is whole: what is owed at `t` is units · period - t · count.
class Judge {
 public:
  Judge(const Law& law, std::span<const Admitted> all)
      : n_(law.count),
        w_(static_cast<uint64_t>(law.period.count())),
        burst_(law.burst),
        all_(all) {}

  Int128 excess_seen() const {
    return excess([](const Admitted& one) { return at(one.to); });
  }

  // What surely passed in [from, to]: whatever was asked for no earlier. An interval begins at the
  // earliest question of all that were answered from then on.
  Int128 excess_certain() const {
    std::vector<Int128> begins(all_.size());
    Int128 least = std::numeric_limits<int64_t>::max();
    for (size_t i = all_.size(); i-- > 0;) begins[i] = least = std::min(least, at(all_[i].from));
    size_t next = 0;
    return excess([&](const Admitted&) { return begins[next++]; });
  }

  void lateness(Histogram& into) const {
    Int128 owed_until = 0;  // The law's instant (its theoretical arrival time), times count.
    for (const Admitted& one : all_) {
      const Int128 free = owed_until + w_ - burst_ * w_;
      const bool waited = free > at(one.from) * n_;
      if (one.waited && waited) into.add(static_cast<int64_t>((at(one.to) * n_ - free) / n_));
      // What did not have to wait may have been let pass as early as it was asked for.
      owed_until = std::max(owed_until, at(waited ? one.to : one.from) * n_) + w_;
    }
  }

 private:
  static Int128 at(base::Time t) { return base::nanoseconds(t); }

  // The greatest units - burst - length · rate, times period, over all intervals.
  template <typename Begin>
  Int128 excess(Begin&& begin) const {
    Int128 units = 0, least = 0, most = 0;
    bool any = false;
    for (const Admitted& one : all_) {
      const Int128 start = units * w_ - begin(one) * n_;
      if (!any || start < least) least = start;
      ++units;
      const Int128 over = units * w_ - at(one.to) * n_ - least - burst_ * w_;
      if (!any || over > most) most = over;
      any = true;
    }
    return most;
  }

  const Int128 n_, w_, burst_;
  const std::span<const Admitted> all_;
};

}  // namespace

Precision judge(const Law& law, std::vector<Admitted>& admitted) {
  std::sort(admitted.begin(), admitted.end(), [](const Admitted& a, const Admitted& b) {
    return std::tie(a.key, a.to, a.from) < std::tie(b.key, b.to, b.from);
  });
  Precision precision;
  precision.admitted = admitted.size();
  const auto period = static_cast<double>(law.period.count());
  const double rate = static_cast<double>(law.count) / period;  // Units a nanosecond.
  double length = 0, beyond = 0;
  for (size_t begin = 0, end; begin < admitted.size(); begin = end) {
    for (end = begin; end < admitted.size() && admitted[end].key == admitted[begin].key;) ++end;
    const Judge one(law, std::span(admitted).subspan(begin, end - begin));
    const double seen = static_cast<double>(one.excess_seen()) / period;
    const double certain = static_cast<double>(one.excess_certain()) / period;
    precision.excess_seen = begin == 0 ? seen : std::max(precision.excess_seen, seen);
    precision.excess_certain = begin == 0 ? certain : std::max(precision.excess_certain, certain);
    one.lateness(precision.lateness);
    length += static_cast<double>((admitted[end - 1].to - admitted[begin].to).count());
    beyond += std::max(0.0, static_cast<double>(end - begin) - static_cast<double>(law.burst));
    ++precision.keys;
  }
  if (length > 0) {
    precision.of_limit = beyond / (rate * length);
    precision.per_second = beyond / length * 1e9 * static_cast<double>(precision.keys);
  }
  return precision;
}

}  // namespace load
