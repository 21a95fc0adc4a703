// Deliveries: which message goes to whom, and when.
#include <algorithm>

#include "engine/body.h"

namespace engine {
namespace {

constexpr size_t kAsksMax = 4096;  // Of limits, for one request in one turn.
// A Dequeue that does not wait does wait for units that are on their way, if they come so soon.
constexpr base::Duration kAnswerMax = std::chrono::milliseconds(50);

// What an answer with deliveries waits for.
queue::Durability promised(const Dequeue& asked, const QueueBook& book) {
  return asked.unsynced ? queue::Durability::kMemory : book.settings.durability;
}

}  // namespace

void Engine::Body::touch(QueueBook& book) {
  if (book.touched) return;
  book.touched = true;
  touched.push_back(book.id);
}

void Engine::Body::touch(queue::QueueId id) {
  if (consumers.size() == 0) return;
  if (QueueBook* const book = books.find(id)) touch(*book);
}

base::Duration Engine::Body::lease_of(const Dequeue& asked, const QueueBook& book) const {
  if (!asked.lease) return book.settings.lease;
  return asked.lease->count() == 0 ? queue::kLeaseMax : *asked.lease;
}

std::optional<queue::View> Engine::Body::find(const Tied& lease) const {
  const auto view = books.store().find(lease.number);
  if (!view || view->standing.state != queue::State::kLeased || view->standing.at != kTied ||
      view->standing.delivered != lease.attempt) {
    return std::nullopt;
  }
  return view;
}

// Leases that have ended are forgotten before the list grows.
void Engine::Body::tie(uint64_t connection, Tied lease) {
  std::vector<Tied>& leases = tied[connection];
  if (leases.size() == leases.capacity()) {
    std::erase_if(leases, [this](const Tied& each) { return !find(each); });
    leases.reserve(2 * leases.size() + 1);
  }
  leases.push_back(lease);
}

// The message is leased to whoever asked; its units are charged already.
bool Engine::Body::lease(Request& request, QueueBook& book, queue::Number number,
                         base::Duration length, base::Time now) {
  Dequeue& asked = std::get<Dequeue>(request.what);
  const bool is_tied = asked.lease && asked.lease->count() == 0;
  const queue::View view = *books.store().find(number);
  queue::Standing to = view.standing;
  to.state = queue::State::kLeased;
  to.at = is_tied ? kTied : now + length;
  to.delivered = static_cast<uint16_t>(std::min(to.delivered + 1, 65'535));
  to.start = start;
  if (!move(view, to, Cause::kLeased, {}, Reserve::kLease)) return false;
  metrics.wait_ns.record(std::max<int64_t>(0, (now - view.standing.at).count()));
  if (is_tied) tie(request.connection, {number, to.delivered});
  Delivery& delivery = asked.deliveries.emplace_back();
  delivery.number = number;
  delivery.attempt = to.delivered;
  delivery.start = start;
  delivery.lease_until = to.at;
  delivery.queue = book.name;
  read(request, view, delivery.record);
  return true;
}

Engine::Body::Delivered Engine::Body::deliver(Request& request, QueueBook& book, base::Time now) {
  Dequeue& asked = std::get<Dequeue>(request.what);
  if (book.settings.paused_out) return Delivered::kNothing;
  const size_t before = asked.deliveries.size();
  asked.deliveries.reserve(asked.count);  // What is read goes into them: they must stay.
  for (size_t asks_made = 0; asked.deliveries.size() < asked.count; ++asks_made) {
    if (asks_made == kAsksMax) {  // The rest of them in the next turn.
      touch(book);
      break;
    }
    const queue::FlowId flow = gate.next(book.id);
    if (flow == queue::kNoFlow) break;
    const queue::View next = *books.store().find(books.store().flow(flow).head);
    if (next.expires != base::Time{} && next.expires <= now) {
      pass({queue::Due::What::kExpired, next.number}, now);
      gate.settle(now);
      continue;
    }
    if (!in_memory(next.place) && !room_for(wal::kRecordHeaderBytes + 64, Reserve::kLease)) {
      if (asked.deliveries.empty())
        request.status = base::Error{base::Code::kReadOnly, "the disk is full", {}};
      break;
    }
    const uint64_t room = wanted(request, book);
    const uint64_t coming = gate.awaited_beside(flow, book.id);
    if (coming >= room && coming > 0) break;  // As each is told, its queue is served.
    const base::Duration length = lease_of(asked, book);
    const Gate::Hold hold{hold_of(next.number), length, room - coming};
    if (!gate.ask(flow, hold, now)) continue;
    if (asked.claim && before == 0 && asked.deliveries.empty() &&
        asked.claim->taken.exchange(true)) {
      gate.untake(flow, hold, now);
      return Delivered::kLost;
    }
    if (!lease(request, book, next.number, length, now)) break;
  }
  return asked.deliveries.size() > before ? Delivered::kSome : Delivered::kNothing;
}

void Engine::Body::run(Dequeue& asked, Request& request, base::Time now) {
  if (stopping) return answers.add(request, 0, queue::Durability::kMemory);
  queue::Durability durability = queue::Durability::kMemory;
  for (const std::string_view name : asked.queues) {
    QueueBook* const book = books.find(name);
    if (book == nullptr) continue;
    if (asked.deliveries.size() >= asked.count) break;
    // Those who came before have their turn first.
    if (consumers.any(name)) serve(book->id, now);
    const Delivered delivered = deliver(request, *book, now);
    if (delivered == Delivered::kLost) break;
    if (delivered == Delivered::kSome) durability = std::min(durability, promised(asked, *book));
  }
  const bool lost = asked.claim && asked.claim->taken && asked.deliveries.empty();
  const bool waits = asked.wait.count() > 0 || awaits(asked);
  if (!asked.deliveries.empty() || !waits || lost || !request.status)
    return answer(request, durability);
  if (consumers.size() >= options.bounds.waiting_max)
    return refuse(request, {base::Code::kFull, "too many requests wait", "wait"});
  const base::Duration wait_max = asked.unsynced ? queue::kDelayMax : options.bounds.wait_max;
  const base::Duration wait = asked.wait.count() > 0 ? asked.wait : kAnswerMax;
  consumers.add(request, now + std::min(wait, wait_max));
}

// Messages of the queue that would be taken now: by this request, and by all who wait.
uint64_t Engine::Body::wanted(Request& request, const QueueBook& book) const {
  const Dequeue& asked = std::get<Dequeue>(request.what);
  const uint64_t all =
      consumers.wanted(book.name) + (consumers.contains(request) ? 0 : asked.count);
  return all - asked.deliveries.size();
}

bool Engine::Body::awaits(const Dequeue& asked) {
  return std::ranges::any_of(asked.queues, [this](std::string_view name) {
    const QueueBook* const book = books.find(name);
    return book != nullptr && gate.awaited(book->id) > 0;
  });
}

// Those who waited for answers only, and have them.
void Engine::Body::answer_impatient(const QueueBook& book) {
  if (gate.awaited(book.id) > 0) return;
  for (Request* const request : consumers.impatient(book.name)) {
    if (awaits(std::get<Dequeue>(request->what))) continue;
    consumers.remove(*request);
    answer(*request, queue::Durability::kMemory);
  }
}

// Those who wait for messages of the queue, by arrival, as far as messages may go.
void Engine::Body::serve(queue::QueueId id, base::Time now) {
  for (;;) {
    QueueBook* const book = books.find(id);
    if (book == nullptr) return;
    Request* const request = consumers.first(book->name);
    if (request == nullptr) return;
    Dequeue& asked = std::get<Dequeue>(request->what);
    Delivered delivered = Delivered::kLost;
    if (!asked.claim || !asked.claim->taken) delivered = deliver(*request, *book, now);
    if (delivered == Delivered::kNothing && request->status) return answer_impatient(*book);
    consumers.remove(*request);
    answer(*request,
           delivered == Delivered::kSome ? promised(asked, *book) : queue::Durability::kMemory);
  }
}

}  // namespace engine
