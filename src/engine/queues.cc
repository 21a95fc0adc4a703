// Administration of queues, and looking at messages.
#include <algorithm>

#include "engine/body.h"

namespace engine {
namespace {

base::Error no_queue(std::string_view name) {
  return {base::Code::kNotFound, "there is no queue '" + std::string(name) + "'", "queue"};
}

base::Error declared_there(const QueueBook& book) {
  return {base::Code::kNoPerm, "queue '" + book.name + "' is declared in the file", "queue"};
}

base::Error no_message() { return {base::Code::kNotFound, "there is no such message", "id"}; }

}  // namespace

std::string_view to_string(Waiting reason) {
  static constexpr std::string_view kNames[] = {"ready",  "delayed",     "leased", "limited",
                                                "paused", "no consumer", "dead",   "expired"};
  return kNames[static_cast<size_t>(reason)];
}

base::Result<QueueBook*> Engine::Body::queue_for(std::string_view name, bool create) {
  if (QueueBook* const book = books.find(name)) return book;
  if (!create || !options.creation_open) return no_queue(name);
  return set_queue(name, nullptr, options.defaults);
}

void Engine::Body::on_push(std::function<void(std::string_view, const queue::Push&)> told) {
  pushed = std::move(told);
  books.each([this](const QueueBook& book) {
    if (book.settings.push.on()) pushed(book.name, book.settings.push);
  });
}

// Logs the settings and puts them in force; `book` is null for a new queue.
base::Result<QueueBook*> Engine::Body::set_queue(std::string_view name, QueueBook* book,
                                                 const queue::Settings& settings) {
  if (book == nullptr && books.queues() >= options.bounds.queues_max) {
    return base::Error{base::Code::kFull,
                       "queues_max: shard " + std::to_string(options.shard) + " has " +
                           std::to_string(books.queues()) + " queues",
                       "queue"};
  }
  QueueRecord record;
  record.id = book == nullptr ? books.next_queue_id() : book->id;
  record.name = name;
  record.settings = settings;
  const std::string bytes = encode_queue(record);
  if (!room_for(wal::record_bytes(bytes.size()), Reserve::kEnqueue))
    return base::Error{base::Code::kReadOnly, "the disk is full", {}};
  const auto appended = append(Kind::kQueue, {bytes}, queue::Durability::kFsync);
  if (!appended) return appended.error();
  const queue::Push before = book == nullptr ? queue::Push{} : book->settings.push;
  books.apply(record);
  QueueBook* const made = books.find(record.id);
  if (!(before == settings.push) && (before.on() || settings.push.on())) {
    gate.recheck();  // Those that wait ask for other limits now.
    if (pushed) pushed(made->name, made->settings.push);
  }
  if (book == nullptr) made->declared = options.declared.contains(made->name);
  touch(*made);
  reaping = true;  // A raised in_flight_per_key lets keys go there.
  return made;
}

void Engine::Body::run(SetQueue& asked, Request& request, base::Time) {
  if (stopping) return refuse(request, {base::Code::kShutdown, "stopping", {}});
  QueueBook* const book = books.find(asked.queue);
  if (book == nullptr && (!asked.create || !options.creation_open))
    return refuse(request, no_queue(asked.queue));
  if (book != nullptr && book->declared && !asked.pausing)
    return refuse(request, declared_there(*book));
  queue::Settings settings = book == nullptr ? options.defaults : book->settings;
  if (const base::Status changed = asked.change(settings); !changed)
    return refuse(request, changed.error());
  const bool in_memory_now = settings.durability == queue::Durability::kMemory;
  if (book != nullptr &&
      in_memory_now != (book->settings.durability == queue::Durability::kMemory)) {
    const queue::Depths& depths = books.store().find(book->id)->depths;
    if (depths.waiting() + depths.leased + depths.dead > 0) {
      return refuse(request, base::invalid("durability cannot change to or from memory while the "
                                           "queue has messages",
                                           "durability"));
    }
  }
  if (defer(request, encode_queue({0, std::string(asked.queue), settings}).size() + 1024)) return;
  const auto set = set_queue(asked.queue, book, settings);
  if (!set) return refuse(request, set.error());
  answer(request, queue::Durability::kFsync);
}

void Engine::Body::run(Purge& asked, Request& request, base::Time now) {
  QueueBook* const book = books.find(asked.queue);
  if (book == nullptr) return refuse(request, no_queue(asked.queue));
  asked.purged = books.store().find(book->id)->depths.waiting();
  if (!append(Kind::kPurge, {encode_queue_id(book->id)}, book->settings.durability))
    return refuse(request, {base::Code::kReadOnly, "the disk is full", {}});
  books.purge(book->id);
  gate.settle(now);
  keeper->restart();
  reaping = true;
  answer(request, book->settings.durability);
}

void Engine::Body::run(DeleteQueue& asked, Request& request, base::Time now) {
  QueueBook* const book = books.find(asked.queue);
  if (book == nullptr) return refuse(request, no_queue(asked.queue));
  if (book->declared) return refuse(request, declared_there(*book));
  if (!append(Kind::kQueueGone, {encode_queue_id(book->id)}, queue::Durability::kFsync))
    return refuse(request, {base::Code::kReadOnly, "the disk is full", {}});
  if (pushed && book->settings.push.on()) pushed(book->name, {});
  books.drop(book->id);
  gate.settle(now);
  keeper->restart();
  reaping = true;
  answer(request, queue::Durability::kFsync);
}

QueueRow Engine::Body::row_of(QueueBook& book) {
  QueueRow row;
  row.name = book.name;
  row.depths = books.store().find(book.id)->depths;
  row.oldest = books.store().oldest(book.id);
  row.settings = book.settings;
  row.declared = book.declared;
  return row;
}

void Engine::Body::run(ListQueues& asked, Request& request, base::Time) {
  asked.rows.clear();
  books.store().queues_after(asked.after, asked.count, [&](const queue::QueueView& view) {
    asked.rows.push_back(row_of(*books.find(view.id)));
  });
  answer(request, queue::Durability::kFsync);
}

void Engine::Body::run(Stats& asked, Request& request, base::Time) {
  QueueBook* const book = books.find(asked.queue);
  if (book == nullptr) return refuse(request, no_queue(asked.queue));
  asked.row = row_of(*book);
  asked.totals = book->totals;
  answer(request, queue::Durability::kFsync);
}

Shown Engine::Body::shown(const queue::View& view) {
  Shown shown;
  shown.number = view.number;
  if (const QueueBook* const book = books.find(view.queue)) shown.queue = book->name;
  shown.standing = view.standing;
  shown.expires = view.expires;
  shown.attempts = view.attempts;
  if (const Reason* const reason = books.reason(view.number)) {
    shown.reason = reason->text.empty() ? std::string(to_string(reason->cause)) : reason->text;
  }
  return shown;
}

void Engine::Body::run(Show& asked, Request& request, base::Time) {
  const auto view = books.store().find(asked.number);
  if (!view) return refuse(request, no_message());
  asked.shown = shown(*view);
  read(request, *view, asked.shown.record);
  answer(request, queue::Durability::kFsync);
}

void Engine::Body::run(ListDead& asked, Request& request, base::Time) {
  QueueBook* const book = books.find(asked.queue);
  if (book == nullptr) return refuse(request, no_queue(asked.queue));
  if (asked.after != 0) {
    const auto view = books.store().find(asked.after);
    if (!view || view->queue != book->id || view->standing.state != queue::State::kDead) {
      return refuse(request, {base::Code::kNotFound,
                              "AFTER is no dead letter of this queue (any more)", "after"});
    }
  }
  asked.shown.clear();
  const uint32_t most = std::min(asked.count, options.bounds.count_max);
  asked.shown.reserve(most);  // What is read goes into them: they must stay.
  queue::Number number = asked.after;
  while (asked.shown.size() < most) {
    number = books.store().next_dead(book->id, number);
    if (number == 0) break;
    const queue::View view = *books.store().find(number);
    asked.shown.push_back(shown(view));
    read(request, view, asked.shown.back().record);
  }
  answer(request, queue::Durability::kFsync);
}

void Engine::Body::run(Redrive& asked, Request& request, base::Time now) {
  if (stopping) return refuse(request, {base::Code::kShutdown, "stopping", {}});
  QueueBook* const book = books.find(asked.queue);
  if (book == nullptr) return refuse(request, no_queue(asked.queue));
  const uint64_t dead = books.store().find(book->id)->depths.dead;
  RedriveRecord record;
  record.id = book->id;
  record.left = std::min(asked.count.value_or(dead), dead);
  record.rate = asked.rate.value_or(limit::Rate{});
  record.next = now;
  if (!append(Kind::kRedrive, {encode_redrive(record)}, book->settings.durability))
    return refuse(request, {base::Code::kReadOnly, "the disk is full", {}});
  books.apply(record);
  redrives.push_back(book->id);
  asked.will_move = record.left;
  answer(request, book->settings.durability);
}

void Engine::Body::run(Why& asked, Request& request, base::Time) {
  const auto view = books.store().find(asked.number);
  if (!view) return refuse(request, no_message());
  const QueueBook* const book = books.find(view->queue);
  asked.state = view->standing.state;
  switch (asked.state) {
    case queue::State::kDead:
      asked.reason = Waiting::kDead;
      break;
    case queue::State::kDelayed:
      asked.reason = Waiting::kDelayed;
      asked.until = view->standing.at;
      break;
    case queue::State::kLeased:
      asked.reason = Waiting::kLeased;
      if (view->standing.at != kTied) asked.until = view->standing.at;
      break;
    case queue::State::kReady: {
      const queue::Store::Flow flow = books.store().flow(view->flow);
      asked.ahead = books.store().ahead(asked.number, 10'000);
      if (book != nullptr && book->settings.paused_out) {
        asked.reason = Waiting::kPaused;
      } else if (flow.parked) {
        asked.reason = Waiting::kLimited;
        const Gate::Wait wait = gate.waits(view->flow);
        asked.limited_by = wait.limited_by;
        if (wait.until != base::Time::max()) asked.until = wait.until;
        asked.estimate = true;  // Others may stand before it.
      } else if (flow.held_back) {
        asked.reason = Waiting::kLimited;
        asked.limited_by = "in_flight_per_key";
      } else {
        const bool wanted = book != nullptr && consumers.any(book->name);
        asked.reason = wanted ? Waiting::kReady : Waiting::kNoConsumer;
      }
      break;
    }
  }
  answer(request, queue::Durability::kFsync);
}

}  // namespace engine
