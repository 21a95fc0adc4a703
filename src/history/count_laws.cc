// What a queue says of itself: every message that it took is in exactly one state.
#include <algorithm>
#include <unordered_map>

#include "history/laws.h"

namespace history {
namespace {

// How many messages a queue must have taken by an instant, and how many it may have.
class Taken {
 public:
  explicit Taken(const Ledger& ledger) {
    for (const Message& message : ledger.messages()) {
      if (message.first_ok == kNone) continue;
      const Enqueue& enqueue = ledger.events().enqueues[message.first_ok];
      queues_[enqueue.queue].surely.push_back(enqueue.span.to);
      queues_[enqueue.queue].perhaps.push_back(enqueue.span.from);
      const Instant gone = finished(ledger, message);
      if (gone != kNever) queues_[enqueue.queue].finished.push_back(gone);
    }
    for (const Enqueue& enqueue : ledger.events().enqueues) {
      if (enqueue.outcome == Outcome::kInfo)
        queues_[enqueue.queue].perhaps.push_back(enqueue.span.from);
    }
    for (auto& [queue, times] : queues_) {
      std::sort(times.surely.begin(), times.surely.end());
      std::sort(times.perhaps.begin(), times.perhaps.end());
      std::sort(times.finished.begin(), times.finished.end());
    }
  }

  int64_t least(Name queue, Instant before) {
    const std::vector<Instant>& times = queues_[queue].surely;
    return std::lower_bound(times.begin(), times.end(), before) - times.begin();
  }
  int64_t gone(Name queue, Instant before) {
    const std::vector<Instant>& times = queues_[queue].finished;
    return std::lower_bound(times.begin(), times.end(), before) - times.begin();
  }
  int64_t most(Name queue, Instant until) {
    const std::vector<Instant>& times = queues_[queue].perhaps;
    return std::upper_bound(times.begin(), times.end(), until) - times.begin();
  }

 private:
  struct Times {
    std::vector<Instant> surely, perhaps, finished;
  };
  // When its ack or its removal was answered OK.
  static Instant finished(const Ledger& ledger, const Message& message) {
    Instant earliest = message.removed;
    for (const uint32_t index : ledger.deliveries(message)) {
      for (const uint32_t settle : ledger.settles(ledger.delivery(index))) {
        const Settle& one = ledger.settle(settle);
        if (one.verb == Settling::kAck && one.outcome == Outcome::kOk)
          earliest = std::min(earliest, one.span.to);
      }
    }
    return earliest;
  }
  std::unordered_map<Name, Times> queues_;
};

}  // namespace

void check_counts(const Ledger& ledger, Findings& findings) {
  if (ledger.events().counts.empty()) return;
  Taken taken(ledger);
  for (const Counts& counts : ledger.events().counts) {
    const int64_t sum = counts.ready + counts.delayed + counts.leased + counts.dead + counts.gone;
    if (sum != counts.enqueued) {
      findings.add({"conservation",
                    counts.span.to,
                    std::to_string(counts.enqueued) + " were enqueued, and the states sum up to " +
                        std::to_string(sum),
                    {counts.where}});
    }
    const QueueRule* rule = ledger.rule(counts.queue);
    if (rule != nullptr && rule->in_memory) continue;  // It forgets what it took.
    const int64_t least = taken.least(counts.queue, counts.span.from);
    const int64_t most = taken.most(counts.queue, counts.span.to);
    const int64_t gone = taken.gone(counts.queue, counts.span.from);
    if (counts.gone < gone) {
      findings.add({"conservation",
                    counts.span.to,
                    std::to_string(counts.gone) + " are gone, but clients were told of " +
                        std::to_string(gone),
                    {counts.where}});
    }
    if (counts.enqueued >= least && counts.enqueued <= most) continue;
    findings.add({"conservation",
                  counts.span.to,
                  std::to_string(counts.enqueued) +
                      " were enqueued, but by what clients saw it is " + std::to_string(least) +
                      " to " + std::to_string(most),
                  {counts.where}});
  }
}

}  // namespace history
