#include "sim/world.h"

#include <algorithm>
#include <cstdio>

namespace sim {

World::World(const LifeOptions& options, Outcome& outcome)
    : options_(options),
      outcome_(outcome),
      dice_(options.seed),
      plan_(draw_plan(dice_, options.seed)),
      limits_(plan_.limits),
      disk_(dice_.random()),
      process_(plan_, dice_, disk_),
      street_(plan_, dice_),
      standing_(plan_.queues.size()),
      by_number_(plan_.shards),
      waited_for_(plan_.queues.size()),
      paused_(plan_.queues.size()),
      maybe_paused_(plan_.queues.size()) {
  process_.advance(base::time_from(1'000'000'000'000'000));
}

void World::live() {
  if (options_.verbose) tell(describe(plan_));
  begin();
  prepare_queues();
  start_clients();
  while (outcome_.counts.steps < options_.steps) go();
  drain();
}

void World::tell(const std::string& line) {
  trace_.push_back(to_string(now()) + " " + line);
  if (trace_.size() > 30) trace_.pop_front();
  if (options_.verbose) std::printf("%s\n", trace_.back().c_str());
}

void World::later(base::Duration after, std::function<void()> action) {
  agenda_.emplace(now() + after, std::move(action));
}

void World::go() {
  const base::Time action = agenda_.begin()->first;
  const base::Time turn = process_.next();
  if (action < turn) {
    process_.advance(action);
    auto next = agenda_.extract(agenda_.begin());
    ++outcome_.counts.steps;
    next.mapped()();
  } else {
    process_.advance(turn);
    process_.turn();
  }
  dispatch();
  after_turn();
  if (plan_.sync_max.count() == 0 && dice_.chance(6)) look(false);
}

void World::ask(std::unique_ptr<Op> op) {
  if (!process_.running()) return;
  ++outcome_.counts.requests;
  process_.ask(std::move(op));
}

void World::dispatch() {
  auto answered = process_.take_answered();
  std::sort(answered.begin(), answered.end(),
            [](const auto& a, const auto& b) { return a->id < b->id; });
  for (const auto& op : answered) {
    learn(*op);
    if (op->then) op->then(*op);
  }
}

Outcome live(const LifeOptions& options) {
  Outcome outcome;
  World world(options, outcome);
  try {
    world.live();
  } catch (const Broken& broken) {
    outcome.broken = broken.what;
    for (const std::string& line : world.trace()) *outcome.broken += "\n  before: " + line;
  }
  return outcome;
}

}  // namespace sim
