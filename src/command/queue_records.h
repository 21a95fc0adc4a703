// Messages and queues to records, the same for every protocol, in the order of docs/commands.md.
#pragma once
#include <span>
#include <string>

#include "engine/request.h"
#include "protocol/writer.h"

namespace command {

// queue, id, receipt, body, key, attempt, priority, enqueued_at_ms, lease_until_ms, headers.
void write_delivery(const engine::Delivery& delivery, uint32_t shard, protocol::Writer& writer);

// id, queue, state, key, priority, attempt, failed, enqueued_at_ms, due_at_ms, expires_at_ms,
// lease_until_ms, reason, headers, history; and body.
struct ShownTerms {
  uint32_t shard = 0;
  bool body = false;
};
void write_shown(const engine::Shown& shown, ShownTerms terms, protocol::Writer& writer);

// state, reason, limited_by, until_ms, ahead, estimate.
void write_why_message(const engine::Why& why, protocol::Writer& writer);

// queue, ready, delayed, leased, dead, oldest_age_ms, bytes, paused: kQueueFields fields of a
// record that the caller has opened.
inline constexpr size_t kQueueFields = 8;
void write_queue_fields(const engine::QueueRow& row, base::Time now, protocol::Writer& writer);

// enqueued, deduplicated, delivered, acked, failed, requeued, lease_over, expired, dead_total,
// redriven, removed, purged: kTotalsFields fields.
inline constexpr size_t kTotalsFields = 12;
void write_totals(const engine::Stats::Totals& totals, protocol::Writer& writer);

// The decision record of CHECK.
void write_check(const engine::Check& check, protocol::Writer& writer);

// Of queues of all shards: by name, at most `count`. Moves out of the requests.
std::vector<engine::QueueRow> merged_rows(std::span<engine::Request> requests, size_t count);

}  // namespace command
