// Deduplication: inside the window the first id, behind it a new one.
#include <algorithm>
#include <unordered_map>

#include "history/laws.h"
#include "history/sweep.h"

namespace history {
namespace {

class Group {
 public:
  Group(int64_t window, int64_t skew, Findings& findings)
      : window_(window), skew_(skew), findings_(findings) {}

  // By invocation. One without an answer may have been the first of those behind it.
  void add(const Enqueue& enqueue) {
    if (enqueue.outcome == Outcome::kInfo) {
      unknown_ = std::min(unknown_, enqueue.span.from);
      return;
    }
    const auto [known, fresh] = ids_.try_emplace(enqueue.id, &enqueue);
    if (!fresh) {
      const Enqueue& first = *known->second;
      if (enqueue.span.from > first.span.to + window_ + skew_) {
        findings_.add({"dedup",
                       enqueue.span.to,
                       "answered with an id although the window of its first was over",
                       {first.where, enqueue.where}});
      }
      return;
    }
    // A new id: of the one before it, the window must be over.
    if (last_ != nullptr && enqueue.span.to + skew_ < begun_ + window_) {
      findings_.add({"dedup",
                     enqueue.span.to,
                     "two ids for one deduplication id in its window",
                     {last_->where, enqueue.where}});
    }
    last_ = &enqueue;
    begun_ = std::min(enqueue.span.from, unknown_);
    unknown_ = kNever;
  }

 private:
  const int64_t window_, skew_;
  Findings& findings_;
  std::unordered_map<Name, const Enqueue*> ids_;  // The earliest that was answered with it.
  const Enqueue* last_ = nullptr;  // The first one that was answered with the latest new id.
  Instant begun_ = 0;              // When its window may have begun.
  Instant unknown_ = kNever;       // The earliest without an answer since then.
};

}  // namespace

void check_dedup(const Ledger& ledger, Findings& findings) {
  std::vector<std::pair<Name, const Enqueue*>> all;
  for (const Enqueue& enqueue : ledger.events().enqueues) {
    const QueueRule* rule = enqueue.dedup != 0 ? ledger.rule(enqueue.queue) : nullptr;
    if (rule == nullptr || rule->dedup_window == 0 || enqueue.outcome == Outcome::kFail) continue;
    all.emplace_back(mix({enqueue.queue, enqueue.dedup}), &enqueue);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second->span.from) < std::tie(b.first, b.second->span.from);
  });
  for (size_t begin = 0; begin < all.size();) {
    const int64_t window = ledger.rule(all[begin].second->queue)->dedup_window;
    Group group(window, ledger.options().clock_skew, findings);
    size_t end = begin;
    for (; end < all.size() && all[end].first == all[begin].first; ++end)
      group.add(*all[end].second);
    begin = end;
  }
}

}  // namespace history
