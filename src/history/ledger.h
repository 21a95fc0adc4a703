// A history with its events joined: which enqueue made which message, its deliveries in order,
// what happened to each lease.
#pragma once
#include <span>
#include <unordered_map>
#include <vector>

#include "history/event.h"
#include "history/finding.h"
#include "history/index.h"
#include "history/timeline.h"

namespace history {

struct Options {
  int64_t clock_skew = 0;  // Nanoseconds >= 0 by which two clocks may differ without a fault.
};

struct Message {
  Name id = 0;
  uint32_t first_ok = kNone;  // The earliest enqueue that was answered with its id.
  uint32_t source = kNone;    // The enqueue whose payload it carries; first_ok if never delivered.
  uint32_t deliveries_begin = 0, deliveries_end = 0;
  Where present{};                  // Line 0: is not present.
  Instant removed = kNever;         // When its removal was answered OK.
  Instant may_be_removed = kNever;  // When the earliest removal that was not refused began.
};

class Ledger {
 public:
  // What does not join is a fault: unexpected, altered, dedup, unique.
  Ledger(History events, const Options& options, Findings& findings);

  const History& events() const { return events_; }
  const Timeline& time() const { return time_; }
  const Options& options() const { return options_; }
  const std::vector<Message>& messages() const { return messages_; }

  // By attempt.
  std::span<const uint32_t> deliveries(const Message& message) const {
    return std::span(by_message_)
        .subspan(message.deliveries_begin, message.deliveries_end - message.deliveries_begin);
  }
  const Deliver& delivery(uint32_t index) const { return events_.deliveries[index]; }
  // By invocation; indices of events().settles.
  std::span<const uint32_t> settles(const Deliver& delivery) const {
    return std::span(by_delivery_)
        .subspan(delivery.settles_begin, delivery.settles_end - delivery.settles_begin);
  }
  const Settle& settle(uint32_t index) const { return events_.settles[index]; }

  // Null: nothing is known of this queue.
  const QueueRule* rule(Name queue) const;

  // The lease's end that is certain not to have come earlier, by the server's clock. kNever: it is
  // tied to its connection.
  Instant lease_end(const Deliver& delivery) const;
  // When it may have been given up at the earliest, by the clients' clock: an ack, nack, requeue
  // or removal that was not refused, or, where it is tied, the end of its connection. kNever: it
  // was not.
  Instant given_up(const Deliver& delivery) const;
  // From when until when it was surely held, by the clients' clock; from > to: never.
  Span held(const Deliver& delivery) const;
  // From when until when it may have been held.
  Span perhaps_held(const Deliver& delivery) const;

 private:
  void join_enqueues(Findings& findings);
  void join_deliveries(Findings& findings);
  void join_settles(Findings& findings);
  void join_acts();
  void sort_deliveries();

  History events_;
  Options options_;
  Timeline time_;
  Index payloads_, ids_;
  std::vector<Message> messages_;
  std::vector<uint32_t> by_message_, by_delivery_;
  std::unordered_map<Name, uint32_t> rules_;
  std::unordered_map<Name, Instant> closes_;  // By connection: when it may have been lost first.
};

}  // namespace history
