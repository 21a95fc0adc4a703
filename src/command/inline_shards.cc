#include "command/inline_shards.h"

#include <algorithm>

#include "base/check.h"

namespace command {
namespace {

engine::EngineOptions options_of(uint32_t shard, const InlineShards::Options& options) {
  engine::EngineOptions made;
  made.shard = shard;
  made.shards = options.shards;
  made.log = {.shard = shard, .segment_bytes = uint32_t{8} << 20};
  made.seed = 1;
  made.declared = options.declared;
  made.creation_open = options.creation_open;
  return made;
}

}  // namespace

InlineShards::InlineShards(limiter::Limiter& limiter, const base::Clock& clock, Options options)
    : clock_(clock) {
  for (uint32_t shard = 0; shard < options.shards; ++shard) {
    auto opened = engine::Engine::open(options_of(shard, options), disk_,
                                       "shard-" + std::to_string(shard), limiter, clock.now());
    CHECK(opened.has_value());
    shards_.push_back(*std::move(opened));
    shards_.back()->on_done([this](engine::Request& request) { answered(request); });
  }
  limiter.on_freed([this](uint32_t shard, base::Hash128 state) {
    freed_.push_back({shard, state});
  });
  limiter.on_reload([this] { reloaded_ = true; });
}

// What was submitted still comes back: its askers may be gone already.
InlineShards::~InlineShards() {
  for (const auto& shard : shards_) shard->stop(clock_.now());
  pump();
}

void InlineShards::submit(std::unique_ptr<engine::Run> run) {
  run->open = static_cast<uint32_t>(run->requests.size());
  for (engine::Request& request : run->requests) request.run = run.get();
  fresh_.push_back(run.get());
  runs_.push_back(std::move(run));
}

void InlineShards::leave(uint64_t connection) {
  auto run = std::make_unique<engine::Run>();
  for (uint32_t shard = 0; shard < count(); ++shard) {
    engine::Request& request = run->requests.emplace_back();
    request.what.emplace<engine::Leave>();
    request.shard = shard;
    request.connection = connection;
  }
  run->done = [](engine::Run&) {};
  submit(std::move(run));
}

void InlineShards::answered(engine::Request& request) {
  CHECK(request.run != nullptr && request.run->open > 0);
  if (--request.run->open == 0) back_.push_back(request.run);
}

bool InlineShards::write(engine::Engine& shard) {
  bool wrote = false;
  while (shard.has_batch()) {
    wal::Batch batch = shard.take(clock_.now());
    shard.writer().run(batch);
    shard.give_back(std::move(batch), clock_.now());
    shard.release();
    wrote = true;
  }
  return wrote;
}

bool InlineShards::turn() {
  const base::Time now = clock_.now();
  bool moved = std::exchange(reloaded_, false);
  if (moved) {
    for (const auto& shard : shards_) shard->limits_changed(now);
  }
  for (const Freed& freed : std::exchange(freed_, {})) {
    if (freed.shard < count()) shards_[freed.shard]->freed(freed.state, now);
    moved = true;
  }
  for (engine::Run* run : std::exchange(fresh_, {})) {
    for (engine::Request& request : run->requests) shards_[request.shard]->run(request, now);
    moved = true;
  }
  for (const auto& shard : shards_) {
    const bool due = shard->due() <= now;
    shard->tick(now);
    shard->release();
    moved = write(*shard) || (due && shard->due() > now) || moved;
  }
  while (!back_.empty()) {
    engine::Run* const run = back_.front();
    back_.pop_front();
    const auto owner = std::ranges::find(runs_, run, &std::unique_ptr<engine::Run>::get);
    const std::unique_ptr<engine::Run> mine = std::move(*owner);
    runs_.erase(owner);
    mine->done(*mine);
    moved = true;
  }
  return moved;
}

void InlineShards::pump() {
  while (turn()) {
  }
}

base::Time InlineShards::due() const {
  base::Time due = base::Time::max();
  for (const auto& shard : shards_) due = std::min(due, shard->due());
  return due;
}

}  // namespace command
