#include "engine/books.h"

#include <algorithm>

#include "base/check.h"

namespace engine {
namespace {

constexpr uint64_t kStoreSeed = 0x73746f7265;  // Not the hash of deduplication ids.

}  // namespace

Books::Books(uint64_t seed)
    : seed_(seed),
      store_([this](Place place, uint32_t bytes) { forget(place, bytes); }, seed ^ kStoreSeed) {}

Books::~Books() {
  // What is in memory belongs to the messages.
  while (store_.reap({}, 4096)) {
  }
  uint64_t cursor = 0;
  do {
    cursor = store_.walk(cursor, 4096, [](const queue::View& view, const auto&, bool) {
      if (in_memory(view.place)) free_blob(view.place);
    });
  } while (cursor != 0);
}

void Books::forget(Place place, uint32_t bytes) {
  if (in_memory(place)) return free_blob(place);
  live_.add(position_of(place).segment, -int64_t{bytes});
}

QueueBook* Books::find(std::string_view name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

QueueBook* Books::find(queue::QueueId id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second.get();
}

const Reason* Books::reason(queue::Number number) const {
  const auto found = reasons_.find(number);
  return found == reasons_.end() ? nullptr : &found->second;
}

base::Hash128 Books::dedup_hash(queue::QueueId id, std::string_view dedup) const {
  return base::hash128(dedup, seed_ ^ (uint64_t{id} * 0x9e3779b97f4a7c15u));
}

void Books::apply(const QueueRecord& record) {
  std::unique_ptr<QueueBook>& book = by_id_[record.id];
  if (!book) {
    book = std::make_unique<QueueBook>();
    book->id = record.id;
    book->name = record.name;
    by_name_[book->name] = book.get();
    at_least(record.id + 1);
  }
  if (!(book->settings.decide == record.settings.decide) ||
      !(book->settings.push == record.settings.push) || book->templates.empty())
    book->templates = Templates(record.settings.decide, record.settings.push);
  book->settings = record.settings;
  store_.set_queue(record.id, record.name, record.settings);
}

// Ready, delayed and leased messages of the log reserve room for the records that end them.
void Books::reserve(const queue::View& view, int64_t sign) {
  if (in_memory(view.place)) return;
  const queue::State state = view.standing.state;
  if (state == queue::State::kLeased) {
    leased_ += static_cast<uint64_t>(sign);
  } else if (state != queue::State::kDead) {
    waiting_ += static_cast<uint64_t>(sign);
  }
}

void Books::apply(const Stored& message, Place place, uint32_t bytes) {
  QueueBook* const book = find(message.queue);
  if (book == nullptr) {
    if (in_memory(place)) free_blob(place);
    return;
  }
  if (const auto before = store_.find(message.number)) {  // Replay, over a snapshot that has it.
    reserve(*before, -1);
    store_.remove(message.number);
  } else if (counted_) {
    ++book->totals.enqueued;
  }
  if (!in_memory(place)) live_.add(position_of(place).segment, bytes);
  store_.enqueue({.queue = message.queue,
                  .number = message.number,
                  .key = message.key,
                  .descriptors = message.descriptors,
                  .priority = message.priority,
                  .enqueued = message.enqueued,
                  .due = message.due,
                  .expires = message.expires,
                  .attempts = message.attempts,
                  .cost = message.cost,
                  .place = place,
                  .bytes = bytes});
  if (!in_memory(place)) ++waiting_;
  if (!(message.dedup == base::Hash128{}))
    store_.remember(message.dedup, message.number, message.dedup_until);
}

void Books::count_move(QueueBook& book, Cause cause) {
  if (!counted_) return;
  Stats::Totals& totals = book.totals;
  switch (cause) {
    case Cause::kLeased:
      ++totals.delivered;
      break;
    case Cause::kNacked:
      ++totals.failed;
      break;
    case Cause::kRequeued:
    case Cause::kLeft:
      ++totals.requeued;
      break;
    case Cause::kLeaseOver:
      ++totals.lease_over, ++totals.failed;
      break;
    case Cause::kRedriven: {
      ++totals.redriven;
      if (book.redrive.left > 0) --book.redrive.left;
      break;
    }
    case Cause::kAttempts:
    case Cause::kNackedDead:
      ++totals.dead, ++totals.failed;
      break;
    case Cause::kExpired:
      ++totals.dead, ++totals.expired;
      break;
    default:
      break;
  }
}

void Books::note_reason(const Move& move) {
  if (move.to.state == queue::State::kDead || !move.reason.empty()) {
    reasons_[move.number] = {move.cause, std::string(move.reason)};
  } else if (move.cause == Cause::kRedriven) {
    reasons_.erase(move.number);
  }
}

void Books::apply(const Move& move) {
  const auto before = store_.find(move.number);
  if (!before) return;
  reserve(*before, -1);
  store_.move(move.number, move.to);
  reserve(*store_.find(move.number), 1);
  note_reason(move);
  if (QueueBook* const book = find(before->queue)) count_move(*book, move.cause);
}

void Books::apply(const Done& done) {
  const auto before = store_.find(done.number);
  if (!before) return;
  reserve(*before, -1);
  QueueBook* const book = find(before->queue);
  store_.remove(done.number);
  if (!reasons_.empty()) reasons_.erase(done.number);
  if (book == nullptr || !counted_) return;
  ++book->gone;
  switch (done.cause) {
    case Cause::kAcked:
      ++book->totals.acked;
      break;
    case Cause::kExpired:
      ++book->totals.expired;
      break;
    default:
      ++book->totals.removed;
      break;
  }
}

void Books::apply(const RedriveRecord& redrive) {
  if (QueueBook* const book = find(redrive.id)) book->redrive = redrive;
}

void Books::purge(queue::QueueId id) {
  QueueBook* const book = find(id);
  if (book == nullptr) return;
  const uint64_t purged = store_.find(id)->depths.waiting();
  if (book->settings.durability != queue::Durability::kMemory) waiting_ -= purged;
  if (counted_) {
    book->totals.purged += purged;
    book->gone += purged;
  }
  store_.purge(id);
}

void Books::drop(queue::QueueId id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const queue::Depths depths = store_.find(id)->depths;
  if (found->second->settings.durability != queue::Durability::kMemory) {
    waiting_ -= depths.waiting();
    leased_ -= depths.leased;
  }
  by_name_.erase(found->second->name);
  by_id_.erase(found);
  store_.drop_queue(id);
}

void Books::restore(const queue::Arrival& arrival, const queue::Standing& standing,
                    const Reason& reason) {
  live_.add(position_of(arrival.place).segment, arrival.bytes);
  store_.enqueue(arrival);
  const queue::Standing fresh{.state = queue::State::kReady, .at = arrival.enqueued};
  if (standing == fresh) {  // Most are: no need to look them up again.
    ++waiting_;
  } else {
    store_.move(arrival.number, standing);
    reserve(*store_.find(arrival.number), 1);
  }
  if (reason.cause != Cause::kNone) reasons_[arrival.number] = reason;
}

void Books::restore(queue::QueueId id, const Stats::Totals& totals, uint64_t gone) {
  QueueBook* const book = find(id);
  if (book == nullptr) return;
  book->totals = totals;
  book->gone = gone;
}

void Books::settle_memory() {
  for (auto& [id, book] : by_id_) {
    if (book->settings.durability == queue::Durability::kMemory) book->gone = book->totals.enqueued;
  }
}

void Books::relocate(queue::Number number, Place place, uint32_t bytes) {
  const auto before = store_.find(number);
  if (!before || in_memory(before->place)) return;
  live_.add(position_of(before->place).segment, -int64_t{before->bytes});
  live_.add(position_of(place).segment, bytes);
  store_.relocate(number, place, bytes);
}

base::Status Books::replay(Kind kind, std::string_view body, wal::Position position) {
  const auto bytes = static_cast<uint32_t>(wal::record_bytes(body.size()));
  switch (kind) {
    case Kind::kQueue: {
      const auto record = decode_queue(body);
      if (!record) return record.error();
      apply(*record);
      return {};
    }
    case Kind::kQueueGone:
    case Kind::kPurge: {
      const auto id = decode_queue_id(body);
      if (!id) return id.error();
      kind == Kind::kPurge ? purge(*id) : drop(*id);
      return {};
    }
    case Kind::kMessage:
    case Kind::kCopy: {
      const auto message = decode_message(body);
      if (!message) return message.error();
      if (kind == Kind::kMessage) {
        apply(*message, place_of(position), bytes);
      } else {
        relocate(message->number, place_of(position), bytes);
      }
      return {};
    }
    case Kind::kMove: {
      const auto move = decode_move(body);
      if (!move) return move.error();
      apply(*move);
      return {};
    }
    case Kind::kDone: {
      const auto done = decode_done(body);
      if (!done) return done.error();
      apply(*done);
      return {};
    }
    case Kind::kRedrive: {
      const auto redrive = decode_redrive(body);
      if (!redrive) return redrive.error();
      apply(*redrive);
      return {};
    }
    case Kind::kSync:
      return {};
    default:
      return base::Error{base::Code::kIo,
                         "a record of kind " + std::to_string(static_cast<int>(kind)) +
                             " was written by a newer version",
                         {}};
  }
}

base::Status Books::check() const {
  uint64_t waiting = 0, leased = 0;
  for (const auto& [id, book] : by_id_) {
    const auto view = store_.find(id);
    if (!view) return base::Error{base::Code::kIo, "queue " + book->name + " has no store", {}};
    const queue::Depths& depths = view->depths;
    const uint64_t there = depths.waiting() + depths.leased + depths.dead;
    if (book->totals.enqueued != there + book->gone) {
      return base::Error{base::Code::kIo,
                         "queue " + book->name + ": " + std::to_string(book->totals.enqueued) +
                             " were enqueued, " + std::to_string(there) + " are there, " +
                             std::to_string(book->gone) + " have gone",
                         {}};
    }
    if (book->settings.durability == queue::Durability::kMemory) continue;
    waiting += depths.waiting();
    leased += depths.leased;
  }
  if (waiting != waiting_ || leased != leased_)
    return base::Error{base::Code::kIo, "the room that is reserved is not what waits", {}};
  return {};
}

}  // namespace engine
