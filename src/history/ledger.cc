#include "history/ledger.h"

#include <algorithm>
#include <utility>

namespace history {
namespace {

std::string_view altered_field(const Enqueue& enqueue, const Deliver& deliver) {
  if (enqueue.queue != deliver.queue) return "queue";
  if (enqueue.id != deliver.id) return "id";
  if (enqueue.key != deliver.key) return "key";
  if (deliver.priority != kNone && enqueue.priority != deliver.priority) return "priority";
  return {};
}

}  // namespace

Ledger::Ledger(History events, const Options& options, Findings& findings)
    : events_(std::move(events)),
      options_(options),
      time_(events_, options.clock_skew, findings),
      payloads_(events_.enqueues.size()),
      ids_(events_.enqueues.size() + events_.deliveries.size()) {
  for (uint32_t i = 0; i < events_.queues.size(); ++i) rules_[events_.queues[i].queue] = i;
  for (const Act& close : events_.closes) {
    const auto [at, fresh] = closes_.try_emplace(close.name, close.span.from);
    if (!fresh) at->second = std::min(at->second, close.span.from);
  }
  join_enqueues(findings);
  join_deliveries(findings);
  sort_deliveries();
  join_settles(findings);
  join_acts();
}

void Ledger::join_enqueues(Findings& findings) {
  for (uint32_t i = 0; i < events_.enqueues.size(); ++i) {
    const Enqueue& enqueue = events_.enqueues[i];
    uint32_t& seen = payloads_[enqueue.payload];
    if (seen != kNone) {
      findings.add({"unique",
                    enqueue.span.to,
                    "the recorder used a payload twice",
                    {events_.enqueues[seen].where, enqueue.where}});
    }
    seen = i;
    if (enqueue.outcome != Outcome::kOk) continue;
    uint32_t& message = ids_[enqueue.id];
    if (message == kNone) {
      message = static_cast<uint32_t>(messages_.size());
      messages_.push_back({.id = enqueue.id, .first_ok = i});
      continue;
    }
    const Enqueue& first = events_.enqueues[messages_[message].first_ok];
    if (first.queue != enqueue.queue || first.dedup == 0 || first.dedup != enqueue.dedup) {
      findings.add({"unique",
                    std::max(first.span.to, enqueue.span.to),
                    "one id was given to two messages",
                    {first.where, enqueue.where}});
    }
    if (enqueue.span.from < first.span.from) messages_[message].first_ok = i;
  }
}

void Ledger::join_deliveries(Findings& findings) {
  for (Deliver& deliver : events_.deliveries) {
    uint32_t& index = ids_[deliver.id];
    if (index == kNone) {
      index = static_cast<uint32_t>(messages_.size());
      messages_.push_back({.id = deliver.id});
    }
    deliver.message = index;
    deliver.source = payloads_.find(deliver.payload);
    Message& message = messages_[index];
    ++message.deliveries_end;
    if (deliver.source == kNone) {
      findings.add(
          {"unexpected", deliver.span.to, "nobody enqueued what was delivered", {deliver.where}});
      continue;
    }
    Enqueue& source = events_.enqueues[deliver.source];
    if (source.outcome == Outcome::kFail) {
      findings.add({"unexpected",
                    deliver.span.to,
                    "delivered, but its enqueue was refused",
                    {source.where, deliver.where}});
    }
    if (source.id == 0) source.id = deliver.id;
    if (const std::string_view field = altered_field(source, deliver); !field.empty()) {
      findings.add({"altered",
                    deliver.span.to,
                    "delivered with another " + std::string(field) + " than it was enqueued with",
                    {source.where, deliver.where}});
    }
    if (message.source == kNone) message.source = deliver.source;
    if (message.source != deliver.source) {
      findings.add({"dedup",
                    deliver.span.to,
                    "two bodies were delivered for one id",
                    {events_.enqueues[message.source].where, source.where, deliver.where}});
    }
  }
  for (Message& message : messages_) {
    if (message.source == kNone) message.source = message.first_ok;
  }
}

// deliveries_end holds the count: a counting sort, then each message's few by attempt.
void Ledger::sort_deliveries() {
  uint32_t at = 0;
  for (Message& message : messages_) {
    message.deliveries_begin = at;
    at += message.deliveries_end;
    message.deliveries_end = message.deliveries_begin;
  }
  by_message_.resize(at);
  for (uint32_t i = 0; i < events_.deliveries.size(); ++i)
    by_message_[messages_[events_.deliveries[i].message].deliveries_end++] = i;
  const auto earlier = [&](uint32_t a, uint32_t b) {
    const Deliver& one = events_.deliveries[a];
    const Deliver& other = events_.deliveries[b];
    return std::tie(one.attempt, one.span.to) < std::tie(other.attempt, other.span.to);
  };
  for (const Message& message : messages_) {
    if (message.deliveries_end - message.deliveries_begin > 1)
      std::sort(by_message_.begin() + message.deliveries_begin,
                by_message_.begin() + message.deliveries_end, earlier);
  }
}

void Ledger::join_settles(Findings& findings) {
  Index receipts(events_.deliveries.size());
  for (uint32_t i = 0; i < events_.deliveries.size(); ++i) {
    const Deliver& deliver = events_.deliveries[i];
    uint32_t& seen = receipts[deliver.receipt];
    if (seen != kNone) {
      findings.add({"unique",
                    deliver.span.to,
                    "one receipt was given twice",
                    {events_.deliveries[seen].where, deliver.where}});
    }
    seen = i;
  }
  for (Settle& settle : events_.settles) {
    settle.delivery = receipts.find(settle.receipt);
    if (settle.delivery != kNone) {
      ++events_.deliveries[settle.delivery].settles_end;
    } else if (settle.outcome == Outcome::kOk) {
      findings.add({"unexpected",
                    settle.span.to,
                    "a receipt was accepted that nobody was given",
                    {settle.where}});
    }
  }
  uint32_t at = 0;
  for (Deliver& deliver : events_.deliveries) {
    deliver.settles_begin = at;
    at += deliver.settles_end;
    deliver.settles_end = deliver.settles_begin;
  }
  by_delivery_.resize(at);
  for (uint32_t i = 0; i < events_.settles.size(); ++i) {
    const uint32_t delivery = events_.settles[i].delivery;
    if (delivery != kNone) by_delivery_[events_.deliveries[delivery].settles_end++] = i;
  }
  for (const Deliver& deliver : events_.deliveries) {
    std::sort(by_delivery_.begin() + deliver.settles_begin,
              by_delivery_.begin() + deliver.settles_end, [&](uint32_t a, uint32_t b) {
                return events_.settles[a].span.from < events_.settles[b].span.from;
              });
  }
}

void Ledger::join_acts() {
  for (const Present& present : events_.present) {
    const uint32_t index = ids_.find(present.id);
    if (index != kNone) messages_[index].present = present.where;
  }
  for (const Act& removal : events_.removals) {
    const uint32_t index = ids_.find(removal.name);
    if (index == kNone || removal.outcome == Outcome::kFail) continue;
    Message& message = messages_[index];
    message.may_be_removed = std::min(message.may_be_removed, removal.span.from);
    if (removal.outcome == Outcome::kOk)
      message.removed = std::min(message.removed, removal.span.to);
  }
}

const QueueRule* Ledger::rule(Name queue) const {
  const auto found = rules_.find(queue);
  return found == rules_.end() ? nullptr : &events_.queues[found->second];
}

Instant Ledger::lease_end(const Deliver& delivery) const {
  if (delivery.lease == 0) return kNever;
  Instant end = delivery.until;
  for (const uint32_t index : settles(delivery)) {
    const Settle& extension = settle(index);
    if (extension.verb != Settling::kExtend || extension.outcome == Outcome::kFail) continue;
    // One without an answer may have made it shorter; nobody knows by how much.
    end = extension.outcome == Outcome::kOk ? extension.until : 0;
  }
  return end;
}

Instant Ledger::given_up(const Deliver& delivery) const {
  Instant earliest = messages_[delivery.message].may_be_removed;
  for (const uint32_t index : settles(delivery)) {
    const Settle& one = settle(index);
    if (one.verb == Settling::kExtend || one.outcome == Outcome::kFail) continue;
    earliest = std::min(earliest, one.span.from);
  }
  if (delivery.lease != 0) return earliest;
  const auto close = closes_.find(delivery.conn);
  if (close != closes_.end()) earliest = std::min(earliest, close->second);
  return std::min(earliest, time_.next_end(delivery.span.from));
}

Span Ledger::held(const Deliver& delivery) const {
  const Instant end = lease_end(delivery);
  Instant to = given_up(delivery);
  if (end != kNever) to = std::min(to, time_.to_client(end, time_.life_of(delivery.span.from)).low);
  const QueueRule* const rule = this->rule(delivery.queue);
  if (rule != nullptr && rule->in_memory) to = std::min(to, time_.next_end(delivery.span.from));
  return {delivery.span.to, to};
}

Span Ledger::perhaps_held(const Deliver& delivery) const {
  Instant to = messages_[delivery.message].removed;
  for (const uint32_t index : settles(delivery)) {
    const Settle& one = settle(index);
    if (one.verb != Settling::kExtend && one.outcome == Outcome::kOk)
      to = std::min(to, one.span.to);
  }
  const Instant end = lease_end(delivery);  // 0: an extension without an answer moved it.
  if (end != kNever && end != 0)
    to = std::min(to, time_.to_client(end, time_.life_of(delivery.span.from)).high);
  return {delivery.span.from, to};
}

}  // namespace history
