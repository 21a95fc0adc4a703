// What goes wrong, and coming back from it.
#include <algorithm>

#include "sim/world.h"

namespace sim {

// One step of whoever wishes the server ill.
void World::adversary() {
  if (ending_) return;
  later(dice_.span(0ns, plan_.pace * 4), [this] { adversary(); });
  process_.limiter().tick(process_.step());
  trouble_hosts();
  if (dice_.chance(plan_.kills)) return restart(false);
  if (dice_.chance(plan_.power_cuts)) return restart(true);
  if (dice_.chance(plan_.cuts_inside)) disk_.faults.power_cut_after = dice_.below(12);
  if (dice_.chance(plan_.failed_syncs)) disk_.faults.fail_sync_after = dice_.below(3);
  if (dice_.chance(plan_.failed_writes)) disk_.faults.fail_write_after = dice_.below(4);
  if (dice_.chance(plan_.full_disks) && !disk_full_) return fill_disk();
  if (dice_.chance(plan_.reloads)) return reload();
  if (dice_.chance(plan_.stops)) return stop_cleanly();
  if (dice_.chance(plan_.jumps)) {
    tell("the clock jumps");
    process_.advance(now() + dice_.span(1s, 100s));
  }
  if (dice_.chance(60)) look(false);
}

void World::fill_disk() {
  disk_full_ = true;
  disk_.faults.bytes_max = disk_.used() + dice_.below(4) * 1000;
  ++outcome_.counts.full_disks;
  tell("the disk is full");
  later(dice_.span(10ms, 5s), [this] {
    disk_.faults.bytes_max = ~uint64_t{0};
    tell("the disk has room again");
    later(1s, [this] { disk_full_ = disk_.faults.bytes_max != ~uint64_t{0}; });
  });
}

// A limit changes, goes or comes back.
void World::reload() {
  if (limits_.empty()) return;
  const size_t i = dice_.below(limits_.size());
  LimitPlan& limit = limits_[i];
  if (dice_.chance(250)) {
    limit.there = !limit.there;
  } else {
    limit.law = draw_law(dice_, plan_.cost_max);
  }
  tell("limit " + limit.name + (limit.there ? " changes" : " goes"));
  rest();  // What was answered until now obeyed the old law.
  if (!process_.running() || process_.failed()) return;
  look(false);
  process_.step();
  process_.reload(limits_);
  ledger_.changed(i, limit);
  laws_changed_ = true;
}

void World::end_process(bool power_cut) {
  dispatch();
  const bool disk_failed = process_.failed();  // What was not synced may be lost.
  ++ends_;
  ++outcome_.counts.restarts;
  if (power_cut) ++outcome_.counts.power_cuts;
  hosts_.reset();
  for (const auto& op : process_.end()) {
    doubt(*op);
    if (op->then) {  // Its consumer is free again; it got nothing.
      if (auto* dequeue = std::get_if<engine::Dequeue>(&op->what)) dequeue->deliveries.clear();
      op->then(*op);
    }
  }
  holds_.clear();
  if (power_cut) {
    disk_.cut();
  } else {
    disk_.kill();
  }
  end_stories(power_cut || disk_failed);
}

// `unsynced`: what queues of durability `os` hold may be lost, too.
void World::end_stories(bool unsynced) {
  for (size_t queue = 0; queue < waited_for_.size(); ++queue) {
    const queue::Durability durability = plan_.queues[queue].settings.durability;
    const bool weak = durability == queue::Durability::kMemory ||
                      (durability == queue::Durability::kOs && unsynced);
    if (weak) {  // Even an ack may be undone.
      for (const auto& story : stories_) {
        if (story->queue == queue && story->number != 0) waited_for_[queue].insert(story.get());
      }
    }
    for (Story* const story : waited_for_[queue]) story->end(weak);
    if (!weak) continue;
    for (auto& [id, seen] : remembered_) {
      if (id.first == queue) seen.sure = false;
    }
  }
}

void World::restart(bool power_cut) {
  tell(power_cut ? "the power goes" : "the process is killed");
  end_process(power_cut);
  begin();
}

// Opens, perhaps under a further power cut; the wall clock may have jumped meanwhile.
void World::begin() {
  disk_.faults.bytes_max = ~uint64_t{0};
  for (;;) {
    if (ends_ != 0 && !ending_ && dice_.chance(2 * plan_.cuts_inside)) {
      disk_.faults.power_cut_after = dice_.below(20);
    }
    const base::Time wall = now() + dice_.span(plan_.jumps != 0 ? -3s : 0s, 3s);
    const base::Status status = process_.start(std::max(wall, base::time_from(1)), limits_);
    if (status) break;
    if (!disk_.powerless()) throw Broken{"P5: the data cannot be opened: " + status.error().what};
    tell("the power goes while it opens");
    ++outcome_.counts.power_cuts;
    disk_.cut();
    end_stories(true);
  }
  disk_.faults.power_cut_after.reset();
  if (disk_.powerless()) {  // In its last call, which it did not need.
    process_.end();
    disk_.cut();
    end_stories(true);
    return begin();
  }
  ledger_.begin(limits_);
  outbound_ledger_.begin(plan_.outbound);
  start_pushes();
  laws_changed_ = false;
  tell("opened at " + to_string(now()));
  if (ends_ != 0) look(true);
}

void World::after_turn() {
  if (disk_.powerless()) {
    tell("the power goes in the middle of a write");
    restart(true);
  } else if (process_.failed()) {
    failed_shard();
  }
}

// P11: it says why, it answers everything, and the log has what was promised.
void World::failed_shard() {
  ++outcome_.counts.failed_disks;
  tell("a shard has stopped: " + process_.failure());
  for (int i = 0; i < 3; ++i) {
    process_.step();
    process_.turn();
  }
  dispatch();
  for (const Op* const op : process_.waiting()) {
    if (op->ran != base::Time{} && !process_.engine(op->shard).status()) {
      throw Broken{"P11: a shard has stopped and does not answer request " +
                   std::to_string(op->id)};
    }
  }
  restart(dice_.chance(500));
}

// P12: everything that was asked is answered, and nothing is in doubt.
void World::stop_cleanly() {
  tell("a clean stop");
  const bool was_ending = std::exchange(ending_, true);  // Refusals are right now.
  stopping_ = true;
  process_.stop();
  rest();
  stopping_ = false;
  const bool failed = disk_.powerless() || process_.failed();
  if (!failed && !process_.waiting().empty()) {
    throw Broken{"P12: a clean stop leaves request " +
                 std::to_string(process_.waiting().front()->id) + " unanswered"};
  }
  ending_ = was_ending;
  end_process(failed && disk_.powerless());
  begin();
}

}  // namespace sim
