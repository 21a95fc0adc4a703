// A second process on a copy of the disk, at one instant: what a replay makes of the log. It may be
// asked, and changed, without anybody noticing.
#pragma once
#include <memory>
#include <vector>

#include "sim/process.h"

namespace sim {

class Replica {
 public:
  Replica(const Plan& plan, const Disk& disk)
      : plan_(plan), random_(1), disk_(disk.copy(random_)) {}
  Disk& disk() { return *disk_; }
  base::Status open(const std::vector<LimitPlan>& limits, base::Time now);
  void ask(Op& op);  // Runs it to its end.
  engine::Engine& engine(uint32_t shard) { return *engines_[shard]; }

 private:
  const Plan& plan_;
  base::Random random_;
  std::unique_ptr<Disk> disk_;
  std::unique_ptr<limiter::Limiter> limiter_;
  std::vector<std::unique_ptr<engine::Engine>> engines_;
  base::Time now_{};
};

}  // namespace sim
