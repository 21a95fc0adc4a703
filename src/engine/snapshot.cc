#include "engine/snapshot.h"

#include "engine/bytes.h"

namespace engine {
namespace {

constexpr size_t kQueuesSlice = 512;
constexpr size_t kMessagesSlice = 4096;

base::Error broken() { return {base::Code::kIo, "a record of the snapshot cannot be read", {}}; }

std::string encode_flow(queue::FlowId id, const queue::Store::Flow& flow) {
  std::string to;
  PutBytes(to).number(id).number(flow.queue).text(flow.key).text(flow.descriptors);
  return to;
}

std::string encode_index(const queue::View& view, const Reason* reason) {
  std::string to;
  PutBytes put(to);
  put.number(view.number).number(view.flow).number(view.standing.state).time(view.standing.at);
  put.number(view.standing.delivered).number(view.standing.failed).number(view.standing.start);
  put.number(view.priority).time(view.expires).number(view.attempts).number(view.cost);
  put.number(view.place).number(view.bytes);
  if (reason != nullptr) put.number(reason->cause).text(reason->text);
  return to;
}

std::string encode_totals(const QueueBook& book) {
  std::string to;
  const Stats::Totals& t = book.totals;
  PutBytes put(to);
  put.number(book.id).number(book.gone);
  for (const uint64_t total :
       {t.enqueued, t.deduplicated, t.delivered, t.acked, t.failed, t.requeued, t.lease_over,
        t.expired, t.dead, t.redriven, t.removed, t.purged}) {
    put.number(total);
  }
  return to;
}

}  // namespace

SnapshotSlices::Records SnapshotSlices::next() {
  Records to;
  while (to.empty() && phase_ != Phase::kEnd) {
    switch (phase_) {
      case Phase::kQueues:
        queues(to);
        break;
      case Phase::kMessages:
        messages(to);
        break;
      case Phase::kSeen:
        seen(to);
        break;
      case Phase::kEnd:
        break;
    }
  }
  return to;
}

void SnapshotSlices::queues(Records& to) {
  std::string last = after_;
  size_t seen_queues = 0;
  books_.store().queues_after(after_, kQueuesSlice, [&](const queue::QueueView& view) {
    ++seen_queues;
    last = view.name;
    to.emplace_back(Kind::kQueue, encode_queue({view.id, std::string(view.name), view.settings}));
  });
  after_ = last;
  if (seen_queues < kQueuesSlice) phase_ = Phase::kMessages;
}

void SnapshotSlices::messages(Records& to) {
  cursor_ = books_.store().walk(
      cursor_, kMessagesSlice,
      [&](const queue::View& view, const queue::Store::Flow& flow, bool fresh) {
        if (fresh) to.emplace_back(Kind::kFlow, encode_flow(view.flow, flow));
        if (!in_memory(view.place))
          to.emplace_back(Kind::kIndex, encode_index(view, books_.reason(view.number)));
      });
  if (cursor_ == 0) phase_ = Phase::kSeen;
}

void SnapshotSlices::seen(Records& to) {
  books_.store().each_remembered(
      cursor_, kMessagesSlice, [&](base::Hash128 id, queue::Number number, base::Time until) {
        std::string body;
        PutBytes(body).number(id.low).number(id.high).number(number).time(until);
        to.emplace_back(Kind::kSeen, std::move(body));
      });
  if (cursor_ == 0) phase_ = Phase::kEnd;
}

SnapshotSlices::Records SnapshotSlices::end(wal::Sequence counted_from, base::Time last_instant) {
  Records to;
  books_.each([&](const QueueBook& book) {
    to.emplace_back(Kind::kTotals, encode_totals(book));
    if (book.redrive.left > 0) to.emplace_back(Kind::kRedrive, encode_redrive(book.redrive));
  });
  std::string body;
  PutBytes(body).number(books_.next_queue_id()).time(last_instant).number(counted_from);
  to.emplace_back(Kind::kShard, std::move(body));
  return to;
}

base::Status SnapshotLoader::take(Kind kind, std::string_view body) {
  GetBytes get(body);
  switch (kind) {
    case Kind::kQueue:
    case Kind::kRedrive:
      return books_.replay(kind, body, {});
    case Kind::kFlow: {
      const auto id = get.number<queue::FlowId>();
      if (id >= flows_.size()) flows_.resize(id + 1 + id / 4);
      flows_[id].told = true;
      flows_[id].queue = get.number<queue::QueueId>();
      flows_[id].key = get.text();
      flows_[id].descriptors = get.text();
      break;
    }
    case Kind::kIndex: {
      queue::Arrival arrival;
      queue::Standing standing;
      arrival.number = get.number<queue::Number>();
      const auto id = get.number<queue::FlowId>();
      standing.state = get.number<queue::State>();
      standing.at = get.time();
      standing.delivered = get.number<uint16_t>();
      standing.failed = get.number<uint16_t>();
      standing.start = get.number<uint32_t>();
      arrival.priority = get.number<uint32_t>();
      arrival.expires = get.time();
      arrival.attempts = get.number<uint16_t>();
      arrival.cost = get.number<int64_t>();
      arrival.place = get.number<Place>();
      arrival.bytes = get.number<uint32_t>();
      Reason reason;
      if (!get.rest().empty()) {
        reason.cause = get.number<Cause>();
        reason.text = get.text();
      }
      if (!get.whole() || id >= flows_.size() || !flows_[id].told) return broken();
      const Flow& flow = flows_[id];
      if (books_.find(flow.queue) == nullptr) return {};  // It went while this was written.
      arrival.queue = flow.queue;
      arrival.key = flow.key;
      arrival.descriptors = flow.descriptors;
      arrival.enqueued = standing.at;
      books_.restore(arrival, standing, reason);
      return {};
    }
    case Kind::kSeen: {
      const auto low = get.number<uint64_t>();
      const auto high = get.number<uint64_t>();
      const auto number = get.number<queue::Number>();
      books_.store().remember({low, high}, number, get.time());
      break;
    }
    case Kind::kTotals: {
      const auto id = get.number<queue::QueueId>();
      const auto gone = get.number<uint64_t>();
      Stats::Totals t;
      for (uint64_t* const total :
           {&t.enqueued, &t.deduplicated, &t.delivered, &t.acked, &t.failed, &t.requeued,
            &t.lease_over, &t.expired, &t.dead, &t.redriven, &t.removed, &t.purged}) {
        *total = get.number<uint64_t>();
      }
      books_.restore(id, t, gone);
      break;
    }
    case Kind::kShard:
      books_.at_least(get.number<queue::QueueId>());
      loaded_.last_instant = get.time();
      loaded_.counted_from = get.number<wal::Sequence>();
      break;
    default:
      return broken();
  }
  if (!get.whole()) return broken();
  return {};
}

}  // namespace engine
