#include "limiter/batch.h"

#include "base/check.h"

namespace limiter {

Batch::Batch() : state_(std::make_unique<BatchState>()) {}
Batch::~Batch() = default;

void Batch::add(const Ask& ask) {
  CHECK(ask.cost >= 0);
  CHECK(ask.descriptors.size() <= kDescriptorsMax && ask.also.size() <= kDescriptorsMax);
  BatchState::Item& item = state_->items.emplace_back();
  item.ask = ask;
}

void Batch::add_throttle(std::string_view key, const limit::Gcra& law, int64_t cost) {
  CHECK(cost >= 0);
  BatchState& state = *state_;
  BatchState::Item& item = state.items.emplace_back();
  item.ask.cost = cost;
  item.throttle_key = key;
  item.law = static_cast<uint32_t>(state.laws_used++);
  if (item.law < state.laws.size()) {
    state.laws[item.law] = law;
  } else {
    state.laws.emplace_back(law);
  }
}

size_t Batch::size() const { return state_->items.size(); }

const Ask& Batch::ask(size_t i) const {
  CHECK(i < state_->items.size());
  return state_->items[i].ask;
}

const Answer& Batch::answer(size_t i) const {
  CHECK(i < state_->answers.size());
  return state_->answers[i];
}

void Batch::clear() {
  state_->items.clear();
  state_->laws_used = 0;
  state_->gathered.clear();
  state_->answers.clear();
}

}  // namespace limiter
