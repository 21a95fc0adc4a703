// Enqueue, and what answers and reads have in common.
#include <algorithm>
#include <variant>

#include "engine/body.h"

namespace engine {
namespace {

base::Error full(const std::string& queue, const std::string& bound, uint64_t most) {
  return {base::Code::kFull,
          bound + ": queue '" + queue + "' may hold " + std::to_string(most) +
              (bound == "max.bytes" ? " bytes" : " messages"),
          bound};
}

// What a list would add, if all of it were new.
base::Status has_place(const QueueBook& book, const queue::Depths& depths, const Enqueue& asked) {
  const queue::Settings& s = book.settings;
  const uint64_t there = depths.waiting() + depths.leased;
  if (s.messages_max != 0 && there + asked.messages.size() > s.messages_max)
    return full(book.name, "max.messages", s.messages_max);
  if (s.bytes_max == 0) return {};
  uint64_t bytes = depths.bytes;
  for (const Message& message : asked.messages) bytes += message.body.size();
  if (bytes > s.bytes_max) return full(book.name, "max.bytes", s.bytes_max);
  return {};
}

constexpr size_t kMessageOverhead = 256;  // Of a record, beside its texts.
constexpr size_t kQueueBytes = 4096;      // Of a new queue's record, about.

size_t size_of(const Message& message, const QueueBook& book) {
  size_t bytes = kMessageOverhead + message.body.size() + 2 * message.key.size();
  for (const Header& header : message.headers)
    bytes += 2 * (header.name.size() + header.value.size());
  for (const std::string& each : book.settings.decide.descriptors) bytes += 4 * each.size();
  if (book.settings.push.on()) bytes += queue::kPushUrlBytesMax;  // More than its host has.
  return bytes;
}

}  // namespace

uint64_t Engine::Body::waits_for(queue::Durability durability) const {
  if (durability == queue::Durability::kMemory) return 0;
  if (durability == queue::Durability::kOs) promises_os.store(true, std::memory_order_relaxed);
  if (dirty) return next_batch;
  if (out == 0) return 0;
  return durability == queue::Durability::kOs && written >= out ? 0 : out;
}

void Engine::Body::answer(Request& request, queue::Durability durability) {
  // Bodies come with the batch's return, whatever the queue promises.
  if (request.reading) durability = queue::Durability::kFsync;
  answers.add(request, waits_for(durability), durability);
}

void Engine::Body::refuse(Request& request, base::Error error, queue::Durability durability) {
  request.status = std::move(error);
  answer(request, durability);
}

// Fills `to` with the message's record: now, or with the next batch. `to` must stay where it is.
void Engine::Body::read(Request& request, const queue::View& view, std::string& to) {
  if (in_memory(view.place)) {
    to = blob_at(view.place);
    return;
  }
  log->read(position_of(view.place), 0);
  request.reading = true;
  readings.push_back({&request, &to});
  dirty = true;
}

base::Result<wal::Log::Appended> Engine::Body::append(Kind kind,
                                                      std::initializer_list<std::string_view> parts,
                                                      queue::Durability durability) {
  auto appended =
      log->append(static_cast<wal::Kind>(kind), parts, durability == queue::Durability::kFsync);
  if (!appended) {
    if (!log->status()) fail(log->status().error());
    return appended;
  }
  dirty = true;
  metrics.records.add(1);
  size_t bytes = 0;
  for (const std::string_view part : parts) bytes += part.size();
  keeper->appended(wal::record_bytes(bytes));
  return appended;
}

// Room that stays free for the records that end what is waiting or leased: one lease and its ack
// for each message; a leased one's ack may be a batch of its own. And for the shard, what nacks,
// extensions, returns and one compaction may need.
namespace {
constexpr uint64_t kLeaseBytes = wal::record_bytes(26);
constexpr uint64_t kAckBytes = wal::record_bytes(9);
constexpr uint64_t kLastBytes = kAckBytes + wal::kMarkBytes;
constexpr uint64_t kShardReserveMax = uint64_t{8} << 20;
// So many messages may be taken and acked one at a time, each lease and each ack a batch of its own
// with its mark; with more of them batches are larger.
constexpr uint64_t kSingleMax = 1'000'000;
}  // namespace

uint64_t Engine::Body::reserved() const {
  const uint64_t shard = std::min<uint64_t>(kShardReserveMax, options.log.segment_bytes / 4);
  return books.waiting() * (kLeaseBytes + kAckBytes) +
         std::min(books.waiting(), kSingleMax) * 2 * wal::kMarkBytes + books.leased() * kLastBytes +
         shard;
}

bool Engine::Body::room_for(size_t bytes, Reserve reserve) {
  switch (reserve) {
    case Reserve::kAck:
      return log->has_room(bytes);
    case Reserve::kLease:
      return log->has_room(bytes, books.leased() * kLastBytes);
    case Reserve::kSettle:
      return log->has_room(bytes, books.waiting() * kAckBytes + books.leased() * kLastBytes);
    default:
      return log->has_room(bytes, reserved());
  }
}

void Engine::Body::fail(const base::Error& error) {
  if (!status) return;
  status = error;
  metrics.batch_failures.add(1);
  const base::Error doubt{base::Code::kUnknown,
                          "it may or may not have happened; shard " +
                              std::to_string(options.shard) + " has stopped: " + error.what,
                          {}};
  answers.fail(doubt);
  for (Request* const request : std::exchange(deferred, {})) {
    request->status = error;
    answers.add(*request, 0, queue::Durability::kMemory);
  }
  for (Request* const request : consumers.all()) {
    consumers.remove(*request);
    gate.leave(*request, now_);
    request->status = error;
    answers.add(*request, 0, queue::Durability::kMemory);
  }
  while (!targets.idle()) {
    Request& walked = targets.end();
    walked.status = error;
    answers.add(walked, 0, queue::Durability::kMemory);
  }
}

void Engine::Body::run(Request& request, base::Time now) {
  if (!status) {
    request.status = status.error();
    return answers.add(request, 0, queue::Durability::kMemory);
  }
  if (!deferred.empty()) {  // Order is kept.
    deferred.push_back(&request);
    return;
  }
  advance(now);
  std::visit([&](auto& asked) { run(asked, request, now); }, request.what);
}

// There is no room yet, but the disk is not full: the request, and all behind it, wait for the
// batch that makes some. False: go on; there is room, or none is to be had.
bool Engine::Body::defer(Request& request, size_t bytes) {
  if (room_for(bytes, Reserve::kEnqueue) || log->full()) return false;
  deferred.push_back(&request);
  room_wanted = bytes;
  dirty = true;
  return true;
}

void Engine::Body::resume(base::Time now) {
  std::vector<Request*> requests;
  requests.swap(deferred);
  room_wanted = 0;
  for (Request* const request : requests) run(*request, now);
}

void Engine::Body::run(Enqueue& asked, Request& request, base::Time now) {
  if (stopping) return refuse(request, {base::Code::kShutdown, "stopping", {}});
  if (books.find(asked.queue) == nullptr && defer(request, kQueueBytes)) return;
  const base::Result<QueueBook*> found = queue_for(asked.queue, true);
  if (!found) return refuse(request, found.error());
  QueueBook& book = **found;
  const queue::Settings& s = book.settings;
  if (s.paused_in) {
    return refuse(request,
                  {base::Code::kFull, "queue '" + book.name + "' is paused for enqueues", "queue"});
  }
  const queue::Depths depths = books.store().find(book.id)->depths;
  if (const base::Status place = has_place(book, depths, asked); !place)
    return refuse(request, place.error());
  size_t bytes = 0;
  for (const Message& message : asked.messages) {
    if (message.body.size() > options.bounds.body_bytes_max) {
      return refuse(request,
                    {base::Code::kFull,
                     "body has " + std::to_string(message.body.size()) + " bytes, at most " +
                         std::to_string(options.bounds.body_bytes_max) + " are allowed",
                     "body"});
    }
    bytes += size_of(message, book);
  }
  const bool logged = s.durability != queue::Durability::kMemory;
  if (logged && defer(request, bytes)) return;
  if (logged && !room_for(bytes, Reserve::kEnqueue)) {
    return refuse(
        request,
        {base::Code::kReadOnly, "the disk is full; acknowledgements and deliveries go on", {}});
  }
  asked.numbers.clear();
  for (const Message& message : asked.messages) {
    Stored stored;
    if (!message.dedup.empty()) {
      stored.dedup = books.dedup_hash(book.id, message.dedup);
      stored.dedup_until = now + s.dedup_window;
      if (const auto first = books.store().seen(stored.dedup, now)) {
        ++book.totals.deduplicated;
        asked.numbers.push_back(*first);
        continue;
      }
    }
    stored.queue = book.id;
    stored.number = uint64_t{start} << 40 | ++count;
    stored.enqueued = now;
    stored.due = now + message.delay;
    const base::Duration ttl = message.ttl.value_or(s.ttl);
    if (ttl.count() > 0) stored.expires = now + ttl;
    stored.priority = message.priority.value_or(queue::kPriorityDefault);
    stored.attempts = message.attempts.value_or(s.attempts);
    stored.cost = message.cost;
    stored.descriptors = book.templates.render(book.name, message);
    stored.key = message.key;
    stored.headers.assign(message.headers.begin(), message.headers.end());
    const std::string_view descriptors = stored.descriptors;
    if (!logged) stored.descriptors = {};  // Its flow has them, and nobody replays it.
    encode_message(stored, head);
    stored.descriptors = descriptors;
    Place place = 0;
    size_t on_disk = head.size() + message.body.size();
    if (logged) {
      const auto appended = append(Kind::kMessage, {head, message.body}, s.durability);
      if (!appended) return refuse(request, appended.error());
      place = place_of(appended->position);
      on_disk = wal::record_bytes(on_disk);
    } else {
      place = blob_of(head, message.body);
    }
    books.apply(stored, place, static_cast<uint32_t>(on_disk));
    asked.numbers.push_back(stored.number);
  }
  touch(book);
  answer(request, s.durability);
}

void Engine::Body::run(Remove& asked, Request& request, base::Time now) {
  const auto view = books.store().find(asked.number);
  if (!view) return answer(request, queue::Durability::kFsync);
  if (view->standing.state == queue::State::kLeased) release_holds(*view, now);
  const queue::Durability durability = durability_of(view->queue);
  const queue::QueueId id = view->queue;
  asked.removed = finish(*view, Cause::kRemoved);
  touch(id);
  answer(request, durability);
}

void Engine::Body::run(Cancel& asked, Request& request, base::Time) {
  for (Request* const waiting : consumers.of(request.connection)) {
    const auto* const dequeue = std::get_if<Dequeue>(&waiting->what);
    if (dequeue == nullptr || dequeue->claim != asked.claim) continue;
    consumers.remove(*waiting);
    answers.add(*waiting, 0, queue::Durability::kMemory);
  }
  answers.add(request, 0, queue::Durability::kMemory);
}

void Engine::Body::run(Leave&, Request& request, base::Time now) {
  const uint64_t connection = request.connection;
  for (Request* const waiting : consumers.of(connection)) {
    consumers.remove(*waiting);
    gate.leave(*waiting, now);
    answers.add(*waiting, 0, queue::Durability::kMemory);
  }
  const auto found = tied.find(connection);
  if (found != tied.end()) {
    for (const Tied& lease : found->second) {
      const auto view = find(lease);
      if (!view) continue;
      release_holds(*view, now);
      give_back(*view, {}, Cause::kLeft, now);
    }
    tied.erase(connection);
  }
  while (Request* const walked = targets.leave(connection))
    answers.add(*walked, 0, queue::Durability::kMemory);
  answers.add(request, 0, queue::Durability::kMemory);
}

void Engine::Body::run(Check& asked, Request& request, base::Time now) {
  if (stopping) return refuse(request, {base::Code::kShutdown, "stopping", {}});
  if (consumers.size() >= options.bounds.waiting_max) {
    return refuse(request, {base::Code::kFull, "too many requests wait", "wait"});
  }
  if (gate.check(request, now)) return answers.add(request, 0, queue::Durability::kMemory);
  consumers.add_check(request, now + asked.wait);
}

}  // namespace engine
