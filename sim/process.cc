#include "sim/process.h"

#include <algorithm>

#include "base/check.h"
#include "engine/metrics.h"

namespace sim {

Process::~Process() { end(); }

engine::EngineOptions Process::options(const Plan& plan, uint32_t shard) {
  engine::EngineOptions options;
  options.shard = shard;
  options.shards = plan.shards;
  options.log.shard = shard;
  options.log.segment_bytes = plan.segment_bytes;
  options.seed = 11;
  options.snapshot_after_bytes = plan.snapshot_after_bytes;
  options.bounds.body_bytes_max = 4096;
  for (const QueuePlan& queue : plan.queues) {
    if (queue.declared && engine::shard_of(queue.name, plan.shards) == shard) {
      options.declared[queue.name] = queue.settings;
    }
  }
  return options;
}

base::Status Process::start(base::Time wall, const std::vector<LimitPlan>& limits) {
  CHECK(!running());
  limiter_ = std::make_unique<limiter::Limiter>(
      limiter::LimiterOptions{.table = {.memory_bytes_max = size_t{64} << 20}, .seed = 5});
  CHECK(limiter_->reload(specs_of(plan_, limits)).empty());
  now_ = wall;
  std::vector<std::unique_ptr<Shard>> shards;
  for (uint32_t i = 0; i < plan_.shards; ++i) {
    auto opened = engine::Engine::open(options(plan_, i), disk_, dir(i), *limiter_, step());
    if (!opened) {
      shards.clear();
      return opened.error();
    }
    shards.push_back(std::make_unique<Shard>());
    shards.back()->engine = std::move(opened).value();
    now_ = std::max(now_, shards.back()->engine->last_instant());
  }
  shards_ = std::move(shards);
  limiter_->on_freed([this](uint32_t watcher, base::Hash128 state) {
    Shard& shard = *shards_[watcher];
    if (shard.freed.empty()) shard.freed_at = now_ + base::Duration(dice_.below(3) * 1000);
    shard.freed.push_back(state);
  });
  limiter_->on_reload([this] {
    for (const auto& shard : shards_) shard->reloaded = true;
  });
  for (const auto& shard : shards_) {
    shard->engine->on_done([this](engine::Request& request) {
      auto node = ops_.extract(&request);
      CHECK(!node.empty());
      node.mapped()->answered = now_;
      std::erase(open_, node.mapped().get());
      answered_.push_back(std::move(node.mapped()));
    });
  }
  return {};
}

std::vector<std::unique_ptr<Op>> Process::end() {
  std::vector<std::unique_ptr<Op>> doubtful;
  for (const auto& shard : shards_) {
    for (auto& op : shard->inbox) doubtful.push_back(std::move(op));
  }
  shards_.clear();
  limiter_.reset();
  for (auto& [request, op] : ops_) doubtful.push_back(std::move(op));
  ops_.clear();
  open_.clear();
  std::sort(doubtful.begin(), doubtful.end(),
            [](const auto& a, const auto& b) { return a->id < b->id; });
  return doubtful;
}

base::Time Process::next(const Shard& shard) const {
  base::Time at = shard.engine->due();
  if (!shard.freed.empty()) at = std::min(at, shard.freed_at);
  if (shard.reloaded) at = std::min(at, now_);
  if (shard.chore) at = std::min(at, shard.chore_at);
  if (!shard.inbox.empty() && !shard.engine->stalled()) at = std::min(at, now_);
  if (shard.out) {
    at = std::min(at, shard.out->has_run ? shard.out->back_at : shard.out->run_at);
  } else if (shard.engine->has_batch()) {
    at = std::min(at, now_);
  }
  return std::max(at, now_);
}

base::Time Process::next() const {
  base::Time at = base::Time::max();
  for (const auto& shard : shards_) at = std::min(at, next(*shard));
  return at;
}

bool Process::idle() const {
  return next() > now_ && std::none_of(shards_.begin(), shards_.end(), [](const auto& shard) {
           return shard->out.has_value() || shard->engine->has_batch() || !shard->inbox.empty() ||
                  !shard->freed.empty();
         });
}

void Process::turn() {
  for (const auto& shard : shards_) {
    if (next(*shard) <= now_) turn(*shard);
  }
}

void Process::feed(Shard& shard) {
  while (!shard.inbox.empty() && !shard.engine->stalled()) {
    std::unique_ptr<Op> op = std::move(shard.inbox.front());
    shard.inbox.pop_front();
    op->ran = step();
    engine::Request& request = *op;
    ops_.emplace(&request, std::move(op));
    shard.engine->run(request, now_);
    shard.engine->release();  // At each instant: an answer's instant tells when it was decided.
  }
}

void Process::work_on_batch(Shard& shard) {
  if (!shard.out) {
    if (!shard.engine->has_batch()) return;
    const base::Time at = step();
    shard.out.emplace(Out{shard.engine->take(at), at, at});
    if (plan_.sync_max.count() > 0 && !hurry_) {
      shard.out->run_at += dice_.span(0ns, plan_.sync_max);
      shard.out->back_at = shard.out->run_at + dice_.span(0ns, plan_.sync_max / 4);
    }
    return;
  }
  Out& out = *shard.out;
  if (!out.has_run && out.run_at <= now_) {
    bool reached_system = false;
    shard.engine->writer().on_written = [&](const wal::Batch&) { reached_system = true; };
    shard.engine->writer().run(out.batch);
    out.has_run = true;
    if (reached_system && out.batch.last != 0) shard.engine->written(out.batch.last);
    return;
  }
  if (out.has_run && out.back_at <= now_) {
    wal::Batch batch = std::move(out.batch);
    shard.out.reset();
    shard.engine->give_back(std::move(batch), step());
  }
}

void Process::work_aside(Shard& shard) {
  if (shard.chore && shard.chore_at <= now_) {
    std::exchange(shard.chore, nullptr)();
    shard.engine->chore_done(step());
  }
  if (shard.chore) return;
  shard.chore = shard.engine->take_chore();
  shard.chore_at = hurry_ ? now_ : now_ + dice_.span(0ns, plan_.sync_max);
}

void Process::turn(Shard& shard) {
  if (shard.reloaded) {
    shard.reloaded = false;
    shard.engine->limits_changed(step());
  }
  if (!shard.freed.empty() && shard.freed_at <= now_) {
    const auto states = std::move(shard.freed);
    shard.freed.clear();
    for (const base::Hash128 state : states) shard.engine->freed(state, step());
    shard.engine->release();
  }
  feed(shard);
  if (shard.engine->due() <= now_) shard.engine->tick(step());
  shard.engine->release();
  work_on_batch(shard);
  work_aside(shard);
}

void Process::ask(std::unique_ptr<Op> op) {
  CHECK(op->shard < shards_.size());
  op->id = next_id_++;
  open_.push_back(op.get());
  shards_[op->shard]->inbox.push_back(std::move(op));
}

std::vector<std::unique_ptr<Op>> Process::take_answered() { return std::exchange(answered_, {}); }

void Process::reload(const std::vector<LimitPlan>& limits) {
  CHECK(limiter_->reload(specs_of(plan_, limits)).empty());
}

void Process::declare() {
  for (uint32_t i = 0; i < plan_.shards; ++i) {
    engine::EngineOptions now = options(plan_, i);
    shards_[i]->engine->declare(std::move(now.declared), now.defaults, true, step());
  }
}

void Process::stop() {
  for (const auto& shard : shards_) shard->engine->stop(step());
}

bool Process::promised() const {
  return std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) {
    return shard->engine->metrics().promises.value() != 0;
  });
}

uint64_t Process::records() const {
  uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->engine->metrics().records.value();
  return sum;
}

bool Process::failed() const {
  return std::any_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return !shard->engine->status(); });
}

std::string Process::failure() const {
  for (const auto& shard : shards_) {
    if (!shard->engine->status()) return shard->engine->status().error().what;
  }
  return {};
}

}  // namespace sim
