// The data directory while this process has it: its lock, what never changes in it, the engines of
// its shards, and the journal of durable limits.
//
//   DATA/LOCK   DATA/meta   DATA/shard-0000/ …   DATA/limits/
//
//   take() ─► seed, shards ─► [the limiter is made] ─► open() ─► last_instant ─► [the clock begins]
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "io/io.h"
#include "server/journal.h"
#include "server/meta.h"
#include "server/queue_rules.h"

namespace server {

class Storage {
 public:
  struct Wanted {
    std::string directory;
    uint32_t shards = 0;  // 0: what is there, else `fresh_shards`.
    uint32_t fresh_shards = 1;
    uint64_t fresh_seed = 0;  // Unguessable.
  };
  // Makes the directory where it is missing. Errors name it, and the process that has it.
  static base::Result<std::unique_ptr<Storage>> take(const Wanted& wanted);

  uint64_t limiter_seed() const;
  std::string name() const;  // No other data directory has it.
  uint32_t shards() const { return meta_.shards; }

  // Opens all shards, each on a thread of its own, then the journal. Errors name file and offset.
  // `takers`: what deliveries are charged with, by shard; none: the limiter.
  base::Status open(const QueueRules& rules, const engine::Bounds& bounds,
                    limiter::Limiter& limiter, base::Time now,
                    std::span<limiter::Taker* const> takers = {});
  base::Time last_instant() const;  // Of all that is stored.
  // After open().
  std::vector<std::unique_ptr<engine::Engine>>& engines() { return engines_; }  // By shard.
  Journal& journal() { return *journal_; }
  void close_journal() { journal_.reset(); }  // Before those that the limiter tells are gone.

 private:
  Storage(io::FileLock lock, std::unique_ptr<base::Disk> disk, Meta meta);

  io::FileLock lock_;
  std::unique_ptr<base::Disk> disk_;
  Meta meta_;
  std::vector<std::unique_ptr<engine::Engine>> engines_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace server
