// The door: each call goes to the part that does it (body.h).
#include "queue/queue.h"

#include "base/check.h"
#include "queue/body.h"

namespace queue {
namespace {

QueueView shown(const Queue& queue) {
  return {.id = queue.id, .name = queue.name, .settings = queue.settings, .depths = queue.depths};
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::kReady:
      return "ready";
    case State::kDelayed:
      return "delayed";
    case State::kLeased:
      return "leased";
    case State::kDead:
      return "dead";
  }
  return "";
}

Store::Store(std::function<void(Place, uint32_t)> gone, uint64_t hash_seed)
    : body_(std::make_unique<Body>(std::move(gone), hash_seed)) {}
Store::~Store() = default;

void Store::set_queue(QueueId id, std::string_view name, const Settings& settings) {
  body_->set_queue(id, name, settings);
}
void Store::drop_queue(QueueId id) {
  if (Queue* queue = body_->queues.find(id)) body_->drop_queue(*queue);
}
void Store::purge(QueueId id) {
  if (Queue* queue = body_->queues.find(id)) body_->purge(*queue);
}
std::optional<QueueView> Store::find(std::string_view name) const {
  const Queue* queue = body_->queues.find(name);
  return queue == nullptr ? std::nullopt : std::optional(shown(*queue));
}
std::optional<QueueView> Store::find(QueueId id) const {
  const Queue* queue = body_->queues.find(id);
  return queue == nullptr ? std::nullopt : std::optional(shown(*queue));
}
void Store::each_queue(const std::function<void(const QueueView&)>& visit) const {
  for (const auto& [name, queue] : body_->queues.by_name()) visit(shown(*queue));
}
void Store::queues_after(std::string_view after, size_t count,
                         const std::function<void(const QueueView&)>& visit) const {
  const auto& names = body_->queues.by_name();
  for (auto i = names.upper_bound(after); i != names.end() && count > 0; ++i, --count)
    visit(shown(*i->second));
}
size_t Store::queues() const { return body_->queues.by_name().size(); }

FlowId Store::enqueue(const Arrival& arrival) { return body_->enqueue(arrival); }
bool Store::move(Number number, const Standing& to) { return body_->move(number, to); }
bool Store::remove(Number number) { return body_->remove(number); }
bool Store::relocate(Number number, Place to, uint32_t bytes) {
  return body_->relocate(number, to, bytes);
}
std::optional<View> Store::find(Number number) const {
  const uint32_t slot = body_->find(number);
  return slot == kNone ? std::nullopt : std::optional(body_->view(body_->messages[slot]));
}
size_t Store::messages() const { return body_->living; }

std::optional<Number> Store::seen(base::Hash128 id, base::Time now) const {
  return body_->dedup.seen(id, now);
}
void Store::remember(base::Hash128 id, Number number, base::Time until) {
  body_->dedup.remember(id, number, until);
}
size_t Store::remembered() const { return body_->dedup.size(); }

base::Time Store::next_due() const { return body_->next_due(); }
std::optional<Due> Store::due(base::Time now) { return body_->due(now); }
bool Store::ripen(Number number, base::Time now) { return body_->ripen(number, now); }

FlowId Store::next(QueueId id) const {
  Queue* queue = body_->queues.find(id);
  return queue == nullptr ? kNoFlow : body_->turns.next(*queue);
}
Store::Flow Store::flow(FlowId id) const { return body_->show(id); }
void Store::park(FlowId id) { body_->turns.park(id); }
void Store::unpark(FlowId id) { body_->turns.unpark(id); }
void Store::changed(std::vector<FlowId>& out) { body_->turns.changed(out); }
uint32_t& Store::note(FlowId id, size_t which) { return body_->turns[id].notes[which]; }

uint64_t Store::ahead(Number number, uint64_t most) const {
  const uint32_t slot = body_->find(number);
  CHECK(slot != kNone && body_->messages[slot].is(State::kReady));
  return body_->turns.ahead(slot, most);
}
base::Time Store::oldest(QueueId id) const {
  const Queue* queue = body_->queues.find(id);
  return queue == nullptr ? base::Time{} : body_->oldest(*queue);
}
Number Store::next_dead(QueueId id, Number after) const {
  const Queue* queue = body_->queues.find(id);
  return queue == nullptr ? 0 : body_->next_dead(*queue, after);
}

bool Store::reap(base::Time now, size_t most) { return body_->reap(now, most); }
uint64_t Store::walk(uint64_t cursor, size_t most,
                     const std::function<void(const View&, const Flow&, bool fresh)>& visit) {
  return body_->walk(cursor, most, visit);
}
uint64_t Store::walk_flows(uint64_t cursor, size_t most,
                           const std::function<void(FlowId, const Flow&)>& visit) {
  return body_->walk_flows(cursor, most, visit);
}
void Store::each_remembered(
    uint64_t& cursor, size_t most,
    const std::function<void(base::Hash128, Number, base::Time until)>& visit) {
  body_->dedup.each(cursor, most, visit);
}
size_t Store::memory_bytes() const { return body_->memory_bytes(); }
uint64_t Store::steps() const {
  return body_->index.moved() + body_->turns.moved() + body_->dedup.moved() + body_->reaped;
}

}  // namespace queue
