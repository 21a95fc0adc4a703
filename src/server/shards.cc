#include "server/shards.h"

#include <atomic>

#include "base/check.h"
#include "engine/metrics.h"

namespace server {
namespace {

// Whose seat the calling thread has. One set of shards a thread: that of the server it works for.
thread_local Seat* t_seat = nullptr;

}  // namespace

QueueRules rules_of(const QueueRules& rules, uint32_t shard, uint32_t shards) {
  QueueRules out{{}, rules.defaults, rules.creation_open};
  for (const auto& [name, settings] : rules.declared) {
    if (engine::shard_of(name, shards) == shard) out.declared.emplace(name, settings);
  }
  return out;
}

Shards::Shards(std::vector<std::unique_ptr<engine::Engine>> engines,
               std::span<io::Loop* const> loops, const base::Clock& clock,
               limiter::Limiter& limiter)
    : clock_(clock) {
  const auto workers = static_cast<uint32_t>(loops.size());
  for (uint32_t i = 0; i < workers; ++i) {
    seats_.push_back(std::make_unique<Seat>(*loops[i], clock, i, workers));
  }
  for (uint32_t i = 0; i < engines.size(); ++i) {
    Seat& owner = owner_of(i);
    engines[i]->on_done([&owner](engine::Request& request) { answered(owner, request); });
    shards_.push_back(std::make_unique<Shard>(std::move(engines[i]), i, clock,
                                              [&owner] { owner.mailbox().ring(); }));
    owner.own(i, *shards_[i]);
  }
  for (const auto& seat : seats_) {
    seat->meet(seats_);
    seat->mailbox().ring();  // What is due, and what the start left to do.
  }
  limiter.on_freed(teller());
  limiter.on_reload([this] {
    for (const auto& seat : seats_) seat->mailbox().put_limits_changed();
  });
}

Shards::~Shards() = default;

void Shards::on_push(std::function<void(uint32_t, std::string_view, const queue::Push&)> told) {
  for (uint32_t i = 0; i < count(); ++i) {
    shards_[i]->engine().on_push(
        [told, i](std::string_view queue, const queue::Push& push) { told(i, queue, push); });
  }
}

void Shards::sit(uint32_t seat) { t_seat = seats_[seat].get(); }

void Shards::submit(std::unique_ptr<engine::Run> run) {
  CHECK(t_seat != nullptr);
  run->origin = t_seat->number();
  run->open.store(static_cast<uint32_t>(run->requests.size()), std::memory_order_relaxed);
  if (run->requests.empty()) return t_seat->answer(std::move(run));
  engine::Run* const it = run.release();  // Its requests hold it, until the last one is answered.
  for (engine::Request& request : it->requests) {
    CHECK(request.shard < count());
    request.run = it;
    t_seat->ask(request);
  }
}

void Shards::answered(Seat& owner, engine::Request& request) {
  engine::Run* const run = request.run;
  if (run->open.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  owner.answer(std::unique_ptr<engine::Run>(run));
}

void Shards::leave(uint64_t connection) {
  if (t_seat == nullptr) return;
  auto run = std::make_unique<engine::Run>();
  run->requests.resize(count());
  for (uint32_t i = 0; i < count(); ++i) {
    engine::Request& request = run->requests[i];
    request.what.emplace<engine::Leave>();
    request.shard = i;
    request.connection = connection;
  }
  run->done = [](engine::Run&) {};
  submit(std::move(run));
}

void Shards::freed(uint32_t shard, base::Hash128 state) {
  Seat& owner = owner_of(shard);
  if (&owner == t_seat) return owner.freed(shard, state);
  owner.mailbox().put_freed({shard, state});
}

void Shards::on_every_seat(const std::function<void(Seat&)>& task) {
  for (const auto& seat : seats_) {
    seat->post([task, &it = *seat] {
      task(it);
      it.soon();
    });
  }
}

void Shards::declare(const QueueRules& rules) {
  on_every_seat([rules, this](Seat& seat) {
    for (const auto& [number, shard] : seat.owned()) {
      QueueRules own = rules_of(rules, number, count());
      shard->engine().declare(std::move(own.declared), std::move(own.defaults), own.creation_open,
                              clock_.now());
    }
  });
}

void Shards::stop() {
  on_every_seat([this](Seat& seat) {
    for (const auto& [number, shard] : seat.owned()) shard->engine().stop(clock_.now());
  });
}

// A session's end may still send mail at the end of its round, so every thread is waited for: a
// task that a task posts runs in a later round. Only then nothing comes any more.
void Shards::drain(std::function<void()> done) {
  // Shared by the tasks on all threads; the last one calls on.
  const auto all = [count = seats_.size()](std::function<void()> then) {
    const auto left = std::make_shared<std::atomic<size_t>>(count);
    return [left, then = std::move(then)] {
      if (left->fetch_sub(1) == 1) then();
    };
  };
  const auto rested = all(std::move(done));
  const auto passed =
      all([this, rested] { on_every_seat([rested](Seat& seat) { seat.when_at_rest(rested); }); });
  on_every_seat([passed](Seat& seat) { seat.post(passed); });
}

std::string Shards::failure() const {
  for (uint32_t i = 0; i < count(); ++i) {
    const std::string why = shards_[i]->failure();
    if (!why.empty()) return "shard " + std::to_string(i) + ": " + why;
  }
  return {};
}

void Shards::collect(metric::Families& families) const {
  std::vector<const engine::Engine*> engines;
  for (const auto& shard : shards_) engines.push_back(&shard->engine());
  engine::collect(engines, families);
}

}  // namespace server
