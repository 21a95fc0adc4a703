// What the server told of a limit, against what it granted and what was given back: a slot that
// leaked, units that came back with a nack, messages that were charged and never delivered.
#include <algorithm>
#include <unordered_map>

#include "base/wide.h"
#include "history/grants.h"
#include "history/laws.h"
#include "history/tally.h"

namespace history {
namespace {

using base::Int128;

// A DEQUEUE or CHECK without an answer may have been read so much later, by a server that was
// stopped.
constexpr int64_t kReadLate = 1'000'000'000;

// When what nobody saw may have begun to count, by limit.
class Unseen {
 public:
  explicit Unseen(const History& history) {
    for (const Deliver& deliver : history.deliveries) longest_ = std::max(longest_, deliver.lease);
    for (const Act& act : history.unanswered) queues_[act.name].push_back(act.span.from);
    for (const Check& check : history.checks)
      if (check.outcome == Outcome::kInfo) checks_[check.limit].push_back(check.span.from);
    for (auto* const lists : {&queues_, &checks_})
      for (auto& [name, begun] : *lists) std::sort(begun.begin(), begun.end());
  }

  bool charges(const Limit& limit, Instant from, Instant to) const {
    const bool checked = any(checks_, limit.name, from, to);
    return checked || std::any_of(limit.queues.begin(), limit.queues.end(),
                                  [&](Name queue) { return any(queues_, queue, from, to); });
  }
  bool holds(const Limit& limit, Span when) const {
    return charges(limit, when.from - longest_ - kReadLate, when.to);
  }

 private:
  using Begun = std::unordered_map<Name, std::vector<Instant>>;
  static bool any(const Begun& lists, Name name, Instant from, Instant to) {
    const auto found = lists.find(name);
    if (found == lists.end()) return false;
    const auto first = std::lower_bound(found->second.begin(), found->second.end(), from);
    return first != found->second.end() && *first <= to;
  }

  Begun queues_, checks_;
  int64_t longest_ = 0;
};

// What is charged and has not leaked away yet, of one count of a GCRA: cost × W, as its bounds.
class Levels {
 public:
  Levels(const Limit& limit, std::span<const Grant> grants) : n_(limit.count), w_(limit.period) {
    std::vector<const Grant*> by_high;
    for (const Grant& grant : grants) {
      by_high.push_back(&grant);
      all_.add(grant.at, grant.cost);
    }
    all_.sort();
    std::sort(by_high.begin(), by_high.end(),
              [](const Grant* a, const Grant* b) { return a->at.high < b->at.high; });
    for (const Grant* grant : by_high) add(*grant);
  }

  // At some instant of `when`.
  Int128 most(Range when) const {
    const Step* const last = before(when.low);
    const Int128 known = last == nullptr ? 0 : leaked(last->most, when.low - last->high);
    return known + Int128{all_.most(when.low + 1, when.high)} * w_;
  }
  Int128 least(Range when) const {
    const Step* const last = before(when.low);
    return last == nullptr ? 0 : leaked(last->least, when.high - last->low);
  }

 private:
  struct Step {
    Instant high, low;   // `most` is as of high, `least` as of low.
    Int128 most, least;  // As if each were charged as late as it may be; as early.
  };

  Int128 leaked(Int128 level, Instant span) const {
    return std::max<Int128>(0, level - Int128{span} * n_);
  }

  void add(const Grant& grant) {
    const Int128 cost = Int128{grant.cost} * w_;
    if (steps_.empty()) {
      steps_.push_back({grant.at.high, grant.at.low, cost, cost});
      return;
    }
    Step next = steps_.back();
    next.most = leaked(next.most, grant.at.high - next.high) + cost;
    next.high = grant.at.high;
    if (grant.at.low >= next.low) {
      next.least = leaked(next.least, grant.at.low - next.low) + cost;
      next.low = grant.at.low;
    } else {
      next.least += leaked(cost, next.low - grant.at.low);
    }
    steps_.push_back(next);
  }

  const Step* before(Instant at) const {
    const auto next = std::upper_bound(steps_.begin(), steps_.end(), at,
                                       [](Instant t, const Step& step) { return t < step.high; });
    return next == steps_.begin() ? nullptr : &*std::prev(next);
  }

  Int128 n_, w_;
  Tally all_;
  std::vector<Step> steps_;
};

class Told {
 public:
  Told(const Ledger& ledger, Findings& findings)
      : ledger_(ledger), findings_(findings), unseen_(ledger.events()) {}

  void check(const Version& version) {
    if (version.limit->law == Law::kConcurrency)
      check_holds(version);
    else if (version.limit->law != Law::kSliding)
      check_rates(version);
  }

