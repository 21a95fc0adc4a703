#include "engine/metrics.h"

#include <span>

namespace engine {

void Engine::Metrics::publish(std::vector<Row> rows) {
  base::Guard guard(mutex_);
  rows_ = std::move(rows);
}

std::vector<Engine::Metrics::Row> Engine::Metrics::rows() const {
  base::Guard guard(mutex_);
  return rows_;
}

namespace {

using Metrics = Engine::Metrics;

void collect_queue(const Metrics::Row& row, metric::Families& families) {
  const auto depth = [&](std::string state, uint64_t value) {
    families.gauge("ratelimmq_queue_messages", "Messages of a queue by state.",
                   {{"queue", row.queue}, {"state", std::move(state)}}, static_cast<double>(value));
  };
  depth("ready", row.depths.ready);
  depth("delayed", row.depths.delayed);
  depth("leased", row.depths.leased);
  depth("dead", row.depths.dead);
  families.gauge("ratelimmq_queue_bytes", "Bytes of a queue's messages.", {{"queue", row.queue}},
                 static_cast<double>(row.depths.bytes));
  families.gauge("ratelimmq_queue_oldest_age_seconds",
                 "How long the oldest ready message has been ready.", {{"queue", row.queue}},
                 row.oldest_age_seconds);
  const Stats::Totals& t = row.totals;
  const std::pair<const char*, uint64_t> events[] = {{"enqueued", t.enqueued},
                                                     {"deduplicated", t.deduplicated},
                                                     {"delivered", t.delivered},
                                                     {"acked", t.acked},
                                                     {"failed", t.failed},
                                                     {"requeued", t.requeued},
                                                     {"lease_over", t.lease_over},
                                                     {"expired", t.expired},
                                                     {"dead", t.dead},
                                                     {"redriven", t.redriven},
                                                     {"removed", t.removed},
                                                     {"purged", t.purged}};
  for (const auto& [event, total] : events) {
    families.counter("ratelimmq_queue_events_total", "What happened to a queue's messages.",
                     {{"queue", row.queue}, {"event", event}}, total);
  }
}

void collect_shard(const std::string& shard, const Metrics& m, metric::Families& families) {
  const metric::Labels labels = {{"shard", shard}};
  families.counter("ratelimmq_log_records_total", "Records appended to the log.", labels,
                   m.records.value());
  families.counter("ratelimmq_log_batches_total", "Batches written to the log.", labels,
                   m.batches.value());
  families.counter("ratelimmq_log_failures_total", "Failures that stopped the shard.", labels,
                   m.batch_failures.value());
  families.counter("ratelimmq_log_bytes_total", "Bytes appended to the log.", labels,
                   m.log_bytes.value());
  families.gauge("ratelimmq_log_disk_bytes", "Bytes of the log's segments on disk.", labels,
                 static_cast<double>(m.log_disk_bytes.value()));
  families.gauge("ratelimmq_log_room_bytes", "Bytes that are preallocated and free.", labels,
                 static_cast<double>(m.room_bytes.value()));
  families.gauge("ratelimmq_log_reserved_bytes",
                 "Bytes that are kept for the leases and acks of what waits.", labels,
                 static_cast<double>(m.reserved_bytes.value()));
  families.counter("ratelimmq_log_snapshots_total", "Snapshots of the index.", labels,
                   m.snapshots.value());
  families.counter("ratelimmq_log_compacted_bytes_total", "Bytes that compaction has copied.",
                   labels, m.compacted_bytes.value());
  families.gauge("ratelimmq_engine_waiting_requests", "Requests that wait.", labels,
                 static_cast<double>(m.waiting_requests.value()));
  families.gauge("ratelimmq_engine_lines", "Lines of flows at limits.", labels,
                 static_cast<double>(m.lines.value()));
  families.gauge("ratelimmq_engine_messages_memory_bytes", "Memory of messages and their index.",
                 labels, static_cast<double>(m.messages_memory_bytes.value()));
  families.counter("ratelimmq_engine_promises_total",
                   "Flows that were passed over too often and got a promise.", labels,
                   m.promises.value());
  families.histogram("ratelimmq_engine_turn_seconds", "Turns of a shard.", labels, m.turn_ns, 1e9);
  families.histogram("ratelimmq_log_sync_seconds", "Syncs of the log.", labels, m.sync_ns, 1e9);
  families.histogram("ratelimmq_engine_wait_seconds",
                     "From when a message was ready to its delivery.", labels, m.wait_ns, 1e9);
  families.histogram("ratelimmq_engine_lateness_seconds",
                     "From the instant that a limit frees to the wake of who waits at it.", labels,
                     m.lateness_ns, 1e9);
}

}  // namespace

void collect(std::span<const Engine* const> engines, metric::Families& families) {
  for (size_t i = 0; i < engines.size(); ++i) {
    collect_shard(std::to_string(i), engines[i]->metrics(), families);
    for (const Metrics::Row& row : engines[i]->metrics().rows()) collect_queue(row, families);
  }
}

}  // namespace engine
