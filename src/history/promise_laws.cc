// Promises of the writer that something is delivered soon: after a start, or after what set
// waiting messages free.
#include <algorithm>
#include <unordered_map>

#include "history/laws.h"

namespace history {
namespace {

// When messages of each queue, and of any (0), were delivered.
class Delivered {
 public:
  explicit Delivered(const History& history) {
    for (const Deliver& deliver : history.deliveries) {
      times_[deliver.queue].push_back(deliver.span.to);
      times_[0].push_back(deliver.span.to);
    }
    for (auto& [queue, times] : times_) std::sort(times.begin(), times.end());
  }

  Instant next(Name queue, Instant from) const {  // kNever: none.
    const auto found = times_.find(queue);
    if (found == times_.end()) return kNever;
    const auto at = std::lower_bound(found->second.begin(), found->second.end(), from);
    return at == found->second.end() ? kNever : *at;
  }

 private:
  std::unordered_map<Name, std::vector<Instant>> times_;
};

}  // namespace

void check_promises(const Ledger& ledger, Findings& findings) {
  const History& history = ledger.events();
  if (history.promises.empty()) return;
  const Delivered delivered(history);
  for (const Promise& promise : history.promises) {
    const Instant latest = promise.from + promise.within;
    const Instant next = delivered.next(promise.queue, promise.from);
    if (next <= latest) continue;
    const std::string when =
        next == kNever ? "never"
                       : std::to_string((next - promise.from) / kMillisecond) + " ms later";
    findings.add({promise.recovery ? "recovery" : "wake",
                  latest,
                  "the next delivery came " + when + ", and was promised within " +
                      std::to_string(promise.within / kMillisecond) + " ms",
                  {promise.where}});
  }
}

}  // namespace history
