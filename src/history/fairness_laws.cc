// Fair turns: between keys that all have work, service by weight differs by a bounded amount.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/wide.h"
#include "history/laws.h"
#include "history/sweep.h"

namespace history {
namespace {

struct Served {
  int64_t instant;  // By the server's clock.
  Name key;
  int64_t cost;
  Instant seen;
  Where where;
};

// Service by weight in millionths, so that weights divide it well.
constexpr int64_t kScale = 1'000'000;

class Turns {
 public:
  Turns(const std::vector<const Backlog*>& keys, int64_t cost_max, Findings& findings)
      : cost_max_(cost_max), findings_(findings) {
    for (const Backlog* key : keys) {
      keys_[key->key] = {key, 0};
      totals_.insert({cost_max * kScale / key->weight, key->key});
    }
  }

  // All of one instant: their order is not known. False: a violation was found.
  bool add(std::span<const Served> served) {
    for (const Served& one : served) move(one.key, one.cost);
    for (const Served& one : served) {
      if (!fair(one)) return false;
    }
    return true;
  }

 private:
  struct Row {
    const Backlog* backlog;
    int64_t served;  // Scaled.
  };

  int64_t allowance(const Row& row) const { return cost_max_ * kScale / row.backlog->weight; }

  void move(Name key, int64_t cost) {
    Row& row = keys_.at(key);
    totals_.erase({row.served + allowance(row), key});
    row.served += cost * kScale / row.backlog->weight;
    totals_.insert({row.served + allowance(row), key});
  }

  bool fair(const Served& one) {
    const Row& row = keys_.at(one.key);
    const auto& [least, name] = *totals_.begin();
    constexpr int64_t kRounding = 1000;  // Of the divisions by weights.
    if (row.served - allowance(row) <= least + kRounding) return true;
    const Row& other = keys_.at(name);
    findings_.add({"fairness",
                   one.seen,
                   "one key was served " + std::to_string(row.served / kScale) +
                       " units by weight, another that had work all the time " +
                       std::to_string(other.served / kScale),
                   {row.backlog->where, other.backlog->where, one.where}});
    return false;
  }

  const int64_t cost_max_;
  Findings& findings_;
  std::unordered_map<Name, Row> keys_;
  std::set<std::pair<int64_t, Name>> totals_;  // Of the served and what it may be behind.
};

void check_backlog(const Ledger& ledger, const std::vector<const Backlog*>& keys,
                   Findings& findings) {
  const Backlog& any = *keys.front();
  const Instant from = ledger.time().to_server({any.span.from, any.span.from}).high;
  const Instant to = ledger.time().to_server({any.span.to, any.span.to}).low;
  std::set<Name> names;
  for (const Backlog* key : keys) names.insert(key->key);
  std::vector<Served> served;
  int64_t cost_max = 1;
  for (const Deliver& deliver : ledger.events().deliveries) {
    if (deliver.queue != any.queue || deliver.source == kNone) continue;
    const Enqueue& source = ledger.events().enqueues[deliver.source];
    const Range at = ledger.time().granted(deliver);
    if (!names.contains(source.key) || at.high < from || at.low > to) continue;
    cost_max = std::max(cost_max, source.cost);
    served.push_back({at.high, source.key, source.cost, deliver.span.to, deliver.where});
  }
  std::sort(served.begin(), served.end(),
            [](const Served& a, const Served& b) { return a.instant < b.instant; });
  Turns turns(keys, cost_max, findings);
  for (size_t begin = 0; begin < served.size();) {
    size_t end = begin;
    while (end < served.size() && served[end].instant == served[begin].instant) ++end;
    if (!turns.add(std::span(served).subspan(begin, end - begin))) return;
    begin = end;
  }
}

}  // namespace

void check_fairness(const Ledger& ledger, Findings& findings) {
  std::map<std::tuple<Name, Instant, Instant>, std::vector<const Backlog*>> groups;
  for (const Backlog& backlog : ledger.events().backlogs)
    groups[{backlog.queue, backlog.span.from, backlog.span.to}].push_back(&backlog);
  for (const auto& [group, keys] : groups) check_backlog(ledger, keys, findings);
}

}  // namespace history
