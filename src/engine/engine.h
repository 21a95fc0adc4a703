// The door of the room: one shard. Queues + log + gate, driven from outside: it is told the time,
// hands out batches to be written, and says when it wants to be called again. No threads, no clock,
// no sockets; the same calls with the same instants and the same batches give the same answers.
//
//   run(request)… tick() ──► has_batch()? take() ──► [log thread] Writer::run() ──► give_back()
//        │ apply() now, in memory                                                     │
//        └ the answer waits for its record ────────────────────────► on_done(request) ┘
//
// One turn of the owner: run what arrived, tick(), release(), hand out a batch if none is out.
// Live and replay share one apply(); every decision (which message, which instants, which limits
// let it go) is in the record, so a replay asks nobody.
//
// An answer leaves when what it says is as durable as the queue promises: a change, and what an
// answer reveals of changes before it, waits for the sync (kFsync), the write (kOs) or nothing.
//
// Deliveries obey limits (gate.h); consumers that wait are served by arrival. A request that waits
// (Dequeue, Check) is answered later by tick(), wake-ups included.
//
// P11: a batch that failed stops the shard: status() says why, every request is refused with it,
// what was not answered is answered kUnknown.
//
// Thread: one owner; collect() from any.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/disk.h"
#include "base/hash.h"
#include "base/result.h"
#include "engine/request.h"
#include "limiter/taker.h"
#include "metric/metric.h"
#include "queue/settings.h"
#include "wal/wal.h"

namespace engine {

struct Bounds {
  size_t body_bytes_max = size_t{1} << 20;
  uint32_t queues_max = 1'000'000;   // Of the shard.
  uint32_t waiting_max = 1'000'000;  // Requests that wait at a time; over it kFull.
  base::Duration wait_max = std::chrono::minutes(5);
  uint32_t count_max = 1000;
};

// Names of queues in the configuration file, and what it says of them.
using Declared = std::map<std::string, queue::Settings, std::less<>>;

struct EngineOptions {
  uint32_t shard = 0, shards = 1;
  wal::Options log;
  uint64_t seed = 0;  // Of jitter and of the hash of deduplication ids; the latter must be the
                      // same for ever in one data directory.
  queue::Settings defaults;  // Of queues that nobody declared.
  bool creation_open = true;
  Declared declared;
  Bounds bounds;
  uint64_t snapshot_after_bytes = uint64_t{256} << 20;  // Of log since the last one, at least.
};

class Engine {
 public:
  // Loads the newest snapshot of `dir`, replays the log behind it, begins a new start, gives live
  // leases their holds again. Errors as wal::Log::open()'s.
  static base::Result<std::unique_ptr<Engine>> open(EngineOptions options, base::Disk& disk,
                                                    const std::string& dir, limiter::Taker& taker,
                                                    base::Time now);
  ~Engine();

  // The latest instant that the log knows of. The process's clock must not be behind it.
  base::Time last_instant() const;

  // `on_done` is called for every request once, from inside release(), give_back() or stop().
  void on_done(std::function<void(Request&)> done);

  // A queue has become one that is pushed, or is told otherwise; not on(): it is none any more. At
  // once for all there are, then from inside the calls that change them.
  void on_push(std::function<void(std::string_view queue, const queue::Push& push)> told);

  void run(Request& request, base::Time now);  // `request` lives until it is done.
  void tick(base::Time now);                   // What is due, and a slice of housekeeping.
  base::Time due() const;  // When tick() has something to do; a past instant: at once.
  void release();          // Answers that wait for nothing any more.

  bool has_batch() const;  // Something is to be written, and no batch is out.
  wal::Batch take(base::Time now);
  void give_back(wal::Batch batch, base::Time now);
  void written(wal::Sequence sequence);  // Of the batch that is out: the system has it (kOs).
  bool wants_written() const;            // Some queue promises kOs. Thread: any.
  wal::Writer& writer();                 // For the thread that runs batches.
  // Work that may take long and touches nothing of the engine's own (writing and syncing a slice of
  // a snapshot): for any other thread, one at a time; then chore_done(). Null: there is none.
  std::function<void()> take_chore();
  void chore_done(base::Time now);

  // Requests wait until a batch has made room in the log; more of them would only queue up.
  bool stalled() const;

  void freed(base::Hash128 state, base::Time now);  // a state that it watches has units.
  void limits_changed(base::Time now);              // Everything may have room.
  // The file has changed. Queues that it does not declare any more keep their settings.
  void declare(Declared declared, queue::Settings defaults, bool creation_open, base::Time now);

  // From now on every request is refused (kShutdown) but those that end work (Ack, Nack, Requeue,
  // Extend, Leave); what waits is answered as if its time were over.
  void stop(base::Time now);

  // After stop(), when no batch is out and there is none: the end. Nothing is called after it.
  void close();

  const base::Status& status() const;  // An error: the shard has stopped.

  // A check of its own books, for tests and the simulator: the first thing that is wrong.
  base::Status check() const;

  struct Metrics;  // metrics.h
  const Metrics& metrics() const;
  Metrics& metrics();  // The owner records its turns there.

 private:
  struct Body;
  explicit Engine(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace engine
