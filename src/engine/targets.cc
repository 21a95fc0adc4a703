#include "engine/targets.h"

#include <algorithm>
#include <utility>

#include "engine/body.h"

namespace engine {
namespace {

struct Held {  // Why the head of a flow does not go.
  std::string_view by;
  base::Time until{};
};

Held held_by(queue::FlowId id, const queue::Store::Flow& flow, const QueueBook& book, Gate& gate) {
  if (book.settings.paused_out) return {"paused", {}};
  if (flow.parked) {
    const Gate::Wait wait = gate.waits(id);
    return {wait.limited_by, wait.until == base::Time::max() ? base::Time{} : wait.until};
  }
  if (flow.held_back) return {"in_flight_per_key", {}};
  return {};
}

}  // namespace

bool TargetsWalk::add(Request& request) {
  if (asked_.size() >= kAskedMax) return false;
  asked_.push_back(&request);
  return true;
}

Request& TargetsWalk::end() {
  rows_.clear();
  reasons_.clear();
  cursor_ = 0;
  Request& first = *asked_.front();
  asked_.pop_front();
  return first;
}

Request* TargetsWalk::leave(uint64_t connection) {
  const auto found = std::ranges::find(asked_, connection, &Request::connection);
  if (found == asked_.end()) return nullptr;
  if (found == asked_.begin()) return &end();
  Request* const left = *found;
  asked_.erase(found);
  return left;
}

bool TargetsWalk::slice(Books& books, Gate& gate) {
  cursor_ = books.store().walk_flows(cursor_, kSlice,
                                     [&](queue::FlowId id, const queue::Store::Flow& flow) {
                                       if (flow.head != 0) see(id, flow, books, gate);
                                     });
  if (cursor_ != 0) return false;
  fill();
  return true;
}

void TargetsWalk::see(queue::FlowId id, const queue::Store::Flow& flow, Books& books, Gate& gate) {
  QueueBook* const book = books.find(flow.queue);
  if (book == nullptr || !book->settings.push.on()) return;
  const Targets& asked = std::get<Targets>(asked_.front()->what);
  host_ = host_of(book->templates.complete(text_.decode(flow.descriptors, flow.cost)));
  if (!asked.host.empty() && host_ != asked.host) return;
  const Held held = held_by(id, flow, *book, gate);
  if (!held.by.empty()) reasons_[std::string(held.by)] += flow.messages;
  if (host_.empty()) return;
  if (rows_.size() >= kHostsSeenMax && !rows_.contains(host_)) return;
  Targets::Row& row = rows_[host_];
  const base::Time since = books.store().find(flow.head)->standing.at;
  if (row.waiting == 0 || since < row.oldest) {
    row.oldest = since;
    row.limited_by = held.by;
    row.until = held.until;
  }
  row.waiting += flow.messages;
}

void TargetsWalk::fill() {
  Targets& asked = std::get<Targets>(asked_.front()->what);
  asked.rows.clear();
  for (auto& [host, row] : rows_) {
    row.host = host;
    asked.rows.push_back(std::move(row));
  }
  const auto more = [](const Targets::Row& a, const Targets::Row& b) {
    return a.waiting != b.waiting ? a.waiting > b.waiting : a.host < b.host;
  };
  const size_t kept = std::min<size_t>(asked.hosts_max, asked.rows.size());
  std::partial_sort(asked.rows.begin(), asked.rows.begin() + static_cast<ptrdiff_t>(kept),
                    asked.rows.end(), more);
  asked.rows.resize(kept);
  asked.reasons.assign(reasons_.begin(), reasons_.end());
  std::sort(asked.reasons.begin(), asked.reasons.end());
}

void Engine::Body::run(Targets&, Request& request, base::Time) {
  if (stopping) return refuse(request, {base::Code::kShutdown, "stopping", {}});
  if (!targets.add(request)) refuse(request, {base::Code::kFull, "too many ask for this", {}});
}

}  // namespace engine
