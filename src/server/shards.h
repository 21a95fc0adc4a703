// The shards on the workers' threads: shard i belongs to worker i % workers.
//
//   session ── submit(run) ──► seat ── requests ──► shards, here or on other threads
//        ◄──── done(run) ───── seat ◄── answered ── the last of its requests
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "command/shards.h"
#include "limiter/limiter.h"
#include "metric/metric.h"
#include "server/queue_rules.h"
#include "server/seat.h"

namespace server {

class Shards final : public command::Shards {
 public:
  // Before the loops run. The loops, the clock and the limiter outlive it, and the loops run
  // nothing more once it is gone.
  Shards(std::vector<std::unique_ptr<engine::Engine>> engines, std::span<io::Loop* const> loops,
         const base::Clock& clock, limiter::Limiter& limiter);
  ~Shards() override;

  // `told` hears what Engine::on_push() of each shard tells: at once, and then on the thread that
  // owns the shard. Before the loops run.
  void on_push(
      std::function<void(uint32_t shard, std::string_view queue, const queue::Push&)> told);
  // What tells a shard that a state has units again. Thread of its calls: any.
  std::function<void(uint32_t shard, base::Hash128 state)> teller() {
    return [this](uint32_t shard, base::Hash128 state) { freed(shard, state); };
  }
  // Which worker's thread has the shard.
  uint32_t seat_of(uint32_t shard) const { return shard % static_cast<uint32_t>(seats_.size()); }

  // The calling thread becomes that of worker `seat`: its first call.
  void sit(uint32_t seat);

  // As the door says. Thread: a worker's. Once the workers have ended, leave() does nothing.
  uint32_t count() const override { return static_cast<uint32_t>(shards_.size()); }
  void submit(std::unique_ptr<engine::Run> run) override;
  void leave(uint64_t connection) override;

  // Thread: any, for the rest.
  void declare(const QueueRules& rules);
  void stop();  // Engines answer what waits, and refuse new work.
  // `done`, on some worker's thread, once everything is written. REQUIRES: all sessions have ended,
  // and nothing is submitted any more.
  void drain(std::function<void()> done);

  std::string failure() const;  // Of the first shard that has stopped: "shard 3: why"; or empty.
  void collect(metric::Families& families) const;

 private:
  Seat& owner_of(uint32_t shard) const { return *seats_[seat_of(shard)]; }
  void on_every_seat(const std::function<void(Seat&)>& task);
  void freed(uint32_t shard, base::Hash128 state);
  static void answered(Seat& owner, engine::Request& request);

  const base::Clock& clock_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<std::unique_ptr<Shard>> shards_;  // Their threads end first.
};

}  // namespace server
