// Order: of first deliveries, and of whole messages where only one of a key may be in flight.
#include <algorithm>
#include <unordered_map>

#include "history/laws.h"
#include "history/sweep.h"

namespace history {
namespace {

struct First {
  Name group = 0;
  Span enqueued;
  Range granted;
  Where enqueue, delivery;
};

// Priorities and tags apart, messages of one key and queue go in the order of their enqueues.
std::vector<First> first_deliveries(const Ledger& ledger) {
  std::vector<First> firsts;
  for (const Message& message : ledger.messages()) {
    const auto deliveries = ledger.deliveries(message);
    if (message.source == kNone || deliveries.empty()) continue;
    const Enqueue& enqueue = ledger.events().enqueues[message.source];
    const Deliver& first = ledger.delivery(deliveries.front());
    // An enqueue without an answer happened at a time that nobody knows.
    if (enqueue.outcome != Outcome::kOk || enqueue.delay != 0 || first.attempt > 1) continue;
    firsts.push_back({mix({enqueue.queue, enqueue.key, enqueue.tag, enqueue.priority}),
                      enqueue.span, ledger.time().granted(first), enqueue.where, first.where});
  }
  std::sort(firsts.begin(), firsts.end(), [](const First& a, const First& b) {
    return std::tie(a.group, a.enqueued.from) < std::tie(b.group, b.enqueued.from);
  });
  return firsts;
}

// One group, by invocation: each is compared with the latest delivered of those that were enqueued
// wholly before it.
void check_group(std::span<const First> group, int64_t skew, std::vector<uint32_t>& by_end,
                 Findings& findings) {
  by_end.resize(group.size());
  for (uint32_t i = 0; i < group.size(); ++i) by_end[i] = i;
  std::sort(by_end.begin(), by_end.end(),
            [&](uint32_t a, uint32_t b) { return group[a].enqueued.to < group[b].enqueued.to; });
  const First* latest = nullptr;
  size_t before = 0;
  for (const First& one : group) {
    for (; group[by_end[before]].enqueued.to < one.enqueued.from; ++before) {
      const First& older = group[by_end[before]];
      if (latest == nullptr || older.granted.low > latest->granted.low) latest = &older;
    }
    if (latest == nullptr || latest->granted.low <= one.granted.high + skew) continue;
    findings.add({"order",
                  latest->enqueued.to,
                  "the second was delivered before the first, which had been enqueued before it",
                  {latest->enqueue, one.enqueue, one.delivery, latest->delivery}});
  }
}

}  // namespace

void check_order(const Ledger& ledger, Findings& findings) {
  const std::vector<First> firsts = first_deliveries(ledger);
  std::vector<uint32_t> by_end;
  for (size_t begin = 0; begin < firsts.size();) {
    size_t end = begin;
    while (end < firsts.size() && firsts[end].group == firsts[begin].group) ++end;
    check_group(std::span(firsts).subspan(begin, end - begin), ledger.options().clock_skew, by_end,
                findings);
    begin = end;
  }
}

namespace {

// When a client may have ended the whole message at the earliest; without that, when it was last
// asked for.
Instant finished(const Ledger& ledger, const Message& message) {
  Instant earliest = kNever, last = 0;
  if (message.may_be_removed != kNever) return 0;
  for (const uint32_t index : ledger.deliveries(message)) {
    const Deliver& deliver = ledger.delivery(index);
    last = std::max(last, deliver.span.from);
    for (const uint32_t settle : ledger.settles(deliver)) {
      const Settle& one = ledger.settle(settle);
      const bool ends = one.verb == Settling::kAck || one.verb == Settling::kNackDead;
      if (ends && one.outcome != Outcome::kFail) earliest = std::min(earliest, one.span.from);
    }
  }
  return earliest == kNever ? last : earliest;
}

// Only one of a key in flight: whatever was enqueued before is finished first.
void check_first_in_first_out(const Ledger& ledger, Findings& findings) {
  struct Whole {
    Name group;
    Span enqueued;
    Instant finished, delivered;
    Where first, enqueue;
  };
  std::vector<Whole> all;
  for (const Message& message : ledger.messages()) {
    const auto deliveries = ledger.deliveries(message);
    if (message.source == kNone || deliveries.empty()) continue;
    const Enqueue& enqueue = ledger.events().enqueues[message.source];
    const QueueRule* rule = ledger.rule(enqueue.queue);
    if (rule == nullptr || rule->in_flight_per_key != 1) continue;
    if (enqueue.outcome != Outcome::kOk || enqueue.delay != 0 || enqueue.key == 0) continue;
    const Deliver& first = ledger.delivery(deliveries.front());
    all.push_back({mix({enqueue.queue, enqueue.key, enqueue.tag, enqueue.priority}), enqueue.span,
                   finished(ledger, message), first.span.to, first.where, enqueue.where});
  }
  // Ends and beginnings of enqueues in one order: an end counts only for what begins behind it.
  struct Step {
    Name group;
    Instant at;
    bool begin;
    const Whole* whole;
  };
  std::vector<Step> steps;
  for (const Whole& whole : all) {
    steps.push_back({whole.group, whole.enqueued.from, true, &whole});
    steps.push_back({whole.group, whole.enqueued.to + 1, false, &whole});
  }
  std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return std::tie(a.group, a.at, a.begin) < std::tie(b.group, b.at, b.begin);
  });
  const Whole* latest = nullptr;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i == 0 || steps[i].group != steps[i - 1].group) latest = nullptr;
    const Whole& one = *steps[i].whole;
    if (!steps[i].begin) {
      if (latest == nullptr || one.finished > latest->finished) latest = &one;
    } else if (latest != nullptr && one.delivered < latest->finished) {
      findings.add({"strict",
                    one.delivered,
                    "delivered although an older message of its key was not finished",
                    {latest->enqueue, latest->first, one.enqueue, one.first}});
    }
  }
}

}  // namespace

void check_strict(const Ledger& ledger, Findings& findings) {
  check_first_in_first_out(ledger, findings);
  std::vector<Hold> holds;
  for (const Deliver& deliver : ledger.events().deliveries) {
    const QueueRule* rule = ledger.rule(deliver.queue);
    if (rule == nullptr || rule->in_flight_per_key == 0 || deliver.source == kNone) continue;
    const Name key = ledger.events().enqueues[deliver.source].key;
    if (key == 0) continue;
    holds.push_back({mix({deliver.queue, key}), ledger.held(deliver), 1, rule->in_flight_per_key,
                     deliver.where});
  }
  sweep(std::move(holds), "strict", "more of one key were held at once than in_flight_per_key",
        findings);
}

}  // namespace history
