// What one message may meet: its deliveries, its leases and their receipts.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "history/laws.h"
#include "history/sweep.h"

namespace history {
namespace {

// DEQUEUEs without an answer, by queue: each may have leased messages that nobody saw, at any time
// behind its beginning (the server may still read it when the connection is lost).
class Unanswered {
 public:
  explicit Unanswered(const History& history) {
    for (const Act& act : history.unanswered) queues_[act.name].push_back(act.span.from);
    for (auto& [queue, begun] : queues_) std::sort(begun.begin(), begun.end());
  }

  int64_t until(Name queue, Instant to) const {
    const auto found = queues_.find(queue);
    if (found == queues_.end()) return 0;
    const std::vector<Instant>& begun = found->second;
    return std::upper_bound(begun.begin(), begun.end(), to) - begun.begin();
  }

 private:
  std::unordered_map<Name, std::vector<Instant>> queues_;
};

bool gives_back(Settling verb) { return verb == Settling::kNack || verb == Settling::kRequeue; }

class Deliveries {
 public:
  Deliveries(const Ledger& ledger, Findings& findings)
      : ledger_(ledger), findings_(findings), unanswered_(ledger.events()) {
    for (const Act& redrive : ledger.events().redrives) redriven_.insert(redrive.name);
  }

  void check(const Message& message) {
    const auto deliveries = ledger_.deliveries(message);
    const Settle* acked = nullptr;
    const Deliver* previous = nullptr;
    int64_t failures = 0;
    for (const uint32_t index : deliveries) {
      const Deliver& deliver = ledger_.delivery(index);
      check_gone(message, acked, deliver);
      check_attempt(message, previous, deliver, failures);
      if (previous != nullptr) check_exclusive(*previous, deliver);
      for (const uint32_t settle : ledger_.settles(deliver)) {
        const Settle& one = ledger_.settle(settle);
        if (one.outcome != Outcome::kOk) continue;
        if (one.verb == Settling::kAck && acked == nullptr) acked = &one;
        if (one.verb == Settling::kNack) ++failures;
      }
      previous = &deliver;
    }
    for (size_t i = 0; i < deliveries.size(); ++i) {
      const bool last = i + 1 == deliveries.size();
      check_receipt(ledger_.delivery(deliveries[i]),
                    last ? nullptr : &ledger_.delivery(deliveries[i + 1]));
    }
  }

 private:
  void check_gone(const Message& message, const Settle* acked, const Deliver& deliver) {
    if (acked != nullptr) {
      findings_.add({"resurrected",
                     deliver.span.to,
                     "delivered after its ack was answered OK",
                     {acked->where, deliver.where}});
    } else if (deliver.span.from > message.removed) {
      findings_.add(
          {"resurrected", deliver.span.to, "delivered after it had been removed", {deliver.where}});
    }
  }

  void check_attempt(const Message& message, const Deliver* previous, const Deliver& deliver,
                     int64_t failures) {
    if (deliver.attempt == 0) return;
    const int64_t before = previous != nullptr ? previous->attempt : 0;
    const int64_t unseen = deliver.attempt - before - 1;
    if (unseen < 0) {
      findings_.add({"attempt",
                     deliver.span.to,
                     "attempt " + std::to_string(deliver.attempt) + " was delivered twice",
                     {previous->where, deliver.where}});
    } else if (unseen > 0 && unseen > unanswered_.until(deliver.queue, deliver.span.to)) {
      std::vector<Where> lines{deliver.where};
      if (previous != nullptr) lines.insert(lines.begin(), previous->where);
      findings_.add({"attempt", deliver.span.to,
                     "attempt " + std::to_string(deliver.attempt) + " follows attempt " +
                         std::to_string(before) +
                         ", and too few DEQUEUEs without an answer explain those between",
                     std::move(lines)});
    }
    const uint32_t source = message.source;
    const int64_t most = source == kNone ? 0 : ledger_.events().enqueues[source].attempts;
    // A redrive begins to count failures anew, not attempts.
    if (most != 0 && failures >= most && !redriven_.contains(deliver.queue)) {
      findings_.add({"attempt",
                     deliver.span.to,
                     "delivered again after all its attempts had failed",
                     {previous->where, deliver.where}});
    }
  }

  void check_exclusive(const Deliver& before, const Deliver& deliver) {
    for (const uint32_t index : ledger_.settles(before)) {
      const Settle& one = ledger_.settle(index);
      const bool may_have = one.outcome != Outcome::kFail && one.span.from <= deliver.span.to;
      // Dead letters come back by a redrive only.
      const bool back = gives_back(one.verb) ||
                        (one.verb == Settling::kNackDead && redriven_.contains(deliver.queue));
      if (may_have && back) return;
    }
    const QueueRule* rule = ledger_.rule(deliver.queue);
    const bool forgets = rule != nullptr && rule->in_memory;
    if (forgets && ledger_.time().ended_between(before.span.from, deliver.span.to)) return;
    const Instant end = ledger_.lease_end(before);
    if (end == kNever) {
      if (ledger_.given_up(before) <= deliver.span.to) return;
    } else if (ledger_.time().granted(deliver).high + ledger_.options().clock_skew >= end) {
      return;
    }
    findings_.add({"exclusive",
                   deliver.span.to,
                   "delivered again while the lease before was on and nobody had given it up",
                   {before.where, deliver.where}});
  }

