// A DEQUEUE over queues that live in several shards, or that may wait in one of them.
//
//   visit:  shard of q1 → shard of q2 → …   in the order of the queues, without waiting, until
//   COUNT wait:   all shards at once, with one claim: the first that has something takes it
//
// It answers when COUNT is reached or the visits are over with something; else when the first shard
// that waits brings something, or all have come back empty. What comes back later is empty: the
// claim was taken.
//
// Thread: the one that began it.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command/shards.h"

namespace command {

struct Found {
  uint32_t shard;
  engine::Delivery delivery;
};

struct ForageTerms {
  std::vector<std::string> queues;  // In order; at least one.
  uint32_t count = 1;
  base::Duration wait{};
  std::optional<base::Duration> lease;
  uint64_t connection = 0;
};

class Forage : public std::enable_shared_from_this<Forage> {  // Shared by its runs.
 public:
  using Done = std::function<void(base::Result<std::vector<Found>>)>;  // Called once.

  static void begin(Shards& shards, ForageTerms terms, Done done);

  Forage(Shards& shards, ForageTerms terms, Done done);

 private:
  struct Stop {  // Queues of one shard, one behind the other in the order asked for.
    uint32_t shard;
    std::vector<std::string_view> queues;
  };
  void visit();
  void visited(engine::Run& run);
  void wait();
  void waited(engine::Run& run);
  void cancel(uint32_t winner);
  void submit(const Stop& stop, base::Duration wait, void (Forage::*back)(engine::Run&));
  void collect(engine::Run& run);
  void end();

  Shards& shards_;
  ForageTerms terms_;
  Done done_;  // Null: it has answered.
  std::vector<Stop> visits_, posts_;
  std::shared_ptr<engine::Claim> claim_;
  size_t next_ = 0;  // Visit.
  size_t out_ = 0;   // Runs that wait.
  std::vector<Found> found_;
  std::optional<base::Error> error_;  // The first.
};

}  // namespace command
