// The end of a life: no more faults, no more producers, and everything that waits goes out.
#include <algorithm>

#include "sim/world.h"

namespace sim {

void World::drain() {
  tell("the end: everything goes out");
  ending_ = true;
  agenda_.clear();
  disk_.faults = {};
  disk_full_ = false;
  rest();
  after_turn();
  for (size_t queue = 0; queue < plan_.queues.size(); ++queue) {
    auto resume = op(shard_of(queue));
    resume->what = engine::SetQueue{.queue = plan_.queues[queue].name,
                                    .change = [](queue::Settings& settings) -> base::Status {
                                      settings.paused_out = false;
                                      return {};
                                    },
                                    .pausing = true};
    ask_now(std::move(resume));
    paused_[queue] = maybe_paused_[queue] = false;
  }
  for (size_t i = 0; i < consumers_.size(); ++i) vanish(i);
  for (size_t queue = 0; queue < plan_.queues.size(); ++queue) {
    if (pushed(queue)) stand(queue);
  }
  look(false);
  if (dice_.chance(500) && plan_.outbound.empty()) {
    drain_in_order();
  } else {
    drain_by_limits();
  }
  look(false);
  for (const engine::Shown& each : shown_) {
    if (each.standing.state != queue::State::kDead) {
      throw Broken{"P5: a message has not gone out: number " + std::to_string(each.number)};
    }
  }
}

// Consumers that wait, and ack at once, until nothing waits any more.
void World::drain_by_limits() {
  const base::Time begin = now();
  for (;;) {
    rest();
    uint64_t left = 0;
    for (size_t queue = 0; queue < plan_.queues.size(); ++queue) {
      auto stats = op(shard_of(queue));
      stats->what = engine::Stats{.queue = plan_.queues[queue].name, .row = {}, .totals = {}};
      const Op& answer = ask_now(std::move(stats));
      const queue::Depths& depths = std::get<engine::Stats>(answer.what).row.depths;
      left += depths.waiting() + depths.leased;
      if (depths.waiting() == 0 || pushed(queue)) continue;
      for (int i = 0; i < 4; ++i) wait_for(queue);
    }
    if (left == 0) return;
    if (now() > begin + std::chrono::hours(2)) {
      throw Broken{"P3: " + std::to_string(left) + " messages do not go out in two hours"};
    }
    const base::Time until = now() + 20s;
    while (now() < until && process_.next() <= until) {
      process_.advance(process_.next());
      process_.turn();
      dispatch();
    }
    process_.advance(until);
    if (dice_.chance(100)) look(false);
  }
}

// Acks at once.
void World::wait_for(size_t queue) {
  auto op = this->op(shard_of(queue));
  op->names.push_back(plan_.queues[queue].name);
  engine::Dequeue what;
  what.queues = op->names;
  what.count = 2;
  what.wait = 15s;
  what.lease = 5s;
  op->what = std::move(what);
  op->then = [this](Op& done) {
    if (!done.status) return;
    for (const auto& each : std::get<engine::Dequeue>(done.what).deliveries) {
      finish({{done.shard, each.number, each.attempt, each.start}, 0}, 0);
    }
  };
  ask(std::move(op));
}

namespace {

std::string line_of(const Story& story) {
  std::string line = story.key;
  for (const auto& [name, value] : story.descriptors) line += "," + name + "=" + value;
  return line;
}

uint32_t weight_of(const queue::Settings& settings, const std::string& key) {
  uint32_t all = 1;
  for (const auto& [name, weight] : settings.weights) {
    if (name == key) return weight;
    if (name == "*") all = weight;
  }
  return all;
}

}  // namespace

// Without limits and when everything is ready, keys take turns by weight, and within a key the
// order is that of priority, then age. (Where there were limits, flows have waited in lines of
// theirs: the order is that within a flow, and turns were taken there.)
void World::drain_in_order() {
  for (LimitPlan& limit : limits_) limit.there = false;
  process_.step();
  process_.reload(limits_);
  laws_changed_ = true;
  for (size_t i = 0; i < limits_.size(); ++i) ledger_.changed(i, limits_[i]);
  process_.advance(now() + 20s);  // Leases end, delays are over.
  rest();
  for (const Op* const op : process_.waiting()) {
    throw Broken{"P10: request " + std::to_string(op->id) + " has waited for more than its time"};
  }
  look(false);
  for (size_t queue = 0; queue < plan_.queues.size(); ++queue) drain_in_order(queue);
}

void World::drain_in_order(size_t queue) {
  const QueuePlan& plan = plan_.queues[queue];
  // What stands before what within a key: flows differ, but the key's order spans them.
  Standings keys;
  for (const Story* const story : waited_for_[queue]) {
    if (story->possible().front().where == Possible::Where::kWaiting) {
      keys[line_of(*story)].emplace(story->priority, story->number);
    }
  }
  Leads ahead;
  bool turns = true;
  while (!keys.empty()) {
    auto op = this->op(shard_of(queue));
    op->names.push_back(plan.name);
    engine::Dequeue what;
    what.queues = op->names;
    what.lease = 10s;
    op->what = std::move(what);
    const Op& answer = ask_now(std::move(op));
    auto& got = std::get<engine::Dequeue>(std::as_const(answer).what).deliveries;
    if (!answer.status || got.size() != 1) {
      throw Broken{"P7: a queue without limits gives nothing, but " + std::to_string(keys.size()) +
                   " keys have messages"};
    }
    learn(*answer_);
    const Story& story = *by_number_[answer.shard].at(got[0].number);
    auto& key = keys[line_of(story)];
    const bool redriven = story.possible().front().where == Possible::Where::kDead;
    turns &= !redriven;  // It came back at a rate, meanwhile.
    if (!redriven && (key.empty() || key.begin()->second != story.number)) {
      throw Broken{"order: a message goes before an older one of its key, number " +
                   (key.empty() ? std::string("none") : std::to_string(key.begin()->second)) +
                   story.tell()};
    }
    if (!redriven) key.erase(key.begin());
    // A snapshot does not hold turns, so they are judged in lives without a restart.
    if (turns && plan.settings.decide.domain.empty() && outcome_.counts.restarts == 0)
      judge_turns(plan.settings, keys, story, ahead);
    if (key.empty()) keys.erase(line_of(story));
    InHand in_hand{{answer.shard, got[0].number, got[0].attempt, got[0].start}, story.uid};
    auto ack = this->op(answer.shard);
    ack->receipts.push_back(in_hand.receipt);
    engine::Ack done;
    done.receipts = ack->receipts;
    ack->what = std::move(done);
    ask_now(std::move(ack));
    learn(*answer_);
  }
}

// |served_i / w_i - served_j / w_j| <= cost_max / w_i + cost_max / w_j, while both have work.
void World::judge_turns(const queue::Settings& settings, const Standings& keys, const Story& story,
                        Leads& ahead) {
  const double own = 1.0 / weight_of(settings, story.key);
  for (const auto& [key, messages] : keys) {
    if (key == story.key) continue;
    const bool first = story.key < key;
    double& lead = ahead[first ? std::pair(story.key, key) : std::pair(key, story.key)];
    const double step = static_cast<double>(story.cost) * own;
    lead += first ? step : -step;
    const double bound =
        static_cast<double>(plan_.cost_max) * (own + 1.0 / weight_of(settings, key));
    if (std::abs(lead) > bound + 1e-6) {
      throw Broken{"fairness: key \"" + story.key + "\" is ahead of \"" + key + "\" by " +
                   std::to_string(lead) + ", the bound is " + std::to_string(bound) + story.tell()};
    }
  }
}

}  // namespace sim
