// What answers, and their absence, say about messages.
#include <algorithm>

#include "sim/world.h"

namespace sim {
namespace {

constexpr base::Time kFar = base::Time::max();

bool in_doubt(const base::Status& status) {
  return !status &&
         (status.error().code == base::Code::kUnknown || status.error().code == base::Code::kIo);
}

std::string describe(const Op& op) {
  static constexpr const char* kNames[] = {"ENQUEUE", "DEQUEUE", "ACK",     "NACK",   "REQUEUE",
                                           "EXTEND",  "REMOVE",  "SHOW",    "WHY",    "QUEUES",
                                           "STATS",   "SET",     "PURGE",   "DELETE", "DEAD",
                                           "REDRIVE", "CHECK",   "TARGETS", "CANCEL", "LEAVE"};
  std::string text = "request " + std::to_string(op.id) + " " + kNames[op.what.index()] +
                     " to shard " + std::to_string(op.shard) + ", ran " + to_string(op.ran) +
                     ", connection " + std::to_string(op.connection);
  if (const auto* check = std::get_if<engine::Check>(&op.what)) {
    for (const limiter::Entry& entry : op.entries) {
      text += " " + std::string(entry.key) + "=" + std::string(entry.value);
    }
    text += check->allowed ? " allowed" : " refused by " + check->limited_by;
    text += " cost " + std::to_string(check->cost) + " wait " + std::to_string(check->wait.count());
  }
  if (const auto* dequeue = std::get_if<engine::Dequeue>(&op.what)) {
    for (const std::string_view queue : dequeue->queues) text += " " + std::string(queue);
    text += " count " + std::to_string(dequeue->count) + " wait " +
            std::to_string(dequeue->wait.count()) + (dequeue->claim ? " claim" : "") + ":";
    for (const auto& each : dequeue->deliveries) text += " " + std::to_string(each.number);
  }
  if (!op.status) text += ": " + op.status.error().what;
  return text;
}

bool stale(const base::Status& status) {
  return !status && (status.error().code == base::Code::kStale ||
                     status.error().code == base::Code::kNotFound);
}

}  // namespace

size_t World::queue_of(std::string_view name) const {
  for (size_t i = 0; i < plan_.queues.size(); ++i) {
    if (plan_.queues[i].name == name) return i;
  }
  throw Broken{"an answer names the queue " + std::string(name) + ", which nobody made"};
}

void World::bind(Story& story, queue::Number number) {
  if (story.number == number) return;
  if (story.number != 0) {
    throw Broken{"P5: a message has a second number, " + std::to_string(number) + story.tell()};
  }
  Story*& at = by_number_[shard_of(story.queue)][number];
  if (at != nullptr) {
    throw Broken{"P5: the number " + std::to_string(number) + " is used again for" + story.tell() +
                 "\n  it was:" + at->tell()};
  }
  at = &story;
  story.number = number;
}

void World::enqueued(const Op& op, size_t i, queue::Number number, bool sure) {
  Story& story = *stories_[op.uids[i] - 1];
  const base::Time latest = sure ? op.answered : kFar - (std::chrono::hours(24 * 366));
  if (story.ttl.count() > 0) {
    story.expires = op.ran + story.ttl;
    story.expires_high = latest + story.ttl;
  }
  Event event{.what = Event::What::kEnqueued, .at = op.ran, .sure = sure};
  event.due_low = op.ran + op.messages[i].delay;
  event.due_high = latest + op.messages[i].delay;
  story.add(event);
  if (number != 0) bind(story, number);
}

// Has an ENQUEUE of the queue not been answered, other than this one?
bool World::any_in_doubt(size_t queue, uint64_t but) const {
  return std::any_of(waited_for_[queue].begin(), waited_for_[queue].end(), [&](const Story* story) {
    return story->number == 0 && !story->open && story->uid != but;
  });
}

// Is `number` the message that had this id first?
bool World::deduplicated(const Op& op, size_t i, queue::Number number) {
  const size_t queue = stories_[op.uids[i] - 1]->queue;
  const std::string id(op.messages[i].dedup);
  Remembered& seen = remembered_[{queue, id}];
  const bool again = seen.number == number && number != 0;
  const bool must = seen.sure && seen.number != 0 && op.answered < seen.until;
  if (must && !again) {
    throw Broken{"a deduplication id was forgotten before its window ended: " + id + " of queue " +
                 std::to_string(queue) + " was number " + std::to_string(seen.number) + " until " +
                 to_string(seen.until) + "; at " + to_string(op.ran) + " it is " +
                 std::to_string(number) + by_number_[op.shard].at(seen.number)->tell()};
  }
  if (again) {
    if (op.ran >= seen.until + (seen.latest - seen.earliest) && seen.sure) {
      throw Broken{"a deduplication id was remembered behind its window: " + id + " until " +
                   to_string(seen.until) + ", asked at " + to_string(op.ran)};
    }
    return true;
  }
  const auto known = by_number_[op.shard].find(number);
  if (known != by_number_[op.shard].end() && known->second->uid != op.uids[i]) {
    return true;  // The first of the same request, or one that was in doubt.
  }
  if (!seen.sure && any_in_doubt(queue, op.uids[i])) {
    // A new message, or the first one's number, which nobody was told: only looking tells.
    seen.number = number;
    unknown_ = true;
    enqueued(op, i, 0, false);
    return true;
  }
  seen = {number, op.ran + plan_.queues[queue].settings.dedup_window, true, op.ran, op.answered};
  return false;
}

void World::learn_enqueue(Op& op, const engine::Enqueue& what) {
  const bool memory =
      plan_.queues[queue_of(what.queue)].settings.durability != queue::Durability::kFsync;
  if (in_doubt(op.status)) return doubt(op);
  if (!op.status) return refused(op);
  if (what.numbers.size() != op.uids.size()) throw Broken{"ENQUEUE answers too few ids"};
  for (size_t i = 0; i < op.uids.size(); ++i) {
    const queue::Number number = what.numbers[i];
    if (!op.messages[i].dedup.empty() && deduplicated(op, i, number)) continue;
    if (memory && !op.messages[i].dedup.empty()) {
      remembered_[{stories_[op.uids[i] - 1]->queue, std::string(op.messages[i].dedup)}].sure =
          false;
    }
    enqueued(op, i, number, true);
  }
}

void World::compare(const Story& story, const engine::Stored& stored) const {
  bool same = stored.body == story.body && stored.key == story.key &&
              stored.priority == story.priority && stored.cost == story.cost &&
              stored.headers.size() == story.headers.size();
  for (size_t i = 0; same && i < story.headers.size(); ++i) {
    same = stored.headers[i].name == story.headers[i].first &&
           stored.headers[i].value == story.headers[i].second;
  }
  if (!same) throw Broken{"P5: a message is not what was enqueued" + story.tell()};
}

Story& World::story_of(const engine::Delivery& delivery, const engine::Stored& stored,
                       const Op& op) {
  const uint64_t uid = std::strtoull(std::string(stored.body.substr(1, 20)).c_str(), nullptr, 10);
  if (uid == 0 || uid > stories_.size()) {
    throw Broken{"P5: a message comes that nobody sent: " + std::string(stored.body)};
  }
  Story& story = *stories_[uid - 1];
  if (plan_.queues[story.queue].name != delivery.queue || shard_of(story.queue) != op.shard) {
    throw Broken{"P5: a message comes out of another queue" + story.tell()};
  }
  bind(story, delivery.number);
  compare(story, stored);
  return story;
}

void World::learn_dequeue(Op& op, const engine::Dequeue& what) {
  if (in_doubt(op.status)) return doubt_dequeue(what);
  if (!op.status) return refused(op);
  if (what.deliveries.size() > what.count) throw Broken{"P10: DEQUEUE gives more than COUNT"};
  for (const engine::Delivery& each : what.deliveries) {
    const auto stored = engine::decode_message(each.record);
    if (!stored) throw Broken{"P5: a delivered record cannot be read: " + stored.error().what};
    Story& story = story_of(each, *stored, op);
    Event event{.what = Event::What::kDelivered, .at = op.ran};
    event.attempt = each.attempt;
    event.start = each.start;
    event.until = each.lease_until;
    if (what.lease->count() > 0) {
      event.at = each.lease_until - *what.lease;
      if (event.at < op.ran || event.at > op.answered) {
        throw Broken{"P6: a lease of " + std::to_string(what.lease->count()) + " ns ends at " +
                     to_string(each.lease_until) + " but was asked for at " + to_string(op.ran) +
                     story.tell()};
      }
      if (what.wait.count() > 0 && event.at > op.ran + what.wait + 1s && plan_.jumps == 0 &&
          !ending_) {
        throw Broken{"P10: a DEQUEUE that waited too long got something at " + to_string(event.at) +
                     ": " + describe(op) + ", answered " + to_string(op.answered) + story.tell()};
      }
    } else {
      if (each.lease_until != kTied) throw Broken{"P6: a tied lease has an end" + story.tell()};
      event.connection = op.connection;
    }
    story.add(event);
    ledger_.charge(event.at, story.descriptors, story.cost,
                   "m" + std::to_string(story.uid) + " attempt " + std::to_string(each.attempt));
    outbound_ledger_.charge(event.at, story.outbound, story.cost, "m" + std::to_string(story.uid));
    ++outcome_.counts.deliveries;
    digest(each.number ^ each.attempt);
  }
}

void World::learn_receipt(const Op& op, const engine::Receipt& receipt, Event event, bool done) {
  const auto found = by_number_[op.shard].find(receipt.number);
  if (found == by_number_[op.shard].end()) return;
  event.at = op.ran;
  event.attempt = receipt.attempt;
  event.start = receipt.start;
  event.done = done;
  if (!op.status && !stale(op.status)) {
    if (!in_doubt(op.status)) return refused(op);
    event.sure = false;
    event.done = true;
  }
  found->second->add(event);
}

void World::learn_check(const Op& op, const engine::Check& what) {
  if (in_doubt(op.status)) return;
  if (!op.status) return refused(op);
  ++outcome_.counts.checks;
  digest(what.allowed);
  if (!what.allowed) return;
  Pairs pairs;
  for (const limiter::Entry& entry : op.entries) {
    pairs.emplace_back(std::string(entry.key), std::string(entry.value));
  }
  ledger_.charge(what.wait.count() > 0 ? op.answered : op.ran, pairs, what.cost, "CHECK");
}

void World::learn_queue(Op& op, std::string_view queue, Event::What what) {
  if (!op.status && !in_doubt(op.status)) return refused(op);
  for (Story* const story : waited_for_[queue_of(queue)]) {
    story->add({.what = what, .at = op.ran, .sure = op.status.has_value()});
  }
}

// What may be refused, and how; anything else is a broken promise.
void World::refused(const Op& op) {
  const base::Error& error = op.status.error();
  const bool enqueue = std::holds_alternative<engine::Enqueue>(op.what);
  const bool ack = std::holds_alternative<engine::Ack>(op.what);
  switch (error.code) {
    case base::Code::kReadOnly:
      if (disk_full_ && !ack) return;
      break;
    case base::Code::kFull:
      if (enqueue) {
        const size_t queue = queue_of(std::get<engine::Enqueue>(op.what).queue);
        if (plan_.queues[queue].settings.messages_max != 0) return;
      }
      break;
    case base::Code::kShutdown:
      if (ending_) return;
      break;
    case base::Code::kNotFound:
      if (!enqueue && !ack) return;
      break;
    default:
      break;
  }
  throw Broken{std::string(ack && disk_full_ ? "P11" : "P10") + ": request " +
               std::to_string(op.id) + " (kind " + std::to_string(op.what.index()) +
               ") is refused: " + error.what};
}

void World::learn(Op& op) {
  ++learned_;
  if (options_.verbose) tell(describe(op));
  digest(op.id);
  digest(static_cast<uint64_t>(base::nanoseconds(op.answered)));
  digest(op.status.has_value());
  if (in_doubt(op.status) && !process_.failed()) {
    throw Broken{"P11: an answer is in doubt, but nothing has failed: " + op.status.error().what};
  }
  note(op);
}

void World::note(Op& op) {
  using What = Event::What;
  for (const uint64_t uid : op.uids) stories_[uid - 1]->open = false;
  if (auto* enqueue = std::get_if<engine::Enqueue>(&op.what)) {
    learn_enqueue(op, *enqueue);
  } else if (auto* dequeue = std::get_if<engine::Dequeue>(&op.what)) {
    learn_dequeue(op, *dequeue);
  } else if (auto* ack = std::get_if<engine::Ack>(&op.what)) {
    for (size_t i = 0; i < ack->receipts.size(); ++i) {
      learn_receipt(op, ack->receipts[i], {.what = What::kAcked},
                    i < ack->done.size() && ack->done[i]);
    }
  } else if (auto* nack = std::get_if<engine::Nack>(&op.what)) {
    Event event{.what = nack->dead ? What::kNackedDead : What::kNacked};
    event.due_low = op.ran + nack->delay.value_or(base::Duration{});
    event.due_high = nack->delay ? op.answered + *nack->delay : kFar;
    learn_receipt(op, nack->receipt, event, op.status.has_value());
  } else if (auto* requeue = std::get_if<engine::Requeue>(&op.what)) {
    Event event{.what = What::kRequeued};
    event.due_low = op.ran + requeue->delay;
    event.due_high = op.answered + requeue->delay;
    learn_receipt(op, requeue->receipt, event, op.status.has_value());
  } else if (auto* extend = std::get_if<engine::Extend>(&op.what)) {
    Event event{.what = What::kExtended};
    event.until = op.ran + extend->lease;
    if (op.status && extend->lease_until != event.until) {
      throw Broken{"P6: EXTEND says another instant than now + lease"};
    }
    learn_receipt(op, extend->receipt, event, op.status.has_value());
  } else if (auto* remove = std::get_if<engine::Remove>(&op.what)) {
    const auto found = by_number_[op.shard].find(remove->number);
    if (found != by_number_[op.shard].end()) {
      found->second->add({.what = What::kRemoved,
                          .at = op.ran,
                          .sure = !in_doubt(op.status),
                          .done = in_doubt(op.status) || remove->removed});
    }
  } else if (auto* purge = std::get_if<engine::Purge>(&op.what)) {
    learn_queue(op, purge->queue, What::kPurged);
  } else if (auto* redrive = std::get_if<engine::Redrive>(&op.what)) {
    learn_queue(op, redrive->queue, What::kRedriven);
  } else if (auto* check = std::get_if<engine::Check>(&op.what)) {
    learn_check(op, *check);
  } else if (std::holds_alternative<engine::Leave>(op.what)) {
    for (const auto& queue : waited_for_) {
      for (Story* const story : queue) {
        if (shard_of(story->queue) != op.shard) continue;
        story->add({.what = What::kLeft,
                    .at = op.ran,
                    .sure = op.status.has_value(),
                    .connection = op.connection});
      }
    }
  }
}

void World::doubt_dequeue(const engine::Dequeue& what) {
  for (const std::string_view name : what.queues) {
    for (Story* const story : waited_for_[queue_of(name)]) story->maybe_taken();
  }
}

// The process ended first. Whoever never reached an engine has done nothing.
void World::doubt(Op& op) {
  op.status = base::Error{base::Code::kUnknown, "the process ended", {}};
  op.answered = now();
  for (const uint64_t uid : op.uids) stories_[uid - 1]->open = false;
  if (op.ran == base::Time{}) return;
  if (auto* enqueue = std::get_if<engine::Enqueue>(&op.what)) {
    for (size_t i = 0; i < op.uids.size(); ++i) {
      enqueued(op, i, 0, false);
      if (op.messages[i].dedup.empty()) continue;
      Remembered& seen = remembered_[{queue_of(enqueue->queue), std::string(op.messages[i].dedup)}];
      seen.sure = false;
    }
  } else if (auto* dequeue = std::get_if<engine::Dequeue>(&op.what)) {
    doubt_dequeue(*dequeue);
  } else if (!std::holds_alternative<engine::Check>(op.what)) {
    if (auto* ack = std::get_if<engine::Ack>(&op.what))
      ack->done.assign(ack->receipts.size(), true);
    note(op);
  }
}

}  // namespace sim
