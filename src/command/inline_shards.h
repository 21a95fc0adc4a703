// Shards without threads, for tests and fuzz targets: real engines over a disk in memory, told the
// time. Nothing happens but in pump().
#pragma once
#include <deque>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "command/shards.h"
#include "engine/engine.h"
#include "limiter/limiter.h"
#include "wal/memory_disk.h"

namespace command {

class InlineShards final : public Shards {
 public:
  struct Options {
    uint32_t shards = 2;
    engine::Declared declared = {};
    bool creation_open = true;
  };

  // REQUIRES: the limiter tells no one else of what was freed. Both outlive it.
  InlineShards(limiter::Limiter& limiter, const base::Clock& clock, Options options);
  ~InlineShards() override;

  uint32_t count() const override { return static_cast<uint32_t>(shards_.size()); }
  void submit(std::unique_ptr<engine::Run> run) override;
  void leave(uint64_t connection) override;

  // Runs what was submitted and what is due, writes it, and delivers what is answered, until
  // nothing moves.
  void pump();
  base::Time due() const;  // When pump() has something to do because of the time.

  engine::Engine& engine(uint32_t shard) { return *shards_[shard]; }
  wal::MemoryDisk& disk() { return disk_; }

 private:
  // Freed states wait here: the limiter must not be called from its own call.
  struct Freed {
    uint32_t shard;
    base::Hash128 state;
  };
  bool turn();
  bool write(engine::Engine& shard);
  void answered(engine::Request& request);

  const base::Clock& clock_;
  wal::MemoryDisk disk_;
  std::vector<std::unique_ptr<engine::Engine>> shards_;
  std::vector<std::unique_ptr<engine::Run>> runs_;  // Submitted and not delivered.
  std::deque<engine::Run*> fresh_, back_;           // Not run yet; answered.
  std::vector<Freed> freed_;
  bool reloaded_ = false;
};

}  // namespace command
