// What is due to time, and housekeeping in slices.
#include <algorithm>
#include <utility>

#include "engine/body.h"

namespace engine {
namespace {

constexpr size_t kDueSlice = 2048;     // Messages that become ready, expire or come back, a turn.
constexpr size_t kReapSlice = 2048;    // Messages of purged or dropped queues.
constexpr size_t kRedriveSlice = 256;  // Dead letters that are put back.
constexpr base::Duration kPublish = std::chrono::seconds(1);

}  // namespace

// Everything that is due by `now`, before anything else happens at `now`.
void Engine::Body::advance(base::Time now) {
  now_ = now;
  last_instant = std::max(last_instant, now);
  if (now == advanced_ && books.store().next_due() > now && gate.due() > now)
    return gate.settle(now);
  advanced_ = now;
  for (size_t n = 0; n < kDueSlice; ++n) {
    const auto due = books.store().due(now);
    if (!due) break;
    pass(*due, now);
  }
  gate.advance(now);
}

void Engine::Body::pass(const queue::Due& due, base::Time now) {
  const auto view = books.store().find(due.number);
  if (!view) return;
  const QueueBook* const book = books.find(view->queue);
  const queue::QueueId id = view->queue;
  switch (due.what) {
    case queue::Due::What::kRipe:
      books.store().ripen(due.number, now);
      touch(id);
      return;
    case queue::Due::What::kExpired:
      if (book != nullptr && book->settings.dead_expired) {
        queue::Standing to = view->standing;
        to.state = queue::State::kDead;
        to.at = now;
        move(*view, to, Cause::kExpired);
      } else {
        finish(*view, Cause::kExpired);
      }
      touch(id);  // Its key may have waited for it (in_flight_per_key).
      return;
    case queue::Due::What::kLeaseOver:
      // Back at once: the lease was the delay.
      if (fail_once(*view, base::Duration(0), Cause::kLeaseOver, {}, false, now))
        release_holds(*view, now);  // In a store they may last longer than the lease.
      return;
    case queue::Due::What::kKeepOver:
      finish(*view, Cause::kKeepOver);
      return;
  }
}

void Engine::Body::redrive(base::Time now) {
  for (size_t i = redrives.size(); i-- > 0;) {
    QueueBook* const book = books.find(redrives[i]);
    size_t moved = 0;
    while (book != nullptr && book->redrive.left > 0 && book->redrive.next <= now &&
           moved < kRedriveSlice) {
      const queue::Number number = books.store().next_dead(book->id, 0);
      if (number == 0) {
        book->redrive.left = 0;
        break;
      }
      const queue::View view = *books.store().find(number);
      queue::Standing to = view.standing;
      to.state = queue::State::kReady;
      to.at = now;
      to.failed = 0;
      if (!move(view, to, Cause::kRedriven)) break;
      touch(*book);
      ++moved;
      const limit::Rate& rate = book->redrive.rate;
      if (rate.count > 0)
        book->redrive.next = std::max(book->redrive.next, now - rate.period) +
                             base::Duration(rate.period.count() / rate.count);
    }
    if (book == nullptr || book->redrive.left == 0) {
      redrives[i] = redrives.back();
      redrives.pop_back();
    }
  }
}

void Engine::Body::tick(base::Time now) {
  advance(now);
  if (!status) return;
  redrive(now);
  std::vector<queue::QueueId> now_touched;
  now_touched.swap(touched);
  for (const queue::QueueId id : now_touched) {
    QueueBook* const book = books.find(id);
    if (book == nullptr) continue;
    book->touched = false;
    if (consumers.any(book->name)) serve(id, now);
  }
  while (Request* const request = consumers.over(now)) {
    consumers.remove(*request);
    gate.leave(*request, now);
    answers.add(*request, 0, queue::Durability::kMemory);
  }
  if (const bool reaped = std::exchange(reaping, books.store().reap(now, kReapSlice)); reaped)
    consumers.each_queue([this](std::string_view name) {  // Keys may go that were held back.
      if (QueueBook* const book = books.find(name)) touch(*book);
    });
  if (!targets.idle() && targets.slice(books, gate))
    answers.add(targets.end(), 0, queue::Durability::kMemory);
  keeper->tick(now);
  publish(now);
}

void Engine::Body::publish(base::Time now) {
  if (now - published_ < kPublish) return;
  published_ = now;
  std::vector<Engine::Metrics::Row> rows;
  const auto add = [&](const queue::QueueView& view) {
    const QueueBook* const book = books.find(view.id);
    const base::Time oldest = books.store().oldest(view.id);
    rows.push_back(
        {std::string(view.name), view.depths,
         oldest == base::Time{} ? 0 : std::chrono::duration<double>(now - oldest).count(),
         book->totals});
  };
  books.store().queues_after({}, Engine::Metrics::kRowsMax, add);
  metrics.publish(std::move(rows));
  metrics.log_disk_bytes.set(static_cast<int64_t>(log->bytes()));
  metrics.waiting_requests.set(static_cast<int64_t>(consumers.size()));
  metrics.lines.set(static_cast<int64_t>(gate.lines()));
  metrics.messages_memory_bytes.set(static_cast<int64_t>(books.store().memory_bytes()));
  metrics.reserved_bytes.set(static_cast<int64_t>(reserved()));
  metrics.room_bytes.set(static_cast<int64_t>(log->room()));
}

base::Time Engine::Body::due() const {
  if (!status) return base::Time::max();
  if (!touched.empty() || reaping || !targets.idle() || keeper->busy()) return {};
  base::Time at = std::min({books.store().next_due(), gate.due(), consumers.due()});
  for (const queue::QueueId id : redrives) {
    const QueueBook* const book = const_cast<Books&>(books).find(id);
    at = std::min(at, book == nullptr ? base::Time{} : book->redrive.next);
  }
  if (books.queues() > 0) at = std::min(at, published_ + kPublish);
  return at;
}

void Engine::Body::stop(base::Time now) {
  now_ = now;
  stopping = true;
  for (Request* const request : consumers.all()) {
    consumers.remove(*request);
    gate.leave(*request, now);
    answers.add(*request, 0, queue::Durability::kMemory);
  }
  while (!targets.idle())
    refuse(targets.end(), {base::Code::kShutdown, "stopping", {}}, queue::Durability::kMemory);
}

}  // namespace engine