  void check_receipt(const Deliver& deliver, const Deliver* next) {
    const Settle* ended = nullptr;
    for (const uint32_t index : ledger_.settles(deliver)) {
      const Settle& one = ledger_.settle(index);
      if (one.outcome != Outcome::kOk) continue;
      if (ended != nullptr && one.span.from > ended->span.to) {
        findings_.add({"stale",
                       one.span.to,
                       "a receipt was accepted after its lease had ended",
                       {ended->where, one.where}});
      } else if (next != nullptr && one.span.from > next->span.to) {
        findings_.add({"stale",
                       one.span.to,
                       "a receipt was accepted although the message had been delivered again",
                       {next->where, one.where}});
      }
      if (one.verb != Settling::kExtend && ended == nullptr) ended = &one;
    }
  }

  const Ledger& ledger_;
  Findings& findings_;
  Unanswered unanswered_;
  std::unordered_set<Name> redriven_;
};

}  // namespace

void check_deliveries(const Ledger& ledger, Findings& findings) {
  Deliveries deliveries(ledger, findings);
  for (const Message& message : ledger.messages()) deliveries.check(message);
}

namespace {

// Was it, or may it have been, brought to its end?
class Endings {
 public:
  explicit Endings(const Ledger& ledger) : ledger_(ledger) {
    for (const Enqueue& enqueue : ledger.events().enqueues) {
      if (enqueue.outcome == Outcome::kInfo && enqueue.dedup != 0 && enqueue.ttl != 0)
        short_lived_.insert(mix({enqueue.queue, enqueue.dedup}));
    }
  }

  bool possible(const Message& message, Instant drained) const {
    const Enqueue& enqueue = ledger_.events().enqueues[message.first_ok];
    if (message.present.line != 0 || message.may_be_removed != kNever) return true;
    if (may_be_acked(message) || may_be_purged(enqueue)) return true;
    const Enqueue& source = ledger_.events().enqueues[message.source];
    if (source.ttl != 0 && enqueue.span.from + source.ttl < drained) return true;
    // It may be that of an earlier enqueue without an answer, which had a time to live.
    if (enqueue.dedup != 0 && short_lived_.contains(mix({enqueue.queue, enqueue.dedup})))
      return true;
    const QueueRule* rule = ledger_.rule(enqueue.queue);
    return rule != nullptr && rule->in_memory &&
           ledger_.time().ended_between(enqueue.span.from, drained);
  }

 private:
  bool may_be_acked(const Message& message) const {
    for (const uint32_t index : ledger_.deliveries(message)) {
      for (const uint32_t settle : ledger_.settles(ledger_.delivery(index))) {
        const Settle& one = ledger_.settle(settle);
        if (one.verb == Settling::kAck && one.outcome != Outcome::kFail) return true;
      }
    }
    return false;
  }

  bool may_be_purged(const Enqueue& enqueue) const {
    for (const Act& purge : ledger_.events().purges) {
      const bool may_have = purge.outcome != Outcome::kFail && purge.name == enqueue.queue;
      if (may_have && purge.span.to >= enqueue.span.from) return true;
    }
    return false;
  }

  const Ledger& ledger_;
  std::unordered_set<Name> short_lived_;
};

}  // namespace

void check_lost(const Ledger& ledger, Findings& findings) {
  std::unordered_map<Name, Act> drained;
  for (const Act& act : ledger.events().drained) {
    const auto [at, fresh] = drained.try_emplace(act.name, act);
    if (!fresh && at->second.span.from < act.span.from) at->second = act;
  }
  if (drained.empty()) return;
  const Endings endings(ledger);
  for (const Message& message : ledger.messages()) {
    if (message.first_ok == kNone) continue;
    const Enqueue& enqueue = ledger.events().enqueues[message.first_ok];
    auto found = drained.find(enqueue.queue);
    if (found == drained.end()) found = drained.find(0);
    if (found == drained.end()) continue;
    const Act& mark = found->second;
    if (enqueue.span.to > mark.span.from) continue;
    if (endings.possible(message, mark.span.from)) continue;
    std::vector<Where> lines{enqueue.where};
    for (const uint32_t index : ledger.deliveries(message))
      lines.push_back(ledger.delivery(index).where);
    lines.push_back(mark.where);
    findings.add({"lost", enqueue.span.to,
                  "its enqueue was answered OK, and it was neither finished nor is it present",
                  std::move(lines)});
  }
}

}  // namespace history
