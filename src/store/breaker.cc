#include "store/breaker.h"

#include <algorithm>

namespace store {

bool Breaker::enter(base::Time now) {
  const base::Guard guard(lock_);
  if (state_ == State::kClosed) return true;
  if (now < until_) return false;
  state_ = State::kTrying;
  until_ = now + pause_;  // A call whose end is never told is given up.
  return true;
}

void Breaker::succeeded() {
  const base::Guard guard(lock_);
  if (state_ == State::kOpen) return;  // A call of before it was opened.
  state_ = State::kClosed;
  failures_ = 0;
  pause_ = {};
  until_ = {};
}

void Breaker::failed(base::Time now) {
  const base::Guard guard(lock_);
  if (state_ == State::kOpen) return;
  if (state_ == State::kTrying || ++failures_ >= options_.failures) open(now);
}

void Breaker::open(base::Time now) {
  state_ = State::kOpen;
  failures_ = 0;
  pause_ = std::clamp(2 * pause_, options_.pause_min, options_.pause_max);
  // Between three quarters and all of it.
  const auto quarter = static_cast<uint64_t>(pause_.count() / 4 + 1);
  until_ = now + pause_ - base::Duration(static_cast<int64_t>(random_.below(quarter)));
  ++opened_;
}

bool Breaker::closed() const {
  const base::Guard guard(lock_);
  return state_ == State::kClosed;
}

base::Time Breaker::opens_at() const {
  const base::Guard guard(lock_);
  return until_;
}

bool Breaker::would_enter(base::Time now) const {
  const base::Guard guard(lock_);
  return state_ == State::kClosed || now >= until_;
}

uint64_t Breaker::opened() const {
  const base::Guard guard(lock_);
  return opened_;
}

}  // namespace store
