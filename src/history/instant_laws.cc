// Delays, times to live, promises of a quick delivery: against the server's stamps and against
// what the clients' clock allows.
#include <algorithm>

#include "history/laws.h"

namespace history {
namespace {

void check_delay(const Ledger& ledger, const Enqueue& source, const Deliver& deliver,
                 Findings& findings) {
  if (source.delay == 0) return;
  const int64_t skew = ledger.options().clock_skew;
  const Instant granted = ledger.time().granted(deliver).high;
  const bool by_server = deliver.enqueued != 0 && granted < deliver.enqueued + source.delay - skew;
  const bool by_clients = deliver.span.to < source.span.from + source.delay - skew;
  if (!by_server && !by_clients) return;
  findings.add({"delay",
                deliver.span.to,
                "delivered before its delay was over",
                {source.where, deliver.where}});
}

void check_ttl(const Ledger& ledger, const Enqueue& source, const Deliver& deliver,
               Findings& findings) {
  if (source.ttl == 0) return;
  const int64_t skew = ledger.options().clock_skew;
  const Instant granted = ledger.time().granted(deliver).low;
  const bool by_server =  // The stamp of the enqueue is that of its millisecond's beginning.
      deliver.enqueued != 0 && granted > deliver.enqueued + kMillisecond + source.ttl + skew;
  const bool by_clients = deliver.span.from > source.span.to + source.ttl + skew;
  if (!by_server && !by_clients) return;
  findings.add(
      {"ttl", deliver.span.to, "delivered after it had expired", {source.where, deliver.where}});
}

// A nack or requeue with a delay: not before that, counted from its invocation.
void check_given_back(const Ledger& ledger, const Deliver& before, const Deliver& deliver,
                      Findings& findings) {
  for (const uint32_t index : ledger.settles(before)) {
    const Settle& one = ledger.settle(index);
    const bool back = one.verb == Settling::kNack || one.verb == Settling::kRequeue;
    if (!back || one.outcome != Outcome::kOk || one.delay <= 0) continue;
    if (deliver.span.to >= one.span.from + one.delay - ledger.options().clock_skew) continue;
    findings.add({"delay",
                  deliver.span.to,
                  "delivered before the delay of its nack was over",
                  {one.where, deliver.where}});
  }
}

void check_late(const Ledger& ledger, const Message& message, const Enqueue& source,
                Findings& findings) {
  if (source.within == 0 || source.outcome != Outcome::kOk) return;
  const auto deliveries = ledger.deliveries(message);
  const Instant latest =
      source.span.to + source.delay + source.within + ledger.options().clock_skew;
  std::vector<Where> lines{source.where};
  if (!deliveries.empty()) {
    const Deliver& first = ledger.delivery(deliveries.front());
    if (first.span.to <= latest) return;
    lines.push_back(first.where);
  }
  findings.add({"late", latest, "not delivered within the promised time", std::move(lines)});
}

}  // namespace

void check_instants(const Ledger& ledger, Findings& findings) {
  for (const Message& message : ledger.messages()) {
    if (message.source == kNone) continue;
    const Enqueue& source = ledger.events().enqueues[message.source];
    const Deliver* before = nullptr;
    for (const uint32_t index : ledger.deliveries(message)) {
      const Deliver& deliver = ledger.delivery(index);
      check_delay(ledger, source, deliver, findings);
      check_ttl(ledger, source, deliver, findings);
      if (before != nullptr) check_given_back(ledger, *before, deliver, findings);
      before = &deliver;
    }
    check_late(ledger, message, source, findings);
  }
}

}  // namespace history
