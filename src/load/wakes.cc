#include "load/wakes.h"

#include <algorithm>
#include <tuple>

#include "base/wide.h"
#include "load/recorder.h"

namespace load {
namespace {

using base::Int128;

// Those of one queue, by when they were sent, with the latest end of all up to each.
class Waits {
 public:
  explicit Waits(std::vector<InVain> all) : all_(std::move(all)) {
    std::sort(all_.begin(), all_.end(), [](const InVain& a, const InVain& b) {
      return std::tie(a.queue, a.from) < std::tie(b.queue, b.from);
    });
    for (size_t i = 1; i < all_.size(); ++i) {
      if (all_[i].queue == all_[i - 1].queue) all_[i].to = std::max(all_[i].to, all_[i - 1].to);
    }
  }
  bool cover(uint64_t queue, base::Time at) const {
    const auto behind = std::upper_bound(
        all_.begin(), all_.end(), std::tie(queue, at),
        [](const auto& key, const InVain& one) { return key < std::tie(one.queue, one.from); });
    if (behind == all_.begin()) return false;
    const InVain& last = *std::prev(behind);
    return last.queue == queue && last.to >= at;
  }

 private:
  std::vector<InVain> all_;
};

// The law of one queue, charged as late as can be. Instants are kept times its count.
class Charged {
 public:
  explicit Charged(const Law& law)
      : n_(law.count), w_(law.period.count()), slack_((Int128{law.burst} - 1) * w_) {}
  void begin() { owed_until_ = 0; }
  base::Time free() const {  // Rounded up.
    return base::time_from(static_cast<int64_t>((owed_until_ - slack_ + n_ - 1) / n_));
  }
  void charge(base::Time at) {
    owed_until_ = std::max(owed_until_, base::nanoseconds(at) * n_) + w_;
  }

 private:
  const Int128 n_, w_, slack_;
  Int128 owed_until_ = 0;
};

}  // namespace

base::Time surely_there(const Message& one, int64_t lease_ms, base::Time now) {
  if (one.attempt != 1 || lease_ms <= 0 || one.until_ms == 0) return base::Time::max();
  const int64_t waited_ms = one.until_ms - lease_ms - one.enqueued_ms - 1;  // Of whole ones.
  if (waited_ms < 0) return base::Time::max();
  return now - std::chrono::milliseconds(waited_ms);
}

std::string wake_lines(const Work& work, const Law& law, const std::vector<Admitted>& let_pass,
                       std::vector<InVain> in_vain) {
  const Waits waits(std::move(in_vain));
  const base::Duration within =
      kWakeWithin + base::Duration(static_cast<int64_t>(Int128{law.burst} * law.period.count() /
                                                        Int128{law.count}));
  std::string lines;
  Charged charged(law);
  for (size_t i = 0; i < let_pass.size(); ++i) {
    const Admitted& one = let_pass[i];
    const bool first = i == 0 || let_pass[i - 1].key != one.key;
    if (first) charged.begin();
    const base::Time free = charged.free();
    const bool consumer = one.from <= free || waits.cover(one.key, free);
    if (!first && consumer && one.there <= free && free < one.to)
      lines += Lines::wake(free, work.spelling.queue_name(one.key), within);
    charged.charge(one.to);
  }
  return lines;
}

}  // namespace load
