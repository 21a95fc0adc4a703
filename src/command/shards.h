// The door to the queues: requests travel to the shards that own them and come back answered.
// Implementations: server::Shards (threads), command::InlineShards (one engine, told the time: for
// transcripts and tests), and the simulator's.
#pragma once
#include <cstdint>
#include <memory>

#include "engine/request.h"

namespace command {

// Thread: any thread that runs sessions.
class Shards {
 public:
  virtual ~Shards() = default;
  virtual uint32_t count() const = 0;
  // Each request's `shard` is set. `run->done` is called on this thread when all are answered,
  // never from inside submit(). A run whose connection has gone still comes back.
  virtual void submit(std::unique_ptr<engine::Run> run) = 0;
  // Sends a Leave to every shard, behind all that the connection has submitted.
  virtual void leave(uint64_t connection) = 0;
};

}  // namespace command
