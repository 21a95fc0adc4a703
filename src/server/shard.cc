#include "server/shard.h"

#include <algorithm>

#include "engine/metrics.h"
#include "io/log.h"

namespace server {
namespace {

// Of one turn: what is behind them comes next, so that answers leave and sockets are read.
constexpr size_t kRequestsAtOnce = 4096;
constexpr size_t kFreedLookBack = 16;  // As Mailbox's.

}  // namespace

Shard::Shard(std::unique_ptr<engine::Engine> engine, uint32_t number, const base::Clock& clock,
             std::function<void()> wake)
    : engine_(std::move(engine)),
      number_(number),
      clock_(clock),
      chores_(wake),
      log_(engine_->writer(), clock, {.back = std::move(wake), .tells_written = [this] {
                                        return engine_->wants_written();
                                      }}) {
  note_failure();
}

Shard::~Shard() {
  if (engine_->status() && at_rest()) engine_->close();
}

void Shard::freed(base::Hash128 state) {
  const auto first =
      freed_.end() - static_cast<std::ptrdiff_t>(std::min(kFreedLookBack, freed_.size()));
  if (std::find(first, freed_.end(), state) == freed_.end()) freed_.push_back(state);
}

void Shard::turn() {
  const base::Time now = clock_.now();
  collect(now);
  if (chores_.collect()) engine_->chore_done(now);
  if (std::exchange(limits_changed_, false)) engine_->limits_changed(now);
  run_inbox(now);
  tell_freed(now);
  if (engine_->due() <= now) engine_->tick(now);
  tell_freed(now);
  engine_->release();
  hand_batch(now);
  if (!chores_.out()) {
    if (std::function<void()> chore = engine_->take_chore()) chores_.hand(std::move(chore));
  }
  engine_->metrics().turn_ns.record((clock_.now() - now).count());
}

void Shard::collect(base::Time now) {
  if (std::optional<wal::Batch> batch = log_.collect()) {
    gather_.back(now);
    engine_->give_back(std::move(*batch), now);
    written_ = log_.written();  // What is told of this one is not the next one's.
    note_failure();
    return;
  }
  const wal::Sequence written = log_.written();
  if (log_.out() && written > written_) engine_->written(written_ = written);
}

void Shard::run_inbox(base::Time now) {
  const size_t end = std::min(inbox_.size(), next_ + kRequestsAtOnce);
  for (; next_ < end && !engine_->stalled(); ++next_) {
    engine_->run(*inbox_[next_], now);
    gather_.arrived();
  }
  if (next_ < inbox_.size()) return;
  inbox_.clear();
  next_ = 0;
}

void Shard::hand_batch(base::Time now) {
  if (log_.out() || !engine_->has_batch()) return;
  if (gather_.leave_at() > now && !engine_->stalled()) return;
  gather_.handed(now);
  log_.hand(engine_->take(now));
}

// What the engine does about one may free others, which come with the next turn.
void Shard::tell_freed(base::Time now) {
  telling_.swap(freed_);
  for (const base::Hash128& state : telling_) engine_->freed(state, now);
  telling_.clear();
}

base::Time Shard::due() const {
  const bool more = next_ < inbox_.size() && !engine_->stalled();
  if (more || !freed_.empty() || limits_changed_) return base::Time::min();
  if (log_.out() || !engine_->has_batch()) return engine_->due();
  return std::min(engine_->due(), gather_.leave_at());
}

bool Shard::at_rest() const {
  return inbox_.empty() && !log_.out() && (failed_ || !engine_->has_batch());
}

void Shard::note_failure() {
  if (failed_ || engine_->status()) return;
  failed_ = true;
  const std::string& what = engine_->status().error().what;
  io::log(io::Level::kError, "a shard has stopped",
          {{"shard", std::to_string(number_)}, {"error", what}});
  const base::Guard guard(mutex_);
  failure_ = what;
}

std::string Shard::failure() const {
  const base::Guard guard(mutex_);
  return failure_;
}

}  // namespace server
