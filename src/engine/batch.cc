// Batches: what goes to the log's thread, and what comes back.
#include "engine/body.h"

namespace engine {

wal::Batch Engine::Body::take(base::Time now) {
  log->stamp(std::max(now, last_instant));
  log->want_room(reserved() + room_wanted + last_batch_bytes);
  out = next_batch++;
  dirty = false;
  return log->take();
}

void Engine::Body::give_back(wal::Batch batch, base::Time now) {
  now_ = now;
  metrics.batches.add(1);
  metrics.log_bytes.add(batch.bytes.size());
  last_batch_bytes = batch.bytes.size();
  if (batch.sync) metrics.sync_ns.record(batch.sync_took.count());
  log->give_back(batch);
  for (wal::Read& each : batch.reads) {
    if (keeper->take_read(each)) continue;
    const Reading reading = readings.front();
    readings.pop_front();
    if (each.status) {
      *reading.to = std::move(each.body);
    } else {
      reading.request->status = each.status.error();
    }
  }
  const uint64_t returned = std::exchange(out, 0);
  if (!log->status()) {
    fail(log->status().error());
    readings.clear();
    return;
  }
  written = returned;
  answers.returned(returned);
  if (!deferred.empty()) resume(now);
}

}  // namespace engine
