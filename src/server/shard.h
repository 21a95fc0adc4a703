// One engine on the thread that owns it, with the threads of its log and its chores.
//
//   arrive(), freed() … ──► turn(): what came back, what arrived, what is due, the next batch
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "engine/engine.h"
#include "server/gather.h"
#include "server/log_thread.h"

namespace server {

// Thread: the owner's, but for failure() and engine() in const.
class Shard {
 public:
  // `clock` outlives it. `wake`: the owner should turn soon. Thread: any.
  Shard(std::unique_ptr<engine::Engine> engine, uint32_t number, const base::Clock& clock,
        std::function<void()> wake);
  ~Shard();  // At rest: the log is closed.

  engine::Engine& engine() { return *engine_; }
  const engine::Engine& engine() const { return *engine_; }

  void arrive(engine::Request& request) { inbox_.push_back(&request); }
  void freed(base::Hash128 state);
  void limits_changed() { limits_changed_ = true; }

  // Everything that can be done now. Answers leave by the engine's on_done.
  void turn();
  // When to turn again though nothing arrives; Time::min(): at once.
  base::Time due() const;
  bool at_rest() const;  // Nothing is to be done, written or waited for from the disk.

  std::string failure() const;  // Why it has stopped; empty: it has not. Thread: any.

 private:
  void collect(base::Time now);
  void run_inbox(base::Time now);
  void tell_freed(base::Time now);
  void hand_batch(base::Time now);
  void note_failure();

  const std::unique_ptr<engine::Engine> engine_;
  const uint32_t number_;
  const base::Clock& clock_;
  std::vector<engine::Request*> inbox_;
  size_t next_ = 0;  // Of inbox_: what is before it has been run.
  std::vector<base::Hash128> freed_, telling_;
  Gather gather_;
  wal::Sequence written_ = 0;
  bool limits_changed_ = false;
  bool failed_ = false;
  mutable base::Mutex mutex_;
  std::string failure_ GUARDED_BY(mutex_);
  SideThread chores_;  // Snapshots: long writes that no answer waits for.
  LogThread log_;      // These two end first.
};

}  // namespace server
