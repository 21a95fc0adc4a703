// Limits: what was admitted, against the law of each, over every interval.
//
// A grant is an interval [low, high] in which it happened. Whatever the true instants are, all
// grants with low >= a and high <= b happened in [a, b]; so a law over intervals is broken for
// certain exactly if those of some [a, b] are too many. It is enough to look at a of some low and b
// of some high.
#include <algorithm>
#include <queue>

#include "base/wide.h"
#include "history/grants.h"
#include "history/laws.h"

namespace history {
namespace {

using base::Int128;

struct Judge {
  const Limit& limit;
  int64_t skew;
  Findings& findings;

  int64_t most() const { return limit.count + limit.excess; }  // Of a window.
  Int128 burst() const { return Int128{limit.burst} + limit.excess; }

  // The lines of all that surely happened in [from, to].
  void report(std::span<const Grant> grants, Instant from, Instant to, Int128 sum) const {
    std::vector<Where> lines;
    Instant seen = 0;
    for (const Grant& grant : grants) {
      if (grant.at.low < from || grant.at.high > to) continue;
      if (lines.size() < 24) lines.push_back(grant.where);
      seen = std::max(seen, grant.seen);
    }
    lines.push_back(limit.where);
    findings.add({"rate", seen,
                  std::to_string(static_cast<int64_t>(sum)) + " units were admitted within " +
                      std::to_string(to - from) + " ns (the law: " + std::to_string(limit.count) +
                      " in " + std::to_string(limit.period) + " ns" +
                      (limit.law == Law::kGcra ? ", burst " + std::to_string(limit.burst) : "") +
                      (limit.excess > 0 ? ", excess " + std::to_string(limit.excess) : "") + ")",
                  std::move(lines)});
  }
};

bool nested(std::span<const Grant> grants) {
  for (size_t i = 1; i < grants.size(); ++i) {
    if (grants[i].at.high < grants[i - 1].at.high) return true;
  }
  return false;
}

// sum(i..j) - burst > (high_j - low_i) · N / W, looked at for every i <= j at once: with
// P_j = sum(0..j), P_j · W - high_j · N - burst · W is above the least P_{i-1} · W - low_i · N.
void check_gcra_in_order(const Judge& judge, std::span<const Grant> grants) {
  const Int128 n = judge.limit.count;
  const Int128 w = judge.limit.period;
  Int128 sum = 0, least = 0, sum_before = 0;
  Instant from = 0;
  bool any = false;
  for (const Grant& grant : grants) {
    const Int128 start = sum * w - grant.at.low * n;
    if (!any || start < least) {
      least = start;
      from = grant.at.low;
      sum_before = sum;
    }
    any = true;
    sum += grant.cost;
    if (sum * w - (grant.at.high + judge.skew) * n - judge.burst() * w > least) {
      judge.report(grants, from, grant.at.high, sum - sum_before);
      return;
    }
  }
}

// The greatest of values, of which a whole beginning may be raised at once.
class Peaks {
 public:
  explicit Peaks(const std::vector<Int128>& values) : leaves_(std::bit_ceil(values.size())) {
    nodes_.resize(2 * leaves_, {-(Int128{1} << 120), 0});
    for (size_t i = 0; i < values.size(); ++i) nodes_[leaves_ + i].greatest = values[i];
    for (size_t i = leaves_; i-- > 1;) nodes_[i].greatest = greatest(i);
  }

  // Raises the first `end` values; answers the greatest of them.
  Int128 raise(size_t end, Int128 by) { return raise(1, 0, leaves_, end, by); }

  size_t find(size_t end, Int128 value) {  // One of the first `end` that is `value`.
    size_t at = 1, begin = 0, width = leaves_;
    while (at < leaves_) {
      value -= nodes_[at].added;
      width /= 2;
      const bool left = nodes_[2 * at].greatest == value || begin + width >= end;
      at = 2 * at + (left ? 0 : 1);
      if (!left) begin += width;
    }
    return begin;
  }

 private:
  struct Node {
    Int128 greatest, added;  // `greatest` includes what was added here, not above.
  };
  Int128 greatest(size_t at) const {
    return std::max(nodes_[2 * at].greatest, nodes_[2 * at + 1].greatest);
  }
  Int128 raise(size_t at, size_t begin, size_t width, size_t end, Int128 by) {
    if (begin + width <= end) {
      nodes_[at].greatest += by;
      nodes_[at].added += by;
      return nodes_[at].greatest;
    }
    const size_t half = width / 2;
    Int128 most = raise(2 * at, begin, half, end, by);
    if (begin + half < end) most = std::max(most, raise(2 * at + 1, begin + half, half, end, by));
    nodes_[at].greatest = greatest(at) + nodes_[at].added;
    return most + nodes_[at].added;
  }

