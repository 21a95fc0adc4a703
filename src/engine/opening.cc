// Start: the snapshot, the log behind it, and what a restart ends.
#include "engine/body.h"

namespace engine {

Engine::Body::Body(EngineOptions engine_options, base::Disk& on_disk, std::string directory,
                   limiter::Taker& charged)
    : options(std::move(engine_options)),
      disk(on_disk),
      dir(std::move(directory)),
      taker(charged),
      books(options.seed),
      gate(taker, books.store(), options.shard, metrics,
           {.in_demand =
                [this](queue::QueueId id) {
                  const QueueBook* const book = books.find(id);
                  return book != nullptr && !book->settings.paused_out && consumers.any(book->name);
                },
            .serve = [this](queue::QueueId id) { serve(id, now_); },
            .answer =
                [this](Request& request) {
                  consumers.remove(request);
                  answers.add(request, 0, queue::Durability::kMemory);
                },
            .ask_of = [this](const queue::Store::Flow& flow) { return ask_of(flow, flow.cost); },
            .hold_of = [this](queue::Number number) { return hold_of(number); }}),
      random(options.seed ^ 0x6a697474'6572u ^ options.shard) {}

base::Status Engine::Body::open(base::Time now) {
  now_ = now;
  const KeeperOptions keeping{dir, options.shard, options.snapshot_after_bytes};
  options.log.shard = options.shard;
  if (options.log.salt == 0)
    options.log.salt = (options.seed ^ options.shard) * 0x9e3779b97f4a7c15u | 1;
  auto loaded = Keeper::load(disk, keeping, books);
  if (!loaded) return loaded.error();
  books.count(loaded->counted_from <= loaded->from);
  auto opened =
      wal::Log::open(disk, dir, options.log, loaded->from, [&](const wal::Record& record) {
        if (record.sequence == loaded->counted_from) books.count(true);
        return books.replay(static_cast<Kind>(record.kind), record.body, record.position);
      });
  if (!opened) return opened.error();
  books.count(true);
  log = std::move(opened->log);
  start = opened->start;
  random = base::Random(options.seed ^ (uint64_t{start} << 32) ^ options.shard);
  last_instant = std::max(opened->last_instant, loaded->last_instant);
  keeper = std::make_unique<Keeper>(keeping, disk, books, *log, metrics);
  keeper->copy = [this](std::string_view record, queue::Number number) {
    if (!room_for(wal::record_bytes(record.size()), Reserve::kSettle)) return false;
    const auto view = books.store().find(number);
    const auto appended = append(Kind::kCopy, {record}, durability_of(view->queue));
    if (!appended) return false;
    books.relocate(number, place_of(appended->position),
                   static_cast<uint32_t>(wal::record_bytes(record.size())));
    return true;
  };
  keeper->sync = [this] { (void)append(Kind::kSync, {}, queue::Durability::kFsync); };
  keeper->opened(loaded->from);
  books.settle_memory();
  adopt(std::max(now, last_instant));
  declare(options.declared, std::max(now, last_instant));
  return status;
}

// Live leases have their holds again; those of connections end, since the connections have gone.
void Engine::Body::adopt(base::Time now) {
  now_ = now;
  std::vector<queue::Number> ended;
  uint64_t cursor = 0;
  for (bool more = books.leased() > 0; more; more = cursor != 0) {
    cursor = books.store().walk(
        cursor, 1 << 16, [&](const queue::View& view, const queue::Store::Flow& flow, bool) {
          if (view.standing.state != queue::State::kLeased) return;
          if (view.standing.at == kTied) {
            ended.push_back(view.number);
          } else if (view.standing.at > now) {
            const limiter::Ask ask = ask_of(flow, view.cost);
            if (asks_nothing(ask)) return;
            taker.restore(ask, hold_id(view.number, view.standing.delivered), view.standing.at,
                          now);
          }
        });
  }
  for (const queue::Number number : ended) {
    if (const auto view = books.store().find(number)) give_back(*view, {}, Cause::kLeft, now);
  }
  books.each([&](QueueBook& book) {
    if (book.redrive.left == 0) return;
    book.redrive.next = now;
    if (book.redrive.rate.count > 0)
      book.redrive.next +=
          base::Duration(book.redrive.rate.period.count() / book.redrive.rate.count);
    redrives.push_back(book.id);
  });
}

// What the file says of queues. Whether one is paused is not the file's business.
void Engine::Body::declare(const Declared& declared, base::Time now) {
  now_ = now;
  books.each([](QueueBook& book) { book.declared = false; });
  for (const auto& [name, settings] : declared) {
    if (shard_of(name, options.shards) != options.shard) continue;
    QueueBook* book = books.find(name);
    queue::Settings wanted = settings;
    if (book != nullptr) {
      wanted.paused_in = book->settings.paused_in;
      wanted.paused_out = book->settings.paused_out;
    }
    if (book == nullptr || !(book->settings == wanted)) {
      const auto set = set_queue(name, book, wanted);
      if (!set) continue;
      book = *set;
    }
    book->declared = true;
  }
}

}  // namespace engine
