// What ends a lease, or changes it: ack, nack, requeue, extend, its time.
#include <algorithm>
#include <cmath>

#include "engine/body.h"

namespace engine {
namespace {

base::Error no_room() {
  return {base::Code::kReadOnly, "the disk is full; acknowledgements go on", {}};
}

base::Error stale() { return {base::Code::kStale, "the receipt is not valid any more", "receipt"}; }

}  // namespace

queue::Durability Engine::Body::durability_of(queue::QueueId id) {
  const QueueBook* const book = books.find(id);
  return book == nullptr ? queue::Durability::kFsync : book->settings.durability;
}

// Unique for ever: of a number's every delivery another one.
uint64_t Engine::Body::hold_id(queue::Number number, uint16_t attempt) const {
  uint64_t id = (number * 0x9e3779b97f4a7c15u) ^ (uint64_t{attempt} << 48) ^
                (uint64_t{options.shard + 1} * 0xbf58476d1ce4e5b9u);
  id = (id ^ (id >> 29)) * 0x94d049bb133111ebu;
  return (id ^ (id >> 32)) | 1;
}

uint64_t Engine::Body::hold_of(queue::Number number) const {
  const queue::View view = *books.store().find(number);
  return hold_id(number, static_cast<uint16_t>(std::min(view.standing.delivered + 1, 65'535)));
}

bool Engine::Body::move(const queue::View& view, const queue::Standing& to, Cause cause,
                        std::string_view reason, Reserve reserve) {
  const Move record{view.number, to, cause, reason.substr(0, queue::kReasonBytesMax)};
  if (!in_memory(view.place)) {
    const std::string_view bytes = encode_move(record, scratch);
    if (!room_for(wal::record_bytes(bytes.size()), reserve)) return false;
    if (!append(Kind::kMove, {bytes}, durability_of(view.queue))) return false;
  }
  books.apply(record);
  return true;
}

bool Engine::Body::finish(const queue::View& view, Cause cause) {
  const Done record{view.number, cause};
  if (!in_memory(view.place) &&
      !append(Kind::kDone, {encode_done(record, scratch)}, durability_of(view.queue))) {
    return false;
  }
  books.apply(record);
  return true;
}

bool Engine::Body::give_back(const queue::View& view, base::Duration delay, Cause cause,
                             base::Time now) {
  queue::Standing to = view.standing;
  to.state = delay.count() > 0 ? queue::State::kDelayed : queue::State::kReady;
  to.at = now + delay;
  to.start = 0;
  const queue::QueueId id = view.queue;
  if (!move(view, to, cause)) return false;
  touch(id);
  return true;
}

base::Duration Engine::Body::backoff(const queue::Backoff& backoff, uint16_t failures) {
  auto span =
      static_cast<double>(backoff.base.count()) *
      std::pow(static_cast<double>(backoff.factor_milli) / 1000.0, std::max(0, failures - 1));
  span = std::min(span, static_cast<double>(backoff.max.count()));
  if (backoff.jitter_ppm > 0) {
    const auto width = static_cast<uint64_t>(2 * backoff.jitter_ppm) + 1;
    const auto ppm = static_cast<int64_t>(random.below(width)) - backoff.jitter_ppm;
    span += span * static_cast<double>(ppm) / 1e6;
  }
  return base::Duration(static_cast<int64_t>(span));
}

// A failure: back with its delay, or to the dead letters after the last attempt.
bool Engine::Body::fail_once(const queue::View& view, std::optional<base::Duration> delay,
                             Cause cause, std::string_view reason, bool dead, base::Time now) {
  queue::Standing to = view.standing;
  to.failed = static_cast<uint16_t>(std::min(to.failed + 1, 65'535));
  to.start = 0;
  const queue::QueueId id = view.queue;
  if (dead || to.failed >= view.attempts) {
    to.state = queue::State::kDead;
    to.at = now;
    cause = dead ? Cause::kNackedDead : Cause::kAttempts;
  } else {
    const QueueBook* const book = books.find(view.queue);
    const base::Duration wait = delay ? *delay : backoff(book->settings.backoff, to.failed);
    to.state = wait.count() > 0 ? queue::State::kDelayed : queue::State::kReady;
    to.at = now + wait;
  }
  if (!move(view, to, cause, reason)) return false;
  touch(id);
  return true;
}

base::Result<queue::View> Engine::Body::held(const Receipt& receipt) const {
  if (receipt.shard != options.shard) return stale();
  const auto view = books.store().find(receipt.number);
  if (!view || view->standing.state != queue::State::kLeased ||
      view->standing.delivered != receipt.attempt || view->standing.start != receipt.start) {
    return stale();
  }
  return *view;
}

// Without limits of its own and not pushed, most messages ask nothing.
limiter::Ask Engine::Body::ask_of(const queue::Store::Flow& flow, int64_t cost) {
  const limiter::Ask ask = asks.decode(flow.descriptors, cost);
  QueueBook* const book = books.find(flow.queue);
  return book == nullptr ? ask : book->templates.complete(ask);
}

void Engine::Body::release_holds(const queue::View& view, base::Time now) {
  const limiter::Ask ask = ask_of(books.store().flow(view.flow), view.cost);
  if (asks_nothing(ask)) return;
  taker.release(ask, hold_id(view.number, view.standing.delivered), now);
}

void Engine::Body::run(Ack& asked, Request& request, base::Time now) {
  asked.done.assign(asked.receipts.size(), false);
  queue::Durability durability = queue::Durability::kMemory;
  for (size_t i = 0; i < asked.receipts.size(); ++i) {
    const auto view = held(asked.receipts[i]);
    if (!view) {
      durability = queue::Durability::kFsync;  // It tells of an end that may not be synced yet.
      continue;
    }
    durability = std::min(durability, durability_of(view->queue));
    const queue::QueueId id = view->queue;
    release_holds(*view, now);
    asked.done[i] = finish(*view, Cause::kAcked);
    if (!asked.done[i]) return refuse(request, status ? no_room() : status.error());
    touch(id);
  }
  answer(request, durability);
}

void Engine::Body::run(Nack& asked, Request& request, base::Time now) {
  const auto view = held(asked.receipt);
  if (!view) return refuse(request, view.error());
  const queue::Durability durability = durability_of(view->queue);
  const queue::View before = *view;
  if (!fail_once(*view, asked.delay, Cause::kNacked, asked.reason, asked.dead, now))
    return refuse(request, no_room());
  release_holds(before, now);
  answer(request, durability);
}

void Engine::Body::run(Requeue& asked, Request& request, base::Time now) {
  const auto view = held(asked.receipt);
  if (!view) return refuse(request, view.error());
  const queue::Durability durability = durability_of(view->queue);
  const queue::View before = *view;
  if (!give_back(*view, asked.delay, Cause::kRequeued, now)) return refuse(request, no_room());
  release_holds(before, now);
  answer(request, durability);
}

void Engine::Body::run(Extend& asked, Request& request, base::Time now) {
  const auto view = held(asked.receipt);
  if (!view) return refuse(request, view.error());
  queue::Standing to = view->standing;
  to.at = now + asked.lease;
  const queue::Durability durability = durability_of(view->queue);
  if (!move(*view, to, Cause::kExtended)) return refuse(request, no_room());
  const limiter::Ask ask = ask_of(books.store().flow(view->flow), view->cost);
  if (!asks_nothing(ask))
    taker.renew(ask, hold_id(view->number, view->standing.delivered), to.at, now);
  asked.lease_until = to.at;
  answer(request, durability);
}

}  // namespace engine
