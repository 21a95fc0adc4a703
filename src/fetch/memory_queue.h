// One queue in memory over engine::Engine, under the caps and rates of a pool, without threads:
// what it was given comes back when all its limits let it run.
//
//   add() ─► waits ─► turn(): on_run(Run) ─► done(): gone
//              ▲                          ├► again(): back after a growing pause
//              └──────────────────────────┴► back(): at once; who blocked its host holds it back
//
// Limits, all or none, in the domain that pushes use (dispatch/hosts.h): `host` is capped and may
// have a rate, and all together are capped and may have a rate. Hosts take turns.
//
// Thread: one owner; it is told the time.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "limit/limit.h"
#include "limiter/limiter.h"
#include "queue/settings.h"
#include "wal/memory_disk.h"

namespace fetch {

class MemoryQueue {
 public:
  struct Terms {
    size_t total = 100, per_host = 8;  // Run at a time.
    std::optional<limit::Gcra> rate{}, host_rate{};
    queue::Backoff backoff{};                      // Of again().
    base::Duration lease = std::chrono::hours(1);  // Whatever runs ends before.
    uint64_t seed = 0;                             // Of jitter and of keys.
  };
  struct Run {
    engine::Receipt receipt;
    std::string_view body;  // Valid during the call.
  };
  // Called from inside turn(). It may call anything of the queue but turn().
  using OnRun = std::function<void(const Run&)>;

  // kInvalid ("total", "per_host", …) if a limit is out of its law's bounds.
  static base::Result<std::unique_ptr<MemoryQueue>> make(const Terms& terms, OnRun on_run,
                                                         base::Time now);
  ~MemoryQueue();

  // REQUIRES: `host` is not empty and has at most queue::kKeyBytesMax bytes.
  queue::Number add(std::string_view host, std::string_view body, base::Time now);
  void done(const engine::Receipt& receipt, base::Time now);
  void again(const engine::Receipt& receipt, base::Time now);
  void back(const engine::Receipt& receipt, base::Time now);
  // What waits is taken out again; its body, or nothing: it does not wait.
  std::optional<std::string> take_out(queue::Number number, base::Time now);

  void turn(base::Time now);  // Hands out all that may run.
  base::Time due() const;     // When turn() has something to do because of the time.

  limiter::Limiter& limiter() { return limiter_; }

 private:
  MemoryQueue(const Terms& terms, OnRun on_run);
  base::Status open(const Terms& terms, base::Time now);
  engine::Request& request();
  void end(engine::Request& request, base::Time now);
  void write(base::Time now);
  bool hand_out(base::Time now);

  limiter::Limiter limiter_;
  wal::MemoryDisk disk_;
  std::unique_ptr<engine::Engine> engine_;
  const OnRun on_run_;
  const size_t total_;
  size_t running_ = 0;
  engine::Request taking_;  // The Dequeue, used again and again.
  bool taken_ = false;
  std::deque<engine::Request> requests_;
  std::vector<engine::Request*> unused_;
  std::vector<base::Hash128> freed_, now_freed_;
};

}  // namespace fetch