  size_t leaves_;
  std::vector<Node> nodes_;
};

// The same where intervals lie inside others: for each low a, the sum of what surely happened
// behind it, raised as grants come by their high.
void check_gcra_nested(const Judge& judge, std::span<const Grant> grants) {
  const Int128 n = judge.limit.count;
  const Int128 w = judge.limit.period;
  std::vector<Int128> values(grants.size());
  std::vector<size_t> by_high(grants.size());
  for (size_t i = 0; i < grants.size(); ++i) {
    values[i] = grants[i].at.low * n;
    by_high[i] = i;
  }
  std::stable_sort(by_high.begin(), by_high.end(),
                   [&](size_t a, size_t b) { return grants[a].at.high < grants[b].at.high; });
  Peaks peaks(values);
  for (const size_t at : by_high) {
    const Instant to = grants[at].at.high;
    const Int128 most = peaks.raise(at + 1, grants[at].cost * w);
    if (most - judge.burst() * w <= (to + judge.skew) * n) continue;
    const Instant from = grants[peaks.find(at + 1, most)].at.low;
    judge.report(grants, from, to, (most - from * n) / w);
    return;
  }
}

void check_sliding(const Judge& judge, std::span<const Grant> grants) {
  std::vector<const Grant*> by_high;
  for (const Grant& grant : grants) by_high.push_back(&grant);
  std::stable_sort(by_high.begin(), by_high.end(),
                   [](const Grant* a, const Grant* b) { return a->at.high < b->at.high; });
  const auto later = [](const Grant* a, const Grant* b) { return a->at.low > b->at.low; };
  std::priority_queue<const Grant*, std::vector<const Grant*>, decltype(later)> inside(later);
  int64_t sum = 0;
  for (const Grant* grant : by_high) {
    inside.push(grant);
    sum += grant->cost;
    const Instant behind = grant->at.high + judge.skew - judge.limit.period;
    for (; !inside.empty() && inside.top()->at.low <= behind; inside.pop())
      sum -= inside.top()->cost;
    if (sum <= judge.most()) continue;
    judge.report(grants, inside.top()->at.low, grant->at.high, sum);
    return;
  }
}

void check_fixed(const Judge& judge, std::span<const Grant> grants) {
  Instant window = -1;
  int64_t sum = 0;
  for (const Grant& grant : grants) {
    const Instant low = (grant.at.low - judge.skew) / judge.limit.period;
    const Instant high = (grant.at.high + judge.skew) / judge.limit.period;
    if (low != high) continue;  // Either window may have counted it.
    if (low != window) sum = 0;
    window = low;
    sum += grant.cost;
    if (sum <= judge.most()) continue;
    judge.report(grants, window * judge.limit.period, grant.at.high, sum);
    return;
  }
}

void check_count(const Judge& judge, std::span<const Grant> grants) {
  switch (judge.limit.law) {
    case Law::kGcra:
      return nested(grants) ? check_gcra_nested(judge, grants) : check_gcra_in_order(judge, grants);
    case Law::kSliding:
      return check_sliding(judge, grants);
    case Law::kFixed:
      return check_fixed(judge, grants);
    case Law::kConcurrency:
      return;
  }
}

// At most so much of a busy span's count.
int64_t granted_in(const Ledger& ledger, const Version& version, const Busy& busy, Range when) {
  const Limit& limit = *version.limit;
  const size_t first = limit.durable ? 0 : ledger.time().life_of(busy.span.from);
  const size_t last = limit.durable ? 0 : ledger.time().life_of(busy.span.to);
  int64_t sum = 0;
  for (size_t life = first; life <= last; ++life) {
    for (const Grant& grant : grants_of(version.grants, count_of(limit, busy.value, life))) {
      if (grant.at.low > when.high) break;
      if (grant.at.high >= when.low) sum += grant.cost;
    }
  }
  return sum;
}

// In all of a busy span that this version covers, at least 99 % of its rate, less one unit.
void check_busy(const Ledger& ledger, const Version& version, Findings& findings) {
  const Limit& limit = *version.limit;
  for (const Busy& busy : ledger.events().busy) {
    if (busy.limit != limit.name || limit.law == Law::kConcurrency) continue;
    if (busy.span.from < limit.since.to || busy.span.to > version.next) continue;
    const Range when = of_clients(limit) ? Range{busy.span.from, busy.span.to}
                                         : ledger.time().to_server(busy.span);
    const int64_t sum = granted_in(ledger, version, busy, when);
    const Int128 due = Int128{limit.count} * (busy.span.to - busy.span.from) * 99;
    if (Int128{sum + 1} * limit.period * 100 >= due) continue;
    findings.add({"utilisation",
                  busy.span.to,
                  "only " + std::to_string(sum) + " units were granted in a busy span of " +
                      std::to_string(busy.span.to - busy.span.from) + " ns",
                  {busy.where, limit.where}});
  }
}

}  // namespace

void check_limits(const Ledger& ledger, Findings& findings) {
  std::vector<Version> versions = versions_of(ledger);
  check_told(ledger, versions, findings);
  for (Version& version : versions) {
    // The server's clock is the limiter's own. Two lives may differ only where clients' is used.
    const bool two_clocks = of_clients(*version.limit) && version.limit->durable;
    const Judge judge{*version.limit, two_clocks ? ledger.options().clock_skew : 0, findings};
    const std::span<const Grant> grants = version.grants;
    for (size_t begin = 0; begin < grants.size();) {
      size_t end = begin;
      while (end < grants.size() && grants[end].count == grants[begin].count) ++end;
      check_count(judge, grants.subspan(begin, end - begin));
      begin = end;
    }
    check_busy(ledger, version, findings);
    sweep(std::move(version.holds), "concurrency", "more were held at once than the cap", findings);
  }
}

}  // namespace history
