// What a shard counts, and the rows of its queues as of about a second ago.
//
// Thread: any may read; the shard's writes. Labels by queue are bounded: the first kRowsMax queues
// of a shard, by name, have rows.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "metric/metric.h"

namespace engine {

struct Engine::Metrics {
  static constexpr size_t kRowsMax = 1000;

  // Of the shard.
  metric::Counter records, batches, batch_failures;
  metric::Counter log_bytes;     // Appended.
  metric::Gauge log_disk_bytes;  // All segments.
  metric::Counter snapshots, compacted_bytes;
  metric::Gauge waiting_requests, lines, messages_memory_bytes, reserved_bytes, room_bytes;
  metric::Counter promises;   // Flows that were passed over too often.
  metric::Histogram turn_ns;  // One run()… tick() of the owner; the owner records it.
  metric::Histogram sync_ns;
  metric::Histogram wait_ns;      // From enqueue (or its due instant) to delivery.
  metric::Histogram lateness_ns;  // From the instant that a wake was due to the wake.

  struct Row {
    std::string queue;
    queue::Depths depths;
    double oldest_age_seconds = 0;
    Stats::Totals totals;
  };
  void publish(std::vector<Row> rows);
  std::vector<Row> rows() const;

 private:
  mutable base::Mutex mutex_;
  std::vector<Row> rows_ GUARDED_BY(mutex_);
};

// Families of all shards together, by queue and by shard.
void collect(std::span<const Engine* const> engines, metric::Families& families);

}  // namespace engine