 private:
  // Of this limit, by value.
  std::unordered_map<Name, std::vector<const Sample*>> samples(const Version& version) const {
    std::unordered_map<Name, std::vector<const Sample*>> found;
    for (const Sample& sample : ledger_.events().samples)
      if (sample.limit == version.limit->name)
        found[value_of(sample.limit, sample.value)].push_back(&sample);
    return found;
  }

  void check_holds(const Version& version) {
    const auto wanted = samples(version);
    std::unordered_map<Name, std::pair<Tally, Tally>> held;  // Surely; perhaps.
    for (const Hold& hold : version.holds) {
      if (!wanted.contains(hold.count)) continue;
      auto& [surely, perhaps] = held[hold.count];
      if (hold.held.from < hold.held.to) surely.add({hold.held.from, hold.held.to}, hold.cost);
      perhaps.add({hold.perhaps.from, hold.perhaps.to}, hold.cost);
    }
    for (auto& [count, both] : held) {
      both.first.sort();
      both.second.sort();
    }
    const int64_t skew = ledger_.options().clock_skew;
    for (const auto& [count, told] : wanted) {
      const auto& [surely, perhaps] = held[count];
      for (const Sample* sample : told) {
        const Span when = sample->span;
        const int64_t least = surely.open_least(when.from - skew, when.to + skew);
        const int64_t most = perhaps.open_most(when.from - skew, when.to + skew);
        const bool unseen = unseen_.holds(*version.limit, when);
        if (sample->number < least || (sample->number > most && !unseen))
          report(*sample, *version.limit, "are held", least, most);
      }
    }
  }

  void check_rates(const Version& version) {
    const std::span<const Grant> grants = version.grants;
    for (const auto& [value, told] : samples(version)) {
      std::unordered_map<Name, std::vector<const Sample*>> by_count;
      for (const Sample* sample : told) {
        const size_t life = ledger_.time().life_of(sample->span.from);
        by_count[count_of(*version.limit, sample->value, life)].push_back(sample);
      }
      for (const auto& [count, samples] : by_count)
        check_count(*version.limit, grants_of(grants, count), samples);
    }
  }

  void check_count(const Limit& limit, std::span<const Grant> grants,
                   const std::vector<const Sample*>& told) {
    const Levels levels(limit, grants);
    for (const Sample* sample : told) {
      Range when = of_clients(limit) ? Range{sample->span.from, sample->span.to}
                                     : ledger_.time().to_server(sample->span);
      if (limit.durable) {
        when.low -= ledger_.options().clock_skew;
        when.high += ledger_.options().clock_skew;
      }
      const auto [least, most] = limit.law == Law::kGcra ? left_of_gcra(limit, levels, when)
                                                         : left_of_fixed(limit, grants, when);
      const bool unseen = unseen_.charges(limit, 0, sample->span.to);
      if (sample->number > most || (sample->number < least && !unseen))
        report(*sample, limit, "are left", least, most);
    }
  }

  static std::pair<int64_t, int64_t> left_of_gcra(const Limit& limit, const Levels& levels,
                                                  Range when) {
    const Int128 bound = Int128{limit.burst} * limit.period;
    const auto left = [&](Int128 level) {
      return static_cast<int64_t>(std::max<Int128>(0, bound - level) / limit.period);
    };
    return {left(levels.most(when)), left(levels.least(when))};
  }

  static std::pair<int64_t, int64_t> left_of_fixed(const Limit& limit,
                                                   std::span<const Grant> grants, Range when) {
    const Instant begin = when.low / limit.period * limit.period;
    if (when.high >= begin + limit.period) return {0, limit.count};  // Of either window.
    Tally all;
    for (const Grant& grant : grants) all.add(grant.at, grant.cost);
    all.sort();
    const auto left = [&](int64_t used) { return std::max<int64_t>(0, limit.count - used); };
    return {left(all.most(begin, when.high)), left(all.least(begin, when.low))};
  }

  void report(const Sample& sample, const Limit& limit, const char* what, int64_t least,
              int64_t most) {
    findings_.add({"accounting",
                   sample.span.to,
                   "the server told that " + std::to_string(sample.number) + " " + what +
                       "; by what clients saw it is " + std::to_string(least) + " to " +
                       std::to_string(most),
                   {limit.where, sample.where}});
  }

  const Ledger& ledger_;
  Findings& findings_;
  const Unseen unseen_;
};

}  // namespace

void check_told(const Ledger& ledger, const std::vector<Version>& versions, Findings& findings) {
  if (ledger.events().samples.empty()) return;
  Told told(ledger, findings);
  for (size_t i = 0; i < versions.size(); ++i) {
    const Limit& limit = *versions[i].limit;
    const bool changes =
        versions[i].next != kNever || (i > 0 && versions[i - 1].limit->name == limit.name);
    if (!changes && limit.since.to == 0) told.check(versions[i]);
  }
}

}  // namespace history
