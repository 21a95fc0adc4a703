// One server as the simulator runs it: shards on one disk, one limiter, and the time that it is
// told. Requests go in; answers come out of take_answered(). Batches are out for as long as the
// disk is slow; a power cut finds them there.
//
// Every call into an engine has an instant of its own (a nanosecond later than the one before), so
// an instant names the call that made a delivery.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "sim/disk.h"
#include "sim/plan.h"

namespace sim {

// A request with what its views point to.
struct Op : engine::Request {
  std::deque<std::string> texts;
  std::vector<engine::Header> headers;
  std::vector<engine::Message> messages;
  std::vector<std::string_view> names;
  std::vector<engine::Receipt> receipts;
  std::vector<limiter::Entry> entries;
  std::vector<limiter::Descriptor> descriptors;

  uint64_t id = 0;   // In the order of asking.
  base::Time ran{};  // When the engine got it; the epoch: it still waits before the shard.
  base::Time answered{};
  std::vector<uint64_t> uids;     // Of the messages it enqueues, as World knows them.
  std::function<void(Op&)> then;  // The asker's, when it is answered.
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

class Process {
 public:
  Process(const Plan& plan, Dice& dice, Disk& disk) : plan_(plan), dice_(dice), disk_(disk) {}
  ~Process();

  // Opens every shard. An error: the disk failed meanwhile, or refuses what it holds.
  base::Status start(base::Time wall, const std::vector<LimitPlan>& limits);
  bool running() const { return !shards_.empty(); }
  // The process is gone. What was not answered is returned, in the order of asking.
  std::vector<std::unique_ptr<Op>> end();

  base::Time now() const { return now_; }
  void advance(base::Time to) { now_ = std::max(now_, to); }
  base::Time step() { return now_ += base::Duration(1); }
  base::Time next() const;  // When turn() has something to do.
  void turn();              // All that is due now, at every shard.
  bool idle() const;  // No batch is out or wanted, nobody waits before a shard, nothing is due.

  void ask(std::unique_ptr<Op> op);
  std::vector<std::unique_ptr<Op>> take_answered();
  const std::vector<Op*>& waiting() const { return open_; }  // Asked and not answered.

  void reload(const std::vector<LimitPlan>& limits);
  void declare();
  void stop();                            // As SIGTERM: afterwards turn() until idle(), then end().
  void hurry(bool yes) { hurry_ = yes; }  // The disk takes no time.
  uint64_t records() const;               // Appended in all; equal: nothing has changed.
  bool promised() const;                  // Some flow was promised units since the start.
  bool failed() const;                    // A shard has stopped (P11).
  std::string failure() const;

  limiter::Limiter& limiter() { return *limiter_; }
  engine::Engine& engine(uint32_t shard) { return *shards_[shard]->engine; }
  uint32_t shards() const { return plan_.shards; }
  static std::string dir(uint32_t shard) { return "shard-" + std::to_string(shard); }
  // For a second process on a copy of the disk.
  static engine::EngineOptions options(const Plan& plan, uint32_t shard);

 private:
  struct Out {
    wal::Batch batch;
    base::Time run_at, back_at;
    bool has_run = false;
  };
  struct Shard {
    std::unique_ptr<engine::Engine> engine;
    std::deque<std::unique_ptr<Op>> inbox;
    std::optional<Out> out;
    std::function<void()> chore;  // Work aside: a slice of a snapshot.
    base::Time chore_at{};
    std::vector<base::Hash128> freed;
    base::Time freed_at{};
    bool reloaded = false;
  };
  void turn(Shard& shard);
  void feed(Shard& shard);
  void work_on_batch(Shard& shard);
  void work_aside(Shard& shard);
  base::Time next(const Shard& shard) const;

  const Plan& plan_;
  Dice& dice_;
  Disk& disk_;
  base::Time now_{};
  std::unique_ptr<limiter::Limiter> limiter_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unordered_map<engine::Request*, std::unique_ptr<Op>> ops_;  // In the engines.
  std::vector<Op*> open_;
  std::vector<std::unique_ptr<Op>> answered_;
  uint64_t next_id_ = 1;
  bool hurry_ = false;
};

}  // namespace sim
