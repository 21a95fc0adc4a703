#include "history/grants.h"

#include <algorithm>
#include <tuple>

#include "history/reader.h"

namespace history {
namespace {

class Gathering {
 public:
  explicit Gathering(const Ledger& ledger) : ledger_(ledger) {
    for (const Limit& limit : ledger.events().limits) versions_.push_back({.limit = &limit});
    std::stable_sort(versions_.begin(), versions_.end(), [](const Version& a, const Version& b) {
      return std::tie(a.limit->name, a.limit->since.from) <
             std::tie(b.limit->name, b.limit->since.from);
    });
    for (uint32_t i = 0; i < versions_.size(); ++i) index(i);
  }

  std::vector<Version> run() {
    for (const Deliver& deliver : ledger_.events().deliveries) {
      const auto limits = by_queue_.find(deliver.queue);
      if (limits == by_queue_.end() || deliver.source == kNone) continue;
      for (const uint32_t version : limits->second) add(versions_[version], deliver);
    }
    for (const Check& check : ledger_.events().checks) add(check);
    for (Version& version : versions_) {
      std::sort(version.grants.begin(), version.grants.end(), [](const Grant& a, const Grant& b) {
        return std::tie(a.count, a.at.low, a.at.high) < std::tie(b.count, b.at.low, b.at.high);
      });
    }
    return std::move(versions_);
  }

 private:
  void index(uint32_t at) {
    Version& version = versions_[at];
    const Limit& limit = *version.limit;
    if (at + 1 < versions_.size() && versions_[at + 1].limit->name == limit.name)
      version.next = versions_[at + 1].limit->since.from;
    for (const Name queue : limit.queues) by_queue_[queue].push_back(at);
    by_name_[limit.name].push_back(at);
  }

  static bool surely(const Version& version, Span span) {
    return span.from >= version.limit->since.to && span.to <= version.next;
  }
  static bool perhaps(const Version& version, Span span) {
    return span.to >= version.limit->since.from && span.from <= version.next;
  }

  Name value(const Limit& limit, const Deliver& deliver, const Enqueue& source) const {
    switch (limit.by) {
      case By::kAll:
        return name_of_all_;
      case By::kQueue:
        return deliver.queue;
      case By::kKey:
        return source.key;
      case By::kTag:
        return source.tag;
    }
    return 0;
  }

  Name count(const Limit& limit, Name value, Span span) const {
    return count_of(limit, value, ledger_.time().life_of(span.from));
  }

  void add(Version& version, const Deliver& deliver) {
    const Limit& limit = *version.limit;
    const Enqueue& source = ledger_.events().enqueues[deliver.source];
    const Name value = this->value(limit, deliver, source);
    if (value == 0) return;
    const int64_t cost = limit.requests ? 1 : source.cost;
    if (limit.law == Law::kConcurrency) {
      add_hold(version, deliver, value_of(limit.name, value), cost);
    } else if (surely(version, deliver.span)) {
      version.grants.push_back({count(limit, value, deliver.span), value_of(limit.name, value),
                                ledger_.time().granted(deliver), cost, deliver.span.to,
                                deliver.where});
    }
  }

  // All holds of a limit are its first version's: those from before a change go on counting. The
  // cap is the highest of those that may have been in force.
  void add_hold(Version& version, const Deliver& deliver, Name count, int64_t cost) {
    const std::vector<uint32_t>& all = by_name_.at(version.limit->name);
    if (&versions_[all.front()] != &version) return;
    int64_t most = deliver.span.from < version.limit->since.to ? kNever : 0;
    for (const uint32_t at : all) {
      if (perhaps(versions_[at], deliver.span)) most = std::max(most, versions_[at].limit->count);
    }
    version.holds.push_back(
        {count, ledger_.held(deliver), cost, most, deliver.where, ledger_.perhaps_held(deliver)});
  }

  void add(const Check& check) {
    const auto found = by_name_.find(check.limit);
    if (found == by_name_.end() || check.outcome != Outcome::kOk) return;
    for (const uint32_t at : found->second) {
      Version& version = versions_[at];
      const Limit& limit = *version.limit;
      if (limit.law == Law::kConcurrency || !surely(version, check.span)) continue;
      const Range when = of_clients(limit) ? Range{check.span.from, check.span.to}
                                           : ledger_.time().to_server(check.span);
      version.grants.push_back({count(limit, check.value, check.span),
                                value_of(limit.name, check.value), when,
                                limit.requests ? 1 : check.cost, check.span.to, check.where});
    }
  }

  const Ledger& ledger_;
  const Name name_of_all_ = name_of("*");
  std::vector<Version> versions_;
  std::unordered_map<Name, std::vector<uint32_t>> by_queue_, by_name_;
};

}  // namespace

bool of_clients(const Limit& limit) { return limit.queues.empty() && limit.law != Law::kFixed; }

Name value_of(Name limit, Name value) { return mix({limit, value}); }

Name count_of(const Limit& limit, Name value, size_t life) {
  return mix({limit.name, value, limit.durable ? 0 : life});
}

std::span<const Grant> grants_of(std::span<const Grant> grants, Name count) {
  const auto begin = std::lower_bound(grants.begin(), grants.end(), count,
                                      [](const Grant& one, Name c) { return one.count < c; });
  const auto end = std::upper_bound(begin, grants.end(), count,
                                    [](Name c, const Grant& one) { return c < one.count; });
  return {begin, end};
}

std::vector<Version> versions_of(const Ledger& ledger) { return Gathering(ledger).run(); }

}  // namespace history
