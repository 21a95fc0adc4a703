#include "engine/consumers.h"

#include <algorithm>

namespace engine {
namespace {

template <typename Map, typename Key>
void erase_one(Map& map, const Key& key, Request* request) {
  const auto [begin, end] = map.equal_range(key);
  const auto found = std::find_if(begin, end, [&](auto& each) { return each.second == request; });
  if (found != end) map.erase(found);
}

}  // namespace

void Consumers::note(Request& request, base::Time deadline) {
  waiting_[&request].deadline = deadline;
  deadlines_.emplace(deadline, &request);
  if (request.connection != 0) by_connection_.emplace(request.connection, &request);
}

void Consumers::add(Request& dequeue, base::Time deadline) {
  note(dequeue, deadline);
  Waiting& waiting = waiting_[&dequeue];
  for (const std::string_view queue : std::get<Dequeue>(dequeue.what).queues) {
    Line& line = by_queue_[std::string(queue)];
    waiting.places.emplace_back(queue, line.insert(line.end(), &dequeue));
  }
}

void Consumers::add_check(Request& check, base::Time deadline) { note(check, deadline); }

void Consumers::remove(Request& request) {
  const auto found = waiting_.find(&request);
  if (found == waiting_.end()) return;
  for (const auto& [queue, place] : found->second.places) {
    const auto line = by_queue_.find(queue);
    line->second.erase(place);
    if (line->second.empty()) by_queue_.erase(line);
  }
  erase_one(deadlines_, found->second.deadline, &request);
  if (request.connection != 0) erase_one(by_connection_, request.connection, &request);
  waiting_.erase(found);
}

Request* Consumers::first(std::string_view queue) {
  const auto found = by_queue_.find(queue);
  return found == by_queue_.end() ? nullptr : found->second.front();
}

base::Time Consumers::due() const {
  return deadlines_.empty() ? base::Time::max() : deadlines_.begin()->first;
}

Request* Consumers::over(base::Time now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return nullptr;
  return deadlines_.begin()->second;
}

std::vector<Request*> Consumers::of(uint64_t connection) const {
  std::vector<Request*> requests;
  const auto [begin, end] = by_connection_.equal_range(connection);
  for (auto at = begin; at != end; ++at) requests.push_back(at->second);
  return requests;
}

std::vector<Request*> Consumers::all() const {
  std::vector<Request*> requests;
  for (const auto& [deadline, request] : deadlines_) requests.push_back(request);
  return requests;
}

}  // namespace engine
